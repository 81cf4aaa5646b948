"""Looking at executions in DynamoDB: implements :class:`attune.execution.ports.inspector.Inspector`.

Listings read the index, which is a moment behind. They leave out what is younger than that, so the lag does not matter.
States and records are read consistently.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.dynamodb import keys, states
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.engine.ids import AttemptId
from attune.engine.state import State
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.inspector import Recorded, SweepNotes
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus


class DynamoInspector:
    """See the port."""

    def __init__(self, table: Table, blobs: BlobStore) -> None:
        self._table, self._blobs = table, blobs

    def live(self, status: ExecutionStatus, after: str, before: str, limit: int) -> list[str]:
        """See the port."""
        return self._listed(keys.listed_by_status(status), after, before, limit)

    def chunks(self, after: str, before: str, limit: int) -> list[str]:
        """See the port."""
        return [item["GSI1SK"] for item in self._table.listed_between(keys.CHUNKS, after, before, limit)]

    def workflows(self) -> list[str]:
        """See the port."""
        return [item["GSI1SK"] for item in self._table.listed(keys.CATALOG)]

    def started(self, workflow: str, after: str, before: str, limit: int) -> list[str]:
        """See the port."""
        return self._listed(keys.listed_by_workflow(workflow), after, before, limit)

    def _listed(self, listing: str, after: str, before: str, limit: int) -> list[str]:
        return [keys.execution_of(item["PK"]) for item in self._table.listed_between(listing, after, before, limit)]

    def states(self, executions: Iterable[str]) -> dict[str, State]:
        """See the port."""
        places = {keys.state(execution): execution for execution in executions}
        items = self._table.get_many(places) if places else {}
        return {places[place]: states.state_of(self._blobs, items[place]) for place in places if place in items}

    def records(self, execution: str, attempts: Iterable[AttemptId]) -> dict[AttemptId, Recorded]:
        """See the port."""
        places = {keys.attempt(execution, attempt): attempt for attempt in attempts}
        return {places[place]: _recorded(item) for place, item in self._table.get_many(places).items()}

    def terms(self, execution: str, attempt: AttemptId, kind: WaitKind) -> Mapping[str, Any]:
        """See the port."""
        item = self._table.get(keys.wait(execution, kind, attempt), "d")
        return dict(self._blobs.get(item["d"])) if item else {}

    def notes(self) -> SweepNotes:
        """See the port."""
        item = self._table.get(keys.sweep_notes(), "d")
        return SweepNotes(**json.loads(item["d"])) if item else SweepNotes()

    def save_notes(self, notes: SweepNotes) -> None:
        """See the port."""
        self._table.put(with_key(keys.sweep_notes(), d=to_text(asdict(notes))))


def _recorded(item: Item) -> Recorded:
    return Recorded(
        holder=item.get("t", ""),
        lease_until=float(item.get("l", 0.0)),
        started_at=float(item.get("s", 0.0)),
        status=item.get("st", ""),
        ended_at=item.get("e"),
    )
