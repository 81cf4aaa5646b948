"""The key-value store in the table: implements :class:`attune.execution.ports.key_values.KeyValueStore`."""

from __future__ import annotations

from typing import Any

from attune.adapters.aws.cursors import decode_key_cursor, encode_cursor
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.execution.ports.blobs import BlobStore

OWNER = "kv"
"""In whose folder of the bucket values over 24 KB lie."""


class DynamoKeyValueStore:
    """One item per key, all in one partition."""

    def __init__(self, table: Table, blobs: BlobStore) -> None:
        self._table, self._blobs = table, blobs

    def get(self, key: str) -> list[Any] | None:
        """See the port."""
        item = self._table.get(keys.value(key))
        return fact_of(self._blobs, item) if item else None

    def put(self, key: str, value: Any) -> bool:
        """See the port."""
        return self._table.replace(with_key(keys.value(key), d=self._blobs.put(OWNER, value))) is None

    def delete(self, key: str) -> bool:
        """See the port."""
        return self._table.delete(keys.value(key)) is not None

    def keys(self, prefix: str = "", limit: int = 50, cursor: str = "") -> tuple[list[str], str | None]:
        """See the port."""
        found = names(self._table, prefix, decode_key_cursor(cursor), limit + 1)
        return found[:limit], encode_cursor(found[limit - 1]) if len(found) > limit else None


def names(table: Table, prefix: str, after: str, limit: int) -> list[str]:
    """Up to ``limit`` keys that begin so and come after another one."""
    begun = keys.value(prefix)[1]
    items = table.page(keys.VALUES, begun, keys.value(after)[1] if after else "", limit)
    return [keys.value_of(item["SK"]) for item in items]


def fact_of(blobs: BlobStore, item: Item) -> list[Any]:
    """The value in a list of its own."""
    return [blobs.get(item["d"])]
