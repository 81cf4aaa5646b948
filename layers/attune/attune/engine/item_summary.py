"""How a ``with_items`` ends: what failed is counted, and held against what is tolerated."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from attune.engine import transitions
from attune.engine.turn import Turn
from attune.exceptions import task_error
from attune.model.graph import Task
from attune.model.status import TaskStatus

SHOWN = 20
"""How many of the items that failed an error names."""


def finish(turn: Turn, task: Task, visit: int, elements: int, failed: int, indexes: Sequence[int]) -> None:
    """End the visit: ``failed`` of its ``elements`` failed, ``indexes`` are the first of the items that did."""
    turn.state.item_counts[task.index] = (elements, failed)
    if failed <= tolerated(task.tolerate_failures, elements):
        transitions.end_visit(turn, task, visit, TaskStatus.COMPLETED)
        return
    message = f"{failed} of {elements} items failed, among them {list(indexes)}"
    transitions.fail_visit(turn, task, visit, task_error("items_failed", message, details={"failed": list(indexes)}))


def elements_of(indexes: Iterable[int], elements: int, size: int | None) -> int:
    """How many of all ``elements`` are in these items; with a batch ``size``, the last batch may be smaller."""
    return sum(1 if size is None else min(size, elements - index * size) for index in indexes)


def first(indexes: Iterable[int]) -> list[int]:
    """Those that are shown."""
    return sorted(indexes)[:SHOWN]


def tolerated(limit: str | int | None, elements: int) -> int:
    """How many elements may fail: ``3`` or ``"10%"`` (rounded down)."""
    if isinstance(limit, str) and limit.endswith("%"):
        return math.floor(elements * float(limit[:-1]) / 100)
    return int(limit or 0)
