"""``with_items``: one task, many attempts, a window of them at a time.

A long list is cut into chunks (see ``chunk_owner``); each goes over its part with the same functions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine import chunk_owner, item_summary, transitions
from attune.engine.context import Own
from attune.engine.facts import ItemsFact, RecordsFact
from attune.engine.ids import AttemptId
from attune.engine.turn import Turn
from attune.engine.visits import Active, Items, Visit
from attune.exceptions import task_error
from attune.model.graph import Task
from attune.model.status import TaskStatus

MAX_ITEMS = 100_000
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
    if len(batches) > turn.graph.chunk_size:
        chunk_owner.begin(turn, task, visit, batches, len(values))
        return
    turn.write_list(task, visit, batches)
    _go(turn, task, visit, Items(total=len(batches), elements=len(values)), attempt_base=0)


def restart(turn: Turn, task: Task, visit: int, last: int, *, whole: bool) -> None:
    """Run the items of a visit again that did not succeed; if all did, none, or all if the ``whole`` is wanted.

    What has succeeded keeps its record. ``last`` is the highest number that an attempt has had.
    """
    values = turn.facts.get(ItemsFact(task.name, visit))
    if values is None:
        begin(turn, task, visit)
        return
    if isinstance(values, Mapping):
        chunk_owner.restart(turn, task, visit, last, values, whole=whole)
        return
    rows = turn.facts.get(RecordsFact(task.name, visit))
    failed = [index for index, row in enumerate(rows) if row is None or row["status"] != TaskStatus.COMPLETED]
    elements = len(values) if task.batch_size is None else sum(map(len, values))
    left = (failed or list(range(len(values) if whole else 0)))[::-1]
    _go(turn, task, visit, Items(len(values), elements, next=len(values), again=left), attempt_base=last)


def _go(turn: Turn, task: Task, visit: int, under_way: Items, *, attempt_base: int) -> None:
    turn.state.open(Visit(task.index, visit, items=under_way, attempt_base=attempt_base))
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
    chunk = turn.state.chunk
    if chunk is None:
        return turn.facts.get(ItemsFact(task.name, visit))[index]
    return turn.facts.get(ItemsFact(task.name, visit, chunk.number))[index - chunk.first]


def refill(turn: Turn, task: Task, visit: int) -> None:
    """Start as many items as the window has room for."""
    owned = turn.state.own(task.index, visit)
    if owned is None or owned.items is None or turn.state.paused:
        return
    chunk = turn.state.chunk
    items, window = owned.items, (chunk.window if chunk else task.concurrency) or MAX_ITEMS
    number = owned.attempt_base + 1
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
    if not owned.items.done:
        refill(turn, task, attempt.visit)
    elif turn.state.chunk is None:
        _finish(turn, task, attempt.visit, owned.items)


def _finish(turn: Turn, task: Task, visit: int, items: Items) -> None:
    failed = item_summary.elements_of(items.failed, items.elements, task.batch_size)
    item_summary.finish(turn, task, visit, items.elements, failed, item_summary.first(items.failed))
