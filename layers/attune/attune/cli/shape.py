"""From an execution as it is shown to what its cost depends on."""

from __future__ import annotations

import json
from typing import Any

from attune.cli.view import View
from attune.cost.estimate import Shape, Tried
from attune.language.graph import Runner

_NOT_WORKERS = frozenset({str(Runner.ENGINE), str(Runner.WORKFLOW), "parallel", "loop"})
_WAITING = frozenset({"core.sleep", "core.inquiry", "core.wait_for_event"})


def shape_of(view: View, *, started: bool = True) -> Shape:
    """What is known of it; a child was not ``started`` by the API."""
    types = {node["name"]: node["type"] for node in view.nodes}
    worked = [row for row in view.attempts if types.get(row["task"]) not in _NOT_WORKERS and row["started_at"]]
    lists = {row["task"] for row in worked if row["index"] is not None}
    return Shape(
        tried=[Tried(_size(row["input"]), _size(row["result"] or row["error"]), row["attempt"] > 1) for row in worked],
        saves=view.execution["state_version"],
        tasks=len(view.nodes),
        lists=[sum(_size(row["input"]) for row in worked if row["task"] == name) for name in lists],
        waited=sum(row["action"] in _WAITING for row in view.attempts),
        started=started,
        children=[shape_of(child, started=False) for child in view.children.values()],
    )


def _size(value: Any) -> int:
    return 0 if value is None else len(json.dumps(value, separators=(",", ":")))
