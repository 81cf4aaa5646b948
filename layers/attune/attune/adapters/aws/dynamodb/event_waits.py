"""Waits for events, and events kept for later waits: implements :class:`attune.execution.ports.triggers.Events`.

An event is kept first, then looks for waits. A wait is written first, then looks for kept events. All reads are
consistent and by key, never through the index: so at least one of the two finds the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.engine.ids import AttemptId, wait_of
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.triggers import ANY_TYPE

INLINE = 300 * 1024
"""Bytes of an event that stay in its item: all, for an event has 256 KB at most (an EventBridge limit)."""


class DynamoEvents:
    """See the port."""

    def __init__(self, table: Table, blobs: BlobStore) -> None:
        self._table, self._blobs = table, blobs

    def waits(self, detail_type: str) -> Iterator[tuple[str, AttemptId, Mapping[str, Any]]]:
        """See the port."""
        for kind in (detail_type, ANY_TYPE):
            for item in self._table.query(keys.waits(kind), only="SK, d"):
                yield (*wait_of(item["SK"]), self._blobs.get(item["d"])["pattern"])

    def keep(self, detail_type: str, event: Mapping[str, Any], now: float, seconds: float) -> None:
        """See the port. DynamoDB deletes it some time after that."""
        reference = self._blobs.put_text("events", to_text(dict(event)), INLINE)
        self._table.put(
            with_key(keys.event(detail_type, now, str(event.get("id"))), d=reference, ttl=int(now + seconds) + 1)
        )

    def kept(self, detail_type: str, since: float) -> Iterator[tuple[float, Mapping[str, Any]]]:
        """See the port."""
        partition, low = keys.event(detail_type, since, "")
        for item in self._table.query_from(partition, low):
            yield keys.came(item["SK"]), self._blobs.get(item["d"])
