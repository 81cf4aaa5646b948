"""From an execution as it is shown to what its cost depends on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from math import ceil
from typing import Any

from attune.cli.view import Row, View
from attune.cost.estimate import BATCH, Shape, Tried
from attune.model.action import Runner
from attune.model.graph import CHUNK_SIZE

_NOT_WORKERS = frozenset({str(Runner.ENGINE), str(Runner.WORKFLOW), "parallel", "loop"})
_WAITING = frozenset({"core.sleep", "core.inquiry", "core.wait_for_event"})


def shape_of(view: View, *, started: bool = True) -> Shape:
    """What is known of it; a child was not ``started`` by the API."""
    types = {node["name"]: node["type"] for node in view.nodes}
    worked = [row for row in view.attempts if types.get(row["task"]) not in _NOT_WORKERS and row["started_at"]]
    visits: dict[tuple[str, int], list[Row]] = {}
    for row in worked:
        if row["index"] is not None:
            visits.setdefault((row["task"], row["visit"]), []).append(row)
    long = {visit: rows for visit, rows in visits.items() if len({row["index"] for row in rows}) > CHUNK_SIZE}
    own = [row for row in worked if (row["task"], row["visit"]) not in long]
    children = [shape_of(child, started=False) for child in view.children.values()]
    return Shape(
        tried=_tried(own),
        saves=view.execution["state_version"],
        tasks=len(view.nodes),
        lists=[_list(rows) for visit, rows in visits.items() if visit not in long],
        waited=sum(row["action"] in _WAITING for row in view.attempts),
        started=started,
        children=children + [chunk for rows in long.values() for chunk in _chunks(rows, len(view.nodes))],
    )


def _chunks(rows: Sequence[Row], tasks: int) -> Iterator[Shape]:
    """The parts that a long list was cut into. Nobody shows how often their states were saved: that is taken to be
    once to begin, and once for each full batch of ends.
    """
    parts: dict[int, list[Row]] = {}
    for row in rows:
        parts.setdefault(row["index"] // CHUNK_SIZE, []).append(row)
    for part in parts.values():
        saves = 1 + ceil(len(part) / BATCH)
        yield Shape(_tried(part), saves, tasks=tasks, lists=[_list(part)], started=False, chunk=True)


def _tried(rows: Sequence[Row]) -> list[Tried]:
    return [Tried(_size(row["input"]), _size(row["result"] or row["error"]), row["attempt"] > 1) for row in rows]


def _list(rows: Sequence[Row]) -> int:
    return sum(_size(row["input"]) for row in rows)


def _size(value: Any) -> int:
    return 0 if value is None else len(json.dumps(value, separators=(",", ":")))
