"""Start whatever can start, until nothing more can; then see whether the execution is over.

A transition that fires leaves an *arrival* at each of its targets: ``state.fired[target][source]`` counts them. A task
is *busy* while it runs, waits or retries, and while it has been fired and has not begun.

**Rules.**

1. A task with one source, and a ``join: each``, begins once for each arrival.
2. A default join begins when it has been fired and no busy task can still reach it without beginning a new round of a
   loop that it is in. It uses up all its arrivals. The compiler has worked out who can reach whom (``Task.blockers``),
   so the check is one ``&``.
3. An arrival from inside the loop of which the task is the head asks for a new round. Such a round waits for all of the
   loop. A head that was fired for a new round only holds up nobody inside: it waits for them, not they for it.
4. A join that counts begins its k-th run when enough of its sources have arrived k times. Its arrivals stay.
5. A default join that depends by success on an unhandled failure, be it through tasks that never ran because of it, is
   *held*: its arrivals are put aside for a retry.
6. Of default joins that wait for nothing but each other, the one written first begins.
7. After ``fail`` only what was fired beside it begins, and waits for nobody.
8. Where nothing can begin, a round of a group is over if none of its members is busy (:mod:`groups`). Where none is,
   the execution is over if nothing is under way; else it is running, waiting or paused.

**An example.** Two branches of different lengths meet in ``j``, which all others block::

    tasks:
      - {name: s, action: t.do, on_success: [a, b]}
      - {name: a, action: t.do, on_success: j}
      - {name: b, action: t.do, on_success: c}
      - {name: c, action: t.do, on_success: j}
      - {name: j, action: t.do}

When ``s`` has ended, ``a`` and ``b`` begin. When ``a`` has, ``j`` is fired; busy are ``b`` and ``j`` itself, and ``b``
blocks it. When ``b`` has, ``c`` is busy and blocks it. When ``c`` has, ``j`` has two arrivals, nothing blocks it any
more, and it runs once. Had ``b`` failed with nobody to handle it, ``c`` would never run: nothing would block ``j``
after ``a``, but it depends by success on ``c``, which never ran because of ``b``. So ``j`` is held, and the execution
fails.
"""

from __future__ import annotations

from functools import reduce
from operator import or_

from attune.engine import ending, groups
from attune.engine.joins import is_counted, is_pending
from attune.engine.state import CODES
from attune.engine.task_start import begin, start_attempt
from attune.engine.turn import Turn
from attune.exceptions import task_error
from attune.model.graph import JoinKind, Task, TaskIndex, TaskSet
from attune.model.reachability import bits
from attune.model.status import ExecutionStatus, TaskStatus


def settle(turn: Turn) -> None:
    """See the module."""
    while not turn.state.status.ended:
        if turn.ready:
            attempt = turn.ready.popleft()
            start_attempt(turn, turn.graph.by_name[attempt.task], attempt.visit, attempt.index, attempt.number)
        elif not ((not turn.state.paused and _start_next(turn)) or groups.advance_one(turn)):
            break
    if not turn.state.status.ended:
        _end_or_wait(turn)


def _start_next(turn: Turn) -> bool:
    """Begin fired tasks, or hold one back; False when none may begin.

    The one written first goes first. A task that does no more than begin leaves as many busy as before, so whoever
    was looked at and had to wait still has to: the search need not start over.
    """
    busy, begun = _busy(turn), False
    for index in sorted(turn.state.fired):
        task = turn.graph.tasks[index]
        if _may_begin(turn, task, busy):
            begun, steps = True, len(turn.steps)
            _take(turn, task)
            if not _just_began(turn, task, steps):
                return True
    if begun:
        return True
    first = _first_of_a_knot(turn, busy)
    if first is not None:
        _take(turn, first)
    return first is not None


def _just_began(turn: Turn, task: Task, steps: int) -> bool:
    """Whether all that has happened since there were so many steps is that this task began."""
    still = len(turn.steps) == steps + 1 and not turn.ready
    return still and not task.members and task.index not in turn.state.fired


def _busy(turn: Turn) -> TaskSet:
    """The tasks that run, wait or retry, or have been fired and not begun, as a bit set."""
    bits = turn.state.running
    for index in turn.state.fired:
        if is_pending(turn.state, turn.graph.tasks[index]):
            bits |= 1 << index
    return bits


def _may_begin(turn: Turn, task: Task, busy: TaskSet) -> bool:
    if task.members and (task.index, turn.state.visits_of(task.index)) in turn.state.active:
        return False
    if not task.is_join or task.join.kind is JoinKind.EACH or turn.state.stopping:
        return True
    if task.join.kind is JoinKind.ROUND:
        return not _waits_for(turn, task, busy)
    return _counted(turn, task)


def _waits_for(turn: Turn, task: Task, busy: TaskSet) -> TaskSet:
    """The busy tasks that keep a default join waiting."""
    arrived = turn.state.fired[task.index]
    new_round = task.back_sources and any(task.back_sources >> source & 1 for source in arrived)
    waits_for = busy & (task.blockers | (task.cycle_body if new_round else 0)) & ~(1 << task.index)
    return waits_for & ~_next_rounds(turn, task, waits_for)


