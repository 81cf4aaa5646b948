"""Another version of a workflow under an execution that is to go on: tasks are the same if their names are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attune.engine.state import CODES, State
from attune.engine.visits import VisitKey
from attune.model.graph import Graph, Task, TaskIndex, TaskSet
from attune.model.reachability import bits
from attune.model.status import TaskStatus

_BITS = ("begun", "now_unhandled", "ever_unhandled", "held", "verdicts", "led_to_fail")
_BY_TASK = ("visits", "last_attempt", "item_counts", "rounds", "join_runs")
_ARRIVALS = ("fired", "dropped")


def misfits(old: Graph, new: Graph, state: State, run: Mapping[VisitKey, int], redone: TaskSet = 0) -> list[str]:
    """Why an execution in ``state`` cannot go on in ``new``, one sentence each; ``redone``: tasks of which nothing is
    kept. What has begun, or was about to, must still be there, and be the same kind of thing.
    """
    again = {index for index, _ in run}
    waiting = {index for name in _ARRIVALS for index in getattr(state, name)}
    kept = [index for index in range(state.size) if state.begun >> index & 1 or index in waiting]
    return [
        problem
        for index in kept
        if not redone >> index & 1 or index in again
        for problem in _differences(old, new, old.tasks[index], index in again)
    ]


def _differences(old: Graph, new: Graph, task: Task, again: bool) -> Iterator[str]:
    now = new.by_name.get(task.name)
    if now is None:
        what = "is to run again" if again else "has run or was about to"
        yield f"task '{task.name}' {what}, and is not there any more"
        return
    for what, said in _KINDS.items():
        if said(old, task) != said(new, now):
            yield f"task '{task.name}' has begun, and its {what} differs"


def _group(graph: Graph, task: Task) -> str | None:
    return None if task.group is None else graph.tasks[task.group].name


_KINDS: dict[str, Callable[[Graph, Task], Any]] = {
    "with_items": lambda graph, task: task.with_items is None,
    "batch_size": lambda graph, task: task.batch_size,
    "type": lambda graph, task: (bool(task.members), bool(task.loop)),
    "group": _group,
}
"""What must not change, because what is kept would mean nothing any more."""


def remap(state: State, old: Graph, new: Graph) -> None:
    """Number the tasks in the state as the new graph does; what is not there any more is forgotten."""
    moved = {task.index: new.by_name[task.name].index for task in old.tasks if task.name in new.by_name}
    codes = [CODES[TaskStatus.PENDING]] * len(new.tasks)
    for index, place in moved.items():
        codes[place] = state.codes[index]
    state.codes, state.size = codes, len(new.tasks)
    for name in _BITS:
        setattr(state, name, sum(1 << moved[index] for index in bits(getattr(state, name)) if index in moved))
    for name in _BY_TASK:
        setattr(state, name, _moved(getattr(state, name), moved))
    for name in _ARRIVALS:
        rows = {target: _moved(sources, moved) for target, sources in getattr(state, name).items()}
        setattr(state, name, {target: sources for target, sources in _moved(rows, moved).items() if sources})
    state.resumable = {
        (moved[task], visit): number for (task, visit), number in state.resumable.items() if task in moved
    }


def _moved(rows: Mapping[TaskIndex, Any], moved: Mapping[TaskIndex, TaskIndex]) -> dict[TaskIndex, Any]:
    return {moved[index]: value for index, value in rows.items() if index in moved}
