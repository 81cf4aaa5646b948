"""Looking at executions in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from attune.adapters.memory.catalog import MemoryCatalog
from attune.adapters.memory.execution_store import MemoryStore, StateOf
from attune.engine.facts import START, WaitFact
from attune.engine.ids import AttemptId, home_of
from attune.engine.state import State
from attune.execution.ports.inspector import Recorded, SweepNotes
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus


class MemoryInspector:
    """Implements :class:`attune.execution.ports.inspector.Inspector`."""

    def __init__(self, store: MemoryStore, catalog: MemoryCatalog) -> None:
        self._store, self._catalog, self._notes = store, catalog, SweepNotes()

    def live(self, status: ExecutionStatus, after: str, before: str, limit: int) -> list[str]:
        """See the port."""
        owners = sorted({owner for owner, place in self._store.items if place == StateOf() and after < owner < before})
        return [owner for owner, state in self.states(owners).items() if state.status is status][:limit]

    def chunks(self, after: str, before: str, limit: int) -> list[str]:
        """See the port."""
        chunks = [place.chunk for _, place in self._store.items if isinstance(place, StateOf) and place.chunk]
        found = self.states(sorted(chunk for chunk in chunks if after < chunk < before))
        return [chunk for chunk, state in found.items() if not state.status.ended][:limit]

    def workflows(self) -> list[str]:
        """See the port."""
        return [version.ref for version in self._catalog.workflows()]

    def started(self, workflow: str, after: str, before: str, limit: int) -> list[str]:
        """See the port."""
        owners = sorted(owner for owner, place in self._store.items if place == START and after < owner < before)
        return [owner for owner in owners if self._started(owner) == workflow][:limit]

    def _started(self, execution: str) -> str:
        start = self._store.load_start(execution)
        return start.workflow if start else ""

    def states(self, executions: Iterable[str]) -> dict[str, State]:
        """See the port."""
        return {execution: state for execution in executions if (state := self._store.load(execution)) is not None}

    def records(self, execution: str, attempts: Iterable[AttemptId]) -> dict[AttemptId, Recorded]:
        """See the port."""
        wanted = set(attempts)
        return {a: _recorded(row) for a, row in self._store.records(execution) if a in wanted}

    def terms(self, execution: str, attempt: AttemptId, kind: WaitKind) -> Mapping[str, Any]:
        """See the port."""
        text = self._store.items.get((home_of(execution), WaitFact(attempt)))
        wait: dict[str, Any] = json.loads(text) if text else {"kind": ""}
        return {**wait["terms"], "since": wait["since"]} if wait["kind"] == kind else {}

    def notes(self) -> SweepNotes:
        """See the port."""
        return self._notes

    def save_notes(self, notes: SweepNotes) -> None:
        """See the port."""
        self._notes = notes


def _recorded(row: Mapping[str, Any]) -> Recorded:
    return Recorded(
        holder=row.get("token", ""),
        lease_until=row.get("lease", 0.0),
        started_at=row.get("started_at", 0.0),
        status=row.get("status", ""),
        ended_at=row.get("ended_at"),
    )
