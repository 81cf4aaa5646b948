"""A retry of an execution that failed, timed out or was cancelled (``retry_plan`` says with which visits).

A visit that goes on stays the same visit. Its attempts are counted on, and its items and members that succeeded are
kept.
"""

from __future__ import annotations

from collections.abc import Callable

from attune.engine import ending, items, remap, task_start, transitions
from attune.engine.attempt_effects import limit
from attune.engine.context import Own, needs_record
from attune.engine.effects import Announce, WriteRetry
from attune.engine.facts import Fact, GraphFact, ItemsFact, RecordFact, RecordsFact
from attune.engine.ids import AttemptId
from attune.engine.joins import is_counted
from attune.engine.launch import launch, set_deadline
from attune.engine.messages import RetryExecution
from attune.engine.retry_plan import Plan, can_retry, group_runs, misfits, plan, tasks_of
from attune.engine.state import Arrivals, State
from attune.engine.turn import Step, Turn
from attune.engine.visits import Active, Visit, VisitKey
from attune.model.graph import Task
from attune.model.reachability import bits
from attune.model.status import ExecutionStatus, TaskStatus

Way = Callable[[Turn, Task, int, Plan], None]
"""How a visit goes on."""


def retry(turn: Turn, message: RetryExecution) -> None:
    """Have the execution go on. A copy of the message does nothing, nor does one to an execution that cannot go on."""
    state = turn.state
    if not can_retry(state) or message.request_id in state.retried:
        return
    wanted = _wanted(turn, message)
    if wanted is None:
        return
    _note(turn, message)
    if not state.begun and not state.fired and not state.dropped:
        _reopen(turn, wanted)
        launch(turn)
        return
    _reopen(turn, wanted)
    set_deadline(turn)
    _fetch(turn, wanted)
    _go_on(turn, wanted)


def _wanted(turn: Turn, message: RetryExecution) -> Plan | None:
    """What to do, in the graph of the version that is asked for; None if that cannot be done."""
    state, version = turn.state, message.workflow_version
    try:
        if version is not None and version != state.workflow_version:
            new = turn.facts.get(GraphFact(state.workflow, version))
            if new is None or misfits(turn.graph, new, state, message.from_):
                return None
            remap.remap(state, turn.graph, new)
            state.workflow_version, turn.graph = version, new
        return plan(turn.graph, state, message.from_)
    except KeyError:
        return None


def _note(turn: Turn, message: RetryExecution) -> None:
    state = turn.state
    state.retried = [*state.retried, message.request_id]
    state.resend_id = message.request_id
    number = len(state.retried)
    if message.parameters is not None:
        state.given = number
    version, by = state.workflow_version, message.by
    turn.write_retry(
        WriteRetry(
            number=number,
            at=turn.now,
            by=by,
            from_=message.from_,
            workflow_version=version,
            parameters=message.parameters,
        )
    )


def _reopen(turn: Turn, wanted: Plan) -> None:
    """Set the execution to running: bring back what was put aside, and forget the failures that the retry mends."""
    state, graph = turn.state, turn.graph
    stands = dict(wanted.stands or {})
    state.status, state.ended_at = ExecutionStatus.RUNNING, None
    state.stopping = state.paused = False
    state.led_to_fail &= ~wanted.redone if wanted.named else 0
    state.is_failing = bool(state.led_to_fail)
    state.ever_unhandled = sum(1 << i for i in bits(tasks_of(stands)) if graph.tasks[i].group is None)
    state.error = state.error if state.is_failing or state.ever_unhandled else None
    state.now_unhandled = state.now_unhandled & ~(tasks_of(state.resumable) | wanted.redone) | tasks_of(stands)
    state.held = 0
    state.resumable = stands
    _fire_again(turn, wanted)
    turn.ask(Announce(state.status))


def _fire_again(turn: Turn, wanted: Plan) -> None:
    """Bring back the arrivals that were put aside, except those from tasks that are done anew."""
    state, graph = turn.state, turn.graph
    aside = {i: a for i, a in state.dropped.items() if group_runs(graph, wanted.run, graph.tasks[i])}
    state.dropped = {}
    for index, arrivals in aside.items():
        state.fired[index] = ending.add_up(state.fired.get(index, {}), arrivals)
    for index in list(state.fired) if wanted.named else ():
        left = _undone(state, graph.tasks[index], wanted)
        if left:
            state.fired[index] = left
        else:
            del state.fired[index]


def _undone(state: State, task: Task, wanted: Plan) -> Arrivals:
    """The arrivals at a task as they were before what is done anew; a join that counts takes back its last run."""
    arrivals = state.fired[task.index]
    used = 0
    if is_counted(task) and (wanted.redone & ~wanted.named) >> task.index & 1:
        used = state.join_runs.pop(task.index, 0)
    kept = {source: count - max(used - 1, 0) for source, count in arrivals.items() if not wanted.redone >> source & 1}
    return {source: count for source, count in kept.items() if count > 0}


