"""Joins that count: ``join: all`` and ``join: N``.

Their arrivals are kept, because the k-th firing of a source counts for the k-th run, whenever it comes.
"""

from __future__ import annotations

from attune.engine.state import State
from attune.model.graph import JoinKind, Task


def is_counted(task: Task) -> bool:
    """True for a task that runs when enough of its sources have fired."""
    return task.is_join and task.join.kind in (JoinKind.ALL, JoinKind.COUNT)


def is_pending(state: State, task: Task) -> bool:
    """Whether the task has been fired and not begun; arrivals that its runs have used up do not count."""
    arrivals = state.fired.get(task.index)
    if arrivals is None or not is_counted(task):
        return arrivals is not None
    runs = state.join_runs.get(task.index, 0)
    return any(count > runs for count in arrivals.values())