def _next_rounds(turn: Turn, task: Task, among: TaskSet) -> TaskSet:
    """The heads fired for a new round of a loop that the task is in: these wait for the task, not it for them."""
    found = 0
    for index in bits(among & turn.graph.heads):
        head = turn.graph.tasks[index]
        arrived = turn.state.fired.get(index, ()) if head.cycle_body >> task.index & 1 else ()
        if arrived and all(head.back_sources >> source & 1 for source in arrived):
            found |= 1 << index
    return found


def _counted(turn: Turn, task: Task) -> bool:
    """``join: all`` and ``join: N``: enough source tasks have fired for the next run."""
    run = turn.state.join_runs.get(task.index, 0) + 1
    arrived = sum(1 for count in turn.state.fired[task.index].values() if count >= run)
    return arrived >= _needed(task)


def _needed(task: Task) -> int:
    return task.sources.bit_count() if task.join.kind is JoinKind.ALL else task.join.count


def _take(turn: Turn, task: Task) -> None:
    """Use up the arrivals of one run and begin it, unless the task is held back or has run too often."""
    state = turn.state
    is_round = task.is_join and task.join.kind is JoinKind.ROUND
    number = state.visits_of(task.index) + 1
    if is_round and not state.stopping and _is_held(turn, task):
        _hold(turn, task)
        return
    if number > task.max_visits:
        message = f"task '{task.name}' was to begin visit {number}; max_visits is {task.max_visits}"
        ending.stop_firing(turn, task_error("max_visits", message, retryable=False))
        return
    if state.stopping or is_round:
        del state.fired[task.index]
    elif is_counted(task):
        state.join_runs[task.index] = state.join_runs.get(task.index, 0) + 1
    else:
        _take_one(turn, task)
    begin(turn, task, number)


def _hold(turn: Turn, task: Task) -> None:
    state = turn.state
    ending.put_aside(state, {task.index: state.fired.pop(task.index)})
    state.held |= 1 << task.index
    state.codes[task.index] = CODES[TaskStatus.HELD]


def _is_held(turn: Turn, task: Task) -> bool:
    """Whether the task depends by success on an unhandled failure, directly or through tasks kept from running."""
    lost = turn.state.now_unhandled | turn.state.held
    seen, front = 0, task.success_sources if lost else 0
    while front and not front & lost:
        seen |= front
        silent = (turn.graph.tasks[index] for index in bits(front & ~turn.state.begun))
        front = reduce(or_, (t.success_sources for t in silent if not t.is_join or t.join.kind is JoinKind.ROUND), 0)
        front &= ~seen
    return front != 0


def _take_one(turn: Turn, task: Task) -> None:
    arrivals = turn.state.fired[task.index]
    source = min(arrivals)
    arrivals[source] -= 1
    if not arrivals[source]:
        del arrivals[source]
    if not arrivals:
        del turn.state.fired[task.index]


def _first_of_a_knot(turn: Turn, busy: TaskSet) -> Task | None:
    """Of default joins that wait only for each other, the one written first."""
    state = turn.state
    waiting = {
        index: _waits_for(turn, task, busy)
        for index in state.fired
        if (task := turn.graph.tasks[index]).is_join and task.join.kind is JoinKind.ROUND
    }
    for index in sorted(waiting):
        if waiting[index] & state.running:
            continue
        others = _closure(waiting, index)
        if not others & state.running and all(_closure(waiting, other) >> index & 1 for other in bits(others)):
            return turn.graph.tasks[index]
    return None


def _closure(waiting: dict[TaskIndex, TaskSet], start: TaskIndex) -> TaskSet:
    """All tasks that ``start`` waits for, directly or through others."""
    seen, front = 0, waiting.get(start, 0)
    while front:
        seen |= front
        front = reduce(or_, (waits for task, waits in waiting.items() if front >> task & 1), 0) & ~seen
    return seen


def _end_or_wait(turn: Turn) -> None:
    state = turn.state
    if state.paused and (state.active or state.fired):
        state.status = ExecutionStatus.PAUSED
    elif state.active:
        state.status = ExecutionStatus.RUNNING if _works(turn) else ExecutionStatus.WAITING
    else:
        _finish(turn)


def _works(turn: Turn) -> bool:
    """What a chunk's items wait for, only the chunk knows: it counts as work."""
    waits, visits = (TaskStatus.WAITING, TaskStatus.RETRYING), turn.state.active.values()
    return any(visit.chunks or any(active.status not in waits for _, active in visit.attempts()) for visit in visits)


def _finish(turn: Turn) -> None:
    state = turn.state
    stuck = [
        turn.graph.tasks[index] for index in sorted(state.fired) if is_pending(turn.state, turn.graph.tasks[index])
    ]
    if stuck and not state.ever_unhandled:
        message = f"task '{stuck[0].name}' waits for sources that can no longer fire"
        state.error = task_error("unreachable_join", message, details={"task": stuck[0].name})
    if stuck or state.is_failing or state.ever_unhandled:
        ending.finish(turn, ExecutionStatus.FAILED, state.error)
    else:
        ending.finish(turn, ExecutionStatus.COMPLETED)
