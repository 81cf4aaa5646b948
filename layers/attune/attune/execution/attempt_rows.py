"""The attempts at an execution's tasks as they are shown: from their records, or from the state where there is none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from attune.engine.context import needs_record
from attune.engine.state import State
from attune.execution.graph_view import task_status
from attune.model.graph import Graph
from attune.model.status import TaskStatus
from attune.model.timestamps import iso

_RECORDED = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.TIMED_OUT})
"""How tasks stand whose attempts have left a record, if they leave one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptRow:
    """One attempt at a task, or at the item of it with this ``index``.

    ``child`` is the execution that it was. A value that is too large to be shown is null; ``stored`` has the keys of
    the S3 objects that such values lie in. What no worker ran has no times.
    """

    task: str
    visit: int
    index: int | None
    attempt: int
    status: TaskStatus
    action: str | None
    input: Any
    result: Any
    error: Mapping[str, Any] | None
    started_at: str | None
    ended_at: str | None
    duration: float | None
    child: str | None
    stored: Mapping[str, str] | None


def of_record(record: Mapping[str, Any]) -> AttemptRow:
    """An attempt as the directory gives it; it runs while no end of it is recorded."""
    started, ended = record.get("started_at"), record.get("ended_at")
    return AttemptRow(
        task=record["task"],
        visit=record["visit"],
        index=record["index"],
        attempt=record["attempt"],
        status=TaskStatus(record.get("status") or TaskStatus.RUNNING),
        action=record.get("action"),
        input=record.get("input"),
        result=record.get("result"),
        error=record.get("error"),
        started_at=iso(started),
        ended_at=iso(ended),
        duration=None if started is None or ended is None else round(float(ended) - float(started), 3),
        child=record.get("child") or None,
        stored=record.get("stored"),
    )


def without_record(graph: Graph, state: State, read: Collection[AttemptRow], *, all_read: bool) -> Iterator[AttemptRow]:
    """What the state alone knows of: skipped, held, built-in, or not claimed yet.

    ``read`` are the rows that were read. Unless these are ``all`` there are, a task that leaves a record is left to
    a later page.
    """
    recorded = {(row.task, row.visit) for row in read}
    for task in graph.tasks:
        visit = state.visits_of(task.index)
        status = task_status(state, task.index)
        if not all_read and status in _RECORDED and needs_record(task):
            continue
        if status is not TaskStatus.PENDING and (task.name, visit) not in recorded:
            bare = {"task": task.name, "visit": visit, "index": None, "attempt": 1, "action": task.action}
            yield of_record({**bare, "status": status, "child": _child(state, task.index)})


def _child(state: State, index: int) -> str | None:
    actives = (active for (task, _), visit in state.active.items() if task == index for _, active in visit.attempts())
    return next((active.child for active in actives if active.child), None)
