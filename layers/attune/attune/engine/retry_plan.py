"""What a retry would do: which visits run again, what is done anew, and which failures stand.

**Rules.**

1. Visits go on, not tasks. A visit that goes on keeps its number; its attempts are counted further.
2. A retry without names goes on with the visits that are *resumable*: they failed unhandled, or were cancelled.
3. If tasks led to ``fail`` and none of these visits leads there, somebody else is to blame: the failures from which,
   back along the arrows, those tasks were reached; or those tasks themselves, if there was no failure.
4. A retry from *named* tasks goes on with their latest visits. These tasks and all that they can lead to are *redone*:
   nothing of what followed is kept. Failures elsewhere *stand*; with them the execution will fail again.
5. A member goes on only inside its group. So the groups around a visit go on with it, in the round that they were in;
   and with a group that goes on, those of its members that did not end well.

What then happens is in :mod:`execution_retry`. Nothing here changes the state.

**An example.** ``b`` has failed unhandled, ``c`` has completed, and ``d`` is held::

    tasks:
      - {name: a, action: t.do, on_success: [b, c]}
      - {name: b, action: t.do, on_success: d}
      - {name: c, action: t.do, on_success: d}
      - {name: d, action: t.do}

The state says ``resumable = {(1, 1): 1}`` (visit 1 of ``b``, after one attempt), and ``dropped = {3: {2: 1}}``: the
arrival of ``c`` at ``d`` was put aside.

- ``plan(graph, state)`` runs ``{(1, 1): 1}``: attempt 2 of the same visit of ``b``. If that ends well, ``d`` finds two
  arrivals and runs; ``a`` and ``c`` do not run again.
- ``plan(graph, state, ["a"])`` runs ``{(0, 1): 1}`` and redoes everything; the failure of ``b`` is forgiven.
- ``plan(graph, state, ["c"])`` runs ``{(2, 1): 1}`` and redoes ``c`` and ``d``. The failure of ``b`` stands: ``d`` is
  held again, and the execution fails again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from attune.engine import remap
from attune.engine.groups import inside_of
from attune.engine.state import State
from attune.engine.visits import VisitKey
from attune.model.graph import Graph, Task, TaskIndex, TaskSet
from attune.model.reachability import bits
from attune.model.status import ExecutionStatus, TaskStatus


@dataclass(frozen=True, slots=True)
class Plan:
    """``run``: the visits that go on, with the number of their last attempt. ``named``: the tasks asked for by name.

    ``redone``: these and all that follows them, as a bit set; nothing of that is kept. ``stands``: failures that nobody
    asked to mend; with them the execution will fail again.
    """

    run: Mapping[VisitKey, int]
    named: TaskSet = 0
    redone: TaskSet = 0
    stands: Mapping[VisitKey, int] | None = None


def can_retry(state: State) -> bool:
    """Only what has ended, and not well."""
    return state.status.ended and state.status is not ExecutionStatus.COMPLETED


def plan(graph: Graph, state: State, names: Iterable[str] = ()) -> Plan:
    """What a retry would do; raises KeyError for a name that is no task which has begun."""
    named = reduce(or_, (1 << _begun(graph, state, name) for name in names), 0)
    return _plan_from(graph, state, named) if named else _plan_all(graph, state)


def _begun(graph: Graph, state: State, name: str) -> TaskIndex:
    index = graph.by_name[name].index
    if not state.begun >> index & 1:
        raise KeyError(name)
    return index


def _plan_all(graph: Graph, state: State) -> Plan:
    run = {key: number for key, number in state.resumable.items() if graph.tasks[key[0]].group is None}
    reached = _following(graph, tasks_of(run)) | tasks_of(run)
    blamed = _blamed(graph, state, state.led_to_fail & ~reached)
    run |= {_latest(state, index): _last(state, index) for index in bits(blamed)}
    return Plan(_with_groups(graph, state, run))


def _plan_from(graph: Graph, state: State, named: TaskSet) -> Plan:
    redone = named | _following(graph, named)
    run = {_latest(state, index): _last(state, index) for index in bits(named)}
    whole = _with_groups(graph, state, run)
    stands = {
        key: number
        for key, number in state.resumable.items()
        if key not in whole and not redone >> key[0] & 1 and group_runs(graph, whole, graph.tasks[key[0]])
    }
    return Plan(whole, named, redone, stands)


def tasks_of(visits: Iterable[VisitKey]) -> TaskSet:
    """Their tasks, as a bit set."""
    return reduce(or_, (1 << task for task, _ in visits), 0)


def _latest(state: State, index: TaskIndex) -> VisitKey:
    return index, state.visits_of(index)


def _last(state: State, index: TaskIndex) -> int:
    """The number of the last attempt of the latest visit; 0 if it never came to one."""
    if state.latest(index) is TaskStatus.SKIPPED:
        return 0
    return state.resumable.get(_latest(state, index), state.last_attempt.get(index, 1))


def _following(graph: Graph, tasks: TaskSet) -> TaskSet:
    """All tasks that these can lead to, and what is inside of those. What follows a group follows its members, too."""
    seen, front = 0, tasks
    while front:
        reached = reduce(or_, (_targets(graph, graph.tasks[index]) for index in bits(front)), 0)
        for index in bits(reached):
            reached |= reduce(or_, (1 << member for member in inside_of(graph, graph.tasks[index])), 0)
        front = reached & ~seen
        seen |= reached
    return seen


def _targets(graph: Graph, task: Task) -> TaskSet:
    found = reduce(or_, (1 << target for transition in task.transitions for target in transition.targets), 0)
    return found if task.group is None else found | _targets(graph, graph.tasks[task.group])


def _blamed(graph: Graph, state: State, led_to_fail: TaskSet) -> TaskSet:
    """The failures that brought tasks to lead to ``fail``; where there is none, these tasks themselves."""
    found, seen, front = 0, 0, led_to_fail
    while front:
        seen |= front
        failed = sum(1 << index for index in bits(front) if state.latest(index).failed)
        found |= failed
        back = (graph.tasks[index] for index in bits(front & ~failed))
        front = reduce(or_, (task.sources | _group_bit(task) for task in back), 0) & state.begun & ~seen
    return found or led_to_fail


def _group_bit(task: Task) -> TaskSet:
    return 0 if task.group is None else 1 << task.group


def _with_groups(graph: Graph, state: State, run: Mapping[VisitKey, int]) -> dict[VisitKey, int]:
    """The visits, the groups around them, and what did not end well in those that are to go on."""
    whole = dict(run)
    for index, _ in run:
        group = graph.tasks[index].group
        while group is not None:
            whole.setdefault(_latest(state, group), _last(state, group))
            group = graph.tasks[group].group
    asked = tasks_of(run)
    for index in bits(asked):
        inside = set(inside_of(graph, graph.tasks[index]))
        whole |= {k: n for k, n in state.resumable.items() if k[0] in inside and k == _latest(state, k[0])}
    return {key: number for key, number in whole.items() if group_runs(graph, whole, graph.tasks[key[0]])}


def group_runs(graph: Graph, run: Mapping[VisitKey, int], task: Task) -> bool:
    """Whether all groups that the task is in go on."""
    return task.group is None or (
        any(key[0] == task.group for key in run) and group_runs(graph, run, graph.tasks[task.group])
    )


def misfits(old: Graph, new: Graph, state: State, names: Iterable[str] = ()) -> list[str]:
    """Why a retry cannot go on in another version, one sentence each; raises KeyError like :func:`plan`."""
    wanted = plan(old, state, names)
    return remap.misfits(old, new, state, wanted.run, wanted.redone & ~wanted.named)