def _fetch(turn: Turn, wanted: Plan) -> None:
    """Ask for all that is going to be read at once: one round of reading, however many visits go on."""
    facts: set[Fact] = set()
    for (index, visit), last in wanted.run.items():
        task = turn.graph.tasks[index]
        own = Own(index, TaskStatus.PENDING)
        facts |= turn.context.wanted([task.when, task.with_items, task.input, task.action], own)
        if task.with_items is not None:
            facts |= {ItemsFact(task.name, visit), RecordsFact(task.name, visit)}
        elif needs_record(task) and not task.members:
            facts.add(RecordFact(AttemptId(task.name, visit, None, last)))
    turn.facts.require(facts)


def _go_on(turn: Turn, wanted: Plan) -> None:
    """Let all visits go on: groups first, since their members must find them; what may end at once last."""
    ways = {key: _way(turn, key, last, wanted) for key, last in wanted.run.items()}
    for key in sorted(ways, key=lambda key: (_WAYS.index(ways[key]), key)):
        if turn.state.stopping:
            turn.state.resumable = {**turn.state.resumable, key: wanted.run[key]}
        else:
            if ways[key] is not _fire_anew:
                turn.steps.append(Step(*key))
            ways[key](turn, turn.graph.tasks[key[0]], key[1], wanted)


def _way(turn: Turn, key: VisitKey, last: int, wanted: Plan) -> Way:
    task = turn.graph.tasks[key[0]]
    if task.members and key[1] != turn.state.visits_of(task.index):
        return _fire_anew
    if not last:
        return _enter
    if task.members:
        return _attempt_anew if _is_anew(turn, task, wanted) else _reenter
    if task.with_items is not None:
        return _items_again
    kept = not _is_whole(turn, task, wanted) and _has_succeeded(turn, task, key[1], last)
    return _end_again if kept else _attempt_anew


def _is_whole(turn: Turn, task: Task, wanted: Plan) -> bool:
    """Whether a task is to run again although it ended well: it was named, or led to ``fail``."""
    return bool(wanted.named >> task.index & 1) or turn.state.latest(task.index) is TaskStatus.COMPLETED


def _has_succeeded(turn: Turn, task: Task, visit: int, last: int) -> bool:
    """Whether the attempt ended well: the visit failed by a template, or was cancelled while the attempt ran."""
    record = turn.facts.get(RecordFact(AttemptId(task.name, visit, None, last))) if needs_record(task) else None
    return record is not None and record["status"] == TaskStatus.COMPLETED


def _fire_anew(turn: Turn, task: Task, visit: int, wanted: Plan) -> None:
    """An earlier visit of a group has no members of its own any more: a new one takes its place, after the latest."""
    del visit, wanted
    arrived = turn.state.fired.get(task.index, {})
    turn.state.fired[task.index] = ending.add_up(arrived, {task.index: 1})


def _enter(turn: Turn, task: Task, visit: int, wanted: Plan) -> None:
    del wanted
    task_start.enter(turn, task, visit)


def _items_again(turn: Turn, task: Task, visit: int, wanted: Plan) -> None:
    items.restart(turn, task, visit, wanted.run[task.index, visit], whole=_is_whole(turn, task, wanted))


def _end_again(turn: Turn, task: Task, visit: int, wanted: Plan) -> None:
    """What the attempt returned is kept; the visit publishes and leads on anew."""
    attempt = AttemptId(task.name, visit, None, wanted.run[task.index, visit])
    transitions.end_visit(turn, task, visit, TaskStatus.COMPLETED, attempt=attempt)


def _attempt_anew(turn: Turn, task: Task, visit: int, wanted: Plan) -> None:
    last = wanted.run[task.index, visit]
    turn.state.open(Visit(task.index, visit, attempt_base=last))
    turn.ready.append(AttemptId(task.name, visit, None, last + 1))


def _round(state: State, task: Task) -> int:
    return state.rounds.get(task.index, 0) if task.loop else 1


def _is_anew(turn: Turn, task: Task, wanted: Plan) -> bool:
    """Whether a group begins at its first round: it had none, or was named although it had completed."""
    whole = wanted.named >> task.index & 1 and turn.state.latest(task.index) is TaskStatus.COMPLETED
    return not _round(turn.state, task) or bool(whole)


def _reenter(turn: Turn, task: Task, visit: int, wanted: Plan) -> None:
    """A group goes on in the round that it was in."""
    last = wanted.run[task.index, visit]
    attempt = AttemptId(task.name, visit, None, last + 1)
    waiting = Active(TaskStatus.WAITING, last + 1, limit=limit(turn, task, attempt))
    turn.state.open(Visit(task.index, visit, single=waiting, round=_round(turn.state, task), attempt_base=last))


_WAYS: tuple[Way, ...] = (_reenter, _attempt_anew, _items_again, _enter, _end_again, _fire_anew)
