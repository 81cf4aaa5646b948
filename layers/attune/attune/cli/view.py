"""An execution as it is shown: what the API answers, whoever answered.

The simulator and a deployed stack give the same mappings, so one drawing serves both. Times are ISO 8601 text in
them; here they become epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from typing import Any

from attune.model.status import ExecutionStatus, TaskStatus

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """``execution``, the ``nodes`` of its graph, and its ``attempts``, as the API gives them.

    ``children`` are the executions that its sub-workflow tasks have started, by id.
    """

    execution: Row
    nodes: Sequence[Row] = ()
    attempts: Sequence[Row] = ()
    children: Mapping[str, View] = field(default_factory=dict)

    @property
    def status(self) -> ExecutionStatus:
        """Where the execution stands."""
        return ExecutionStatus(self.execution["status"])

    @property
    def started(self) -> float | None:
        """When it was created, epoch seconds."""
        return epoch(self.execution.get("created_at"))

    def ended(self, now: float) -> float:
        """When it ended, or now."""
        return epoch(self.execution.get("ended_at")) or now

    def document(self) -> dict[str, Any]:
        """All of it as one JSON object: the execution, with ``attempts`` and ``children``."""
        return {
            **self.execution,
            "attempts": list(self.attempts),
            "children": {execution: child.document() for execution, child in self.children.items()},
        }


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time (epoch seconds) in which one attempt ran."""

    start: float
    end: float
    status: TaskStatus


@dataclass(frozen=True, slots=True)
class Visit:
    """One run of a task: ``number`` counts from 1 (0: it has not begun), ``attempts`` what was tried in it.

    ``items`` is ``{total, done, failed}`` for a ``with_items``; ``retries`` are the attempts beyond the first of
    each item.
    """

    task: str
    action: str
    number: int
    status: TaskStatus
    _: KW_ONLY
    segments: tuple[Segment, ...] = ()
    retries: int = 0
    items: Row | None = None
    error: Row | None = None
    children: tuple[View, ...] = ()

    @property
    def start(self) -> float | None:
        """When its first attempt began."""
        return min((segment.start for segment in self.segments), default=None)

    @property
    def end(self) -> float | None:
        """When its last attempt ended, or now while one runs."""
        return max((segment.end for segment in self.segments), default=None)

    @property
    def duration(self) -> float | None:
        """Seconds from the first attempt's beginning to the last one's end."""
        return None if self.start is None or self.end is None else self.end - self.start

    @property
    def over(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.status in OVER


OVER = frozenset(
    {TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.TIMED_OUT, TaskStatus.SKIPPED, TaskStatus.CANCELLED}
)


def epoch(text: str | None) -> float | None:
    """ISO 8601 as epoch seconds."""
    return None if text is None else datetime.fromisoformat(text).timestamp()


def visits(view: View, now: float) -> Iterator[Visit]:
    """Every visit of every task, tasks in the order of the graph; a task that has not begun gives one of number 0."""
    by_visit: dict[str, dict[int, list[Row]]] = {}
    for row in view.attempts:
        by_visit.setdefault(row["task"], {}).setdefault(row["visit"], []).append(row)
    for node in view.nodes:
        rows = by_visit.get(node["name"], {})
        latest = max([node["visits"], *rows])
        for number in sorted({*rows, latest}):
            yield _visit(view, node, number, rows.get(number, []), now, number == latest)


def latest_visits(view: View, now: float) -> list[Visit]:
    """The latest visit of every task, in the order of the graph."""
    return list({visit.task: visit for visit in visits(view, now)}.values())


def _visit(view: View, node: Row, number: int, rows: list[Row], now: float, latest: bool) -> Visit:
    children = [view.children[row["child"]] for row in rows if row["child"] in view.children]
    segments = [*_segments(rows, now), *_child_segments(children, now)]
    return Visit(
        task=node["name"],
        action=node["action"],
        number=number,
        status=_status(node, rows) if latest else _outcome(rows),
        segments=tuple(sorted(segments, key=lambda segment: segment.start)),
        retries=len({(row["index"], row["attempt"]) for row in rows}) - len({row["index"] for row in rows}),
        items=node["items"] if latest else None,
        error=next((row["error"] for row in reversed(rows) if row["error"]), None),
        children=tuple(children),
    )


def _status(node: Row, rows: list[Row]) -> TaskStatus:
    """Nobody tells the execution that a worker has taken an attempt up, but the attempt's record says so."""
    status = TaskStatus(node["status"])
    running = any(row["status"] == TaskStatus.RUNNING for row in rows)
    return TaskStatus.RUNNING if running and status is TaskStatus.SCHEDULED else status


def _outcome(rows: list[Row]) -> TaskStatus:
    """How an earlier visit ended: by the last attempt of its items that fared worst."""
    last = {row["index"]: TaskStatus(row["status"]) for row in rows}
    return next((status for status in last.values() if status is not TaskStatus.COMPLETED), TaskStatus.COMPLETED)


def _segments(rows: list[Row], now: float) -> Iterator[Segment]:
    for row in rows:
        start, status = epoch(row["started_at"]), TaskStatus(row["status"])
        if start is not None:
            end = epoch(row["ended_at"])
            yield Segment(start, max(start, now) if end is None else end, status)


def _child_segments(children: list[View], now: float) -> Iterator[Segment]:
    for child in children:
        if child.started is not None:
            status = TaskStatus(child.status) if child.status.ended else TaskStatus.RUNNING
            yield Segment(child.started, max(child.ended(now), child.started), status)
