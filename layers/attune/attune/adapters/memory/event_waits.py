"""Events in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from attune.adapters.memory.execution_store import MemoryStore
from attune.engine.ids import AttemptId
from attune.model.built_ins import WaitKind


class MemoryEvents:
    """Implements :class:`attune.execution.ports.triggers.Events`; those who wait are found in their store."""

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._kept: list[tuple[str, float, str]] = []

    def waits(self, detail_type: str) -> Iterator[tuple[str, AttemptId, Mapping[str, Any]]]:
        """See the port."""
        del detail_type
        for execution, attempt, wait in self._store.waits():
            if wait["kind"] == WaitKind.EVENT:
                yield execution, attempt, wait["terms"]["pattern"]

    def keep(self, detail_type: str, event: Mapping[str, Any], now: float, seconds: float) -> None:
        """See the port."""
        self._kept = [row for row in self._kept if row[1] >= now - seconds or row[0] != detail_type]
        self._kept.append((detail_type, now, json.dumps(event)))

    def kept(self, detail_type: str, since: float) -> Iterator[tuple[float, Mapping[str, Any]]]:
        """See the port."""
        return ((came, json.loads(text)) for kind, came, text in self._kept if kind == detail_type and came >= since)
