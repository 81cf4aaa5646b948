"""What sensors remember: implements :class:`attune.execution.ports.triggers.SensorStore`."""

from __future__ import annotations

import json

from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.triggers import SensorMemory


class DynamoSensors:
    """One item per sensor: ``s`` the digests it has seen, ``c`` reference of its cursor, ``v`` version."""

    def __init__(self, table: Table, blobs: BlobStore) -> None:
        self._table, self._blobs = table, blobs

    def load(self, ref: str) -> SensorMemory:
        """See the port."""
        item = self._table.get(keys.sensor(ref))
        if item is None:
            return SensorMemory()
        return SensorMemory(tuple(json.loads(item["s"])), self._blobs.get(item["c"]), int(item["v"]))

    def save(self, ref: str, memory: SensorMemory) -> bool:
        """See the port."""
        cursor = self._blobs.put(f"sensors/{ref}", memory.cursor)
        item = with_key(keys.sensor(ref), s=to_text(list(memory.seen)), c=cursor, v=memory.version + 1)
        condition = "v = :v" if memory.version else "attribute_not_exists(PK)"
        return self._table.put(item, condition, {":v": memory.version} if memory.version else None).accepted
