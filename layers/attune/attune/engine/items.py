"""``with_items``: one task, many attempts, a window of them at a time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from attune.engine import transitions
from attune.engine.context import Own
from attune.engine.effects import WriteItems
from attune.engine.facts import items_key, records_key
from attune.engine.ids import AttemptId
from attune.engine.state import Active, Items, Visit
from attune.engine.turn import Turn
from attune.exceptions import task_error
from attune.language.graph import Task
from attune.language.status import TaskStatus

MAX_ITEMS = 10_000
"""How many items (or batches) one ``with_items`` may have."""


def begin(turn: Turn, task: Task, visit: int) -> None:
    """Evaluate the list and start the first window; raises TemplateError."""
    rendered = turn.context.render(task.with_items, own=Own(task.index, TaskStatus.PENDING))
    values = _as_list(rendered)
    if values is None:
        given = type(rendered).__name__
        message = f"with_items of task '{task.name}' must be a list or a mapping; it is {given}"
        transitions.fail_visit(turn, task, visit, task_error("invalid_items", message, retryable=False))
        return
    batches = _batches(values, task.batch_size)
    if len(batches) > MAX_ITEMS:
        message = f"with_items of task '{task.name}' has {len(batches)} items; {MAX_ITEMS} is the limit"
        hint = task_error("too_many_items", message, retryable=False, details={"hint": "use batch_size"})
        transitions.fail_visit(turn, task, visit, hint)
        return
    turn.writes["items", task.index, visit] = WriteItems(task.name, visit, batches)
    turn.facts.put(items_key(task.name, visit), batches)
    _go(turn, task, visit, Items(total=len(batches), elements=len(values)), base=0)


def again(turn: Turn, task: Task, visit: int, last: int, *, whole: bool) -> None:
    """Run the items of a visit again that did not succeed; if all did, none, or all if the ``whole`` is wanted.

    What has succeeded keeps its record. ``last`` is the highest number that an attempt has had.
    """
    values = turn.facts.get(items_key(task.name, visit))
    if values is None:
        begin(turn, task, visit)
        return
    rows = turn.facts.get(records_key(task.name, visit))
    failed = [index for index, row in enumerate(rows) if row is None or row["status"] != TaskStatus.COMPLETED]
    elements = len(values) if task.batch_size is None else sum(map(len, values))
    left = (failed or list(range(len(values) if whole else 0)))[::-1]
    _go(turn, task, visit, Items(len(values), elements, len(values), again=left), base=last)


def _go(turn: Turn, task: Task, visit: int, under_way: Items, *, base: int) -> None:
    turn.state.open(Visit(task.index, visit, items=under_way, base=base))
    turn.state.private.add((task.index, visit))
    if under_way.done:
        _finish(turn, task, visit, under_way)
    else:
        refill(turn, task, visit)


def _as_list(rendered: Any) -> list[Any] | None:
    if isinstance(rendered, Mapping):
        return [{"key": key, "value": value} for key, value in rendered.items()]
    return rendered if isinstance(rendered, list) else None


def _batches(values: list[Any], size: int | None) -> list[Any]:
    if size is None:
        return values
    return [values[start : start + size] for start in range(0, len(values), size)]


def value(turn: Turn, task: Task, visit: int, index: int) -> Any:
    """What ``item`` is for this index."""
    return turn.facts.get(items_key(task.name, visit))[index]


def refill(turn: Turn, task: Task, visit: int) -> None:
    """Start as many items as the window has room for."""
    owned = turn.state.own(task.index, visit)
    if owned is None or owned.items is None or turn.state.paused:
        return
    items, window = owned.items, task.concurrency or MAX_ITEMS
    number = owned.base + 1
    while (items.again or items.next < items.total) and len(items.active) < window:
        index = items.again.pop() if items.again else items.next
        items.next = max(items.next, index + 1)
        items.active[index] = Active(TaskStatus.SCHEDULED, number)
        turn.ready.append(AttemptId(task.name, visit, index, number))


def item_ended(turn: Turn, task: Task, attempt: AttemptId, status: TaskStatus) -> None:
    """One item is over for good; when it was the last, so is the visit."""
    owned = turn.state.own(task.index, attempt.visit)
    if owned is None or owned.items is None or attempt.index is None:
        return
    owned.items.active.pop(attempt.index, None)
    if status is not TaskStatus.COMPLETED:
        owned.items.failed.add(attempt.index)
    if owned.items.done:
        _finish(turn, task, attempt.visit, owned.items)
    else:
        refill(turn, task, attempt.visit)


def _finish(turn: Turn, task: Task, visit: int, items: Items) -> None:
    failed = sum(_elements(index, items, task.batch_size) for index in items.failed)
    turn.state.item_counts[task.index] = (items.elements, failed)
    if failed <= tolerated(task.tolerate_failures, items.elements):
        transitions.end_visit(turn, task, visit, TaskStatus.COMPLETED)
        return
    shown = sorted(items.failed)[:20]
    message = f"{failed} of {items.elements} items failed, among them {shown}"
    transitions.fail_visit(turn, task, visit, task_error("items_failed", message, details={"failed": shown}))


def _elements(index: int, items: Items, size: int | None) -> int:
    return 1 if size is None else min(size, items.elements - index * size)


def tolerated(limit: str | int | None, elements: int) -> int:
    """How many elements may fail: ``3`` or ``"10%"`` (rounded down)."""
    if isinstance(limit, str) and limit.endswith("%"):
        return math.floor(elements * float(limit[:-1]) / 100)
    return int(limit or 0)
