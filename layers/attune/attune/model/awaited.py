"""Which events are kept for a while, because a workflow may wait for one that came before it began to wait."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attune.model.built_ins import BuiltIn
from attune.model.durations import seconds
from attune.model.graph import Graph
from attune.model.patterns import event_types


def awaited(graphs: Iterable[Graph]) -> dict[str, float]:
    """The detail-types of events that these workflows may look back for, and for how many seconds at most."""
    found: dict[str, float] = {}
    for graph in graphs:
        for task in graph.tasks:
            if task.spec is not None and task.spec.entry_point == BuiltIn.WAIT_FOR_EVENT:
                found |= {name: max(found.get(name, 0.0), length) for name, length in _of(task.input or {})}
    return found


def _of(given: Mapping[str, Any]) -> list[tuple[str, float]]:
    """Of one task; the validator has seen to it that all of this is written out."""
    if not given.get("within"):
        return []
    return [(name, seconds(given["within"])) for name in event_types(given) or ()]
