"""A retry of an execution that failed, timed out or was cancelled: what runs again, and what is kept.

It goes on with the visits that failed unhandled or were cancelled; with those whose failure led to ``fail``; or with
the latest visits of the tasks that are named, forgetting what came of these. A visit that goes on is the same visit:
its attempts are counted further, its items and members that succeeded are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from attune.engine import ending, items, remap, starting
from attune.engine.effects import Announce, WriteRetry
from attune.engine.facts import graph_key
from attune.engine.groups import inside_of
from attune.engine.ids import AttemptId
from attune.engine.joins import is_counted
from attune.engine.launch import launch, set_deadline
from attune.engine.messages import Retry
from attune.engine.state import Active, State, Visit
from attune.engine.turn import Step, Turn
from attune.language.graph import Graph, Task
from attune.language.reachability import bits
from attune.language.status import ExecutionStatus, TaskStatus

Key = tuple[int, int]
"""Task and visit."""


@dataclass(frozen=True, slots=True)
class Plan:
    """``run``: the visits that go on, with the number of their last attempt. ``named``: the tasks asked for by name.

    ``redone``: these and all that follows them, as a bit set; nothing of that is kept. ``stands``: failures that nobody
    asked to mend; with them the execution will fail again.
    """

    run: Mapping[Key, int]
    named: int = 0
    redone: int = 0
    stands: Mapping[Key, int] | None = None


def can_retry(state: State) -> bool:
    """Only what has ended, and not well."""
    return state.status.ended and state.status is not ExecutionStatus.COMPLETED


def plan(graph: Graph, state: State, names: Iterable[str] = ()) -> Plan:
    """What a retry would do; raises KeyError for a name that is no task which has begun."""
    named = reduce(or_, (1 << _begun(graph, state, name) for name in names), 0)
    return _plan_from(graph, state, named) if named else _plan_all(graph, state)


def _begun(graph: Graph, state: State, name: str) -> int:
    index = graph.by_name[name].index
    if not state.begun >> index & 1:
        raise KeyError(name)
    return index


def _plan_all(graph: Graph, state: State) -> Plan:
    run = {key: number for key, number in state.lost.items() if graph.tasks[key[0]].group is None}
    reached = _following(graph, _tasks(run)) | _tasks(run)
    blamed = _blamed(graph, state, state.failers & ~reached)
    run |= {_latest(state, index): _last(state, index) for index in bits(blamed)}
    return Plan(_with_groups(graph, state, run))


def _plan_from(graph: Graph, state: State, named: int) -> Plan:
    redone = named | _following(graph, named)
    run = {_latest(state, index): _last(state, index) for index in bits(named)}
    whole = _with_groups(graph, state, run)
    stands = {
        key: number
        for key, number in state.lost.items()
        if key not in whole and not redone >> key[0] & 1 and _group_runs(graph, whole, graph.tasks[key[0]])
    }
    return Plan(whole, named, redone, stands)


def _tasks(visits: Iterable[Key]) -> int:
    return reduce(or_, (1 << task for task, _ in visits), 0)


def _latest(state: State, index: int) -> Key:
    return index, state.visits_of(index)


def _last(state: State, index: int) -> int:
    """The number of the last attempt of the latest visit; 0 if it never came to one."""
    if state.latest(index) is TaskStatus.SKIPPED:
        return 0
    return state.lost.get(_latest(state, index), state.last_attempt.get(index, 1))


def _following(graph: Graph, tasks: int) -> int:
    """All tasks that these can lead to, and what is inside of those. What follows a group follows its members, too."""
    seen, front = 0, tasks
    while front:
        reached = reduce(or_, (_targets(graph, graph.tasks[index]) for index in bits(front)), 0)
        for index in bits(reached):
            reached |= reduce(or_, (1 << member for member in inside_of(graph, graph.tasks[index])), 0)
        front = reached & ~seen
        seen |= reached
    return seen


def _targets(graph: Graph, task: Task) -> int:
    found = reduce(or_, (1 << target for transition in task.transitions for target in transition.targets), 0)
    return found if task.group is None else found | _targets(graph, graph.tasks[task.group])


def _blamed(graph: Graph, state: State, failers: int) -> int:
    """The failures that brought tasks to lead to ``fail``; where there is none, these tasks themselves."""
    found, seen, front = 0, 0, failers
    while front:
        seen |= front
        failed = sum(1 << index for index in bits(front) if state.latest(index).failed)
        found |= failed
        back = (graph.tasks[index] for index in bits(front & ~failed))
        front = reduce(or_, (task.sources | _group_bit(task) for task in back), 0) & state.begun & ~seen
    return found or failers


def _group_bit(task: Task) -> int:
    return 0 if task.group is None else 1 << task.group


def _with_groups(graph: Graph, state: State, run: Mapping[Key, int]) -> dict[Key, int]:
    """The visits, the groups around them, and what did not end well in those that are to go on."""
    whole = dict(run)
    for index, _ in run:
        group = graph.tasks[index].group
        while group is not None:
            whole.setdefault(_latest(state, group), _last(state, group))
            group = graph.tasks[group].group
    asked = _tasks(run)
    for index in bits(asked):
        inside = set(inside_of(graph, graph.tasks[index]))
        whole |= {k: n for k, n in state.lost.items() if k[0] in inside and k == _latest(state, k[0])}
    return {key: number for key, number in whole.items() if _group_runs(graph, whole, graph.tasks[key[0]])}


def _group_runs(graph: Graph, run: Mapping[Key, int], task: Task) -> bool:
    """Whether all groups that the task is in go on."""
    return task.group is None or (
        any(key[0] == task.group for key in run) and _group_runs(graph, run, graph.tasks[task.group])
    )


def misfits(old: Graph, new: Graph, state: State, names: Iterable[str] = ()) -> list[str]:
    """Why a retry cannot go on in another version, one sentence each; raises KeyError like :func:`plan`."""
    wanted = plan(old, state, names)
    return remap.misfits(old, new, state, wanted.run, wanted.redone & ~wanted.named)


def retry(turn: Turn, message: Retry) -> None:
    """Go on; a message that comes again, or to what cannot be retried, does nothing."""
    state = turn.state
    if not can_retry(state) or message.generation in state.retried:
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
    groups_first = sorted(wanted.run, key=lambda key: (not turn.graph.tasks[key[0]].members, key))
    for index, visit in groups_first:
        _go_on(turn, turn.graph.tasks[index], visit, wanted.run[index, visit], wanted)


def _wanted(turn: Turn, message: Retry) -> Plan | None:
    """What to do, in the graph of the version that is asked for; None if that cannot be done."""
    state, version = turn.state, message.workflow_version
    try:
        if version is not None and version != state.workflow_version:
            new = turn.facts.get(graph_key(state.workflow, version))
            if new is None or misfits(turn.graph, new, state, message.from_):
                return None
            remap.remap(state, turn.graph, new)
            state.workflow_version, turn.graph = version, new
        return plan(turn.graph, state, message.from_)
    except KeyError:
        return None


def _note(turn: Turn, message: Retry) -> None:
    state = turn.state
    state.retried = [*state.retried, message.generation]
    state.salt = message.generation
    number = len(state.retried)
    if message.parameters is not None:
        state.given = number
    version, by = state.workflow_version, message.by
    turn.write_retry(WriteRetry(number, turn.now, by, message.from_, version, message.parameters))


def _reopen(turn: Turn, wanted: Plan) -> None:
    """Running again, with what was put aside, and without the failures that are to be mended."""
    state, graph = turn.state, turn.graph
    stands = dict(wanted.stands or {})
    state.status, state.ended_at = ExecutionStatus.RUNNING, None
    state.stopping = state.paused = False
    state.failers &= ~wanted.redone if wanted.named else 0
    state.failed = bool(state.failers)
    state.failures = sum(1 << i for i in bits(_tasks(stands)) if graph.tasks[i].group is None)
    state.error = state.error if state.failed or state.failures else None
    state.unhandled = state.unhandled & ~(_tasks(state.lost) | wanted.redone) | _tasks(stands)
    state.held = 0
    state.lost = stands
    _fire_again(turn, wanted)
    turn.ask(Announce(state.status))


def _fire_again(turn: Turn, wanted: Plan) -> None:
    """What was put aside arrives after all, but for what comes from tasks that are done anew."""
    state, graph = turn.state, turn.graph
    aside = {i: a for i, a in state.dropped.items() if _group_runs(graph, wanted.run, graph.tasks[i])}
    state.dropped = {}
    for index, arrivals in aside.items():
        state.fired[index] = ending.add_up(state.fired.get(index, {}), arrivals)
    for index in list(state.fired) if wanted.named else ():
        left = _undone(state, graph.tasks[index], wanted)
        if left:
            state.fired[index] = left
        else:
            del state.fired[index]


def _undone(state: State, task: Task, wanted: Plan) -> dict[int, int]:
    """The arrivals at a task as they were before what is done anew; a join that counts takes back its last run."""
    arrivals = state.fired[task.index]
    used = 0
    if is_counted(task) and (wanted.redone & ~wanted.named) >> task.index & 1:
        used = state.join_runs.pop(task.index, 0)
    kept = {source: count - max(used - 1, 0) for source, count in arrivals.items() if not wanted.redone >> source & 1}
    return {source: count for source, count in kept.items() if count > 0}


def _go_on(turn: Turn, task: Task, visit: int, last: int, wanted: Plan) -> None:
    """Run a visit again as it stands: its failed items, its unfinished round, or another attempt."""
    if (task.index, visit) in turn.state.active:
        return
    turn.steps.append(Step(task.index, visit))
    if not last:
        starting.enter(turn, task, visit)
    elif task.members and not _anew(turn, task, wanted):
        _reenter(turn, task, visit, last)
    elif task.with_items is not None:
        items.again(turn, task, visit, last)
    else:
        turn.state.open(Visit(task.index, visit, base=last))
        turn.ready.append(AttemptId(task.name, visit, None, last + 1))


def _round(state: State, task: Task) -> int:
    return state.rounds.get(task.index, 0) if task.rounds else 1


def _anew(turn: Turn, task: Task, wanted: Plan) -> bool:
    """Whether a group begins at its first round: it had none, or was named although it had completed."""
    whole = wanted.named >> task.index & 1 and turn.state.latest(task.index) is TaskStatus.COMPLETED
    return not _round(turn.state, task) or bool(whole)


def _reenter(turn: Turn, task: Task, visit: int, last: int) -> None:
    """A group goes on in the round that it was in."""
    attempt = AttemptId(task.name, visit, None, last + 1)
    waiting = Active(TaskStatus.WAITING, last + 1, limit=starting.limit(turn, task, attempt))
    turn.state.open(Visit(task.index, visit, waiting, round=_round(turn.state, task), base=last))
