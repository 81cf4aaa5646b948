"""Letting go of executions that ended: DynamoDB deletes an item for nothing when its ``ttl`` (epoch seconds) is past.

When an item is written nobody knows when its execution will end, and a guess (created + the longest life) would
either delete records under a running execution or keep them far longer than was asked for. So only STATE gets its
``ttl`` on the hot path, with the save that ends the execution, at no cost. All other items get theirs from
:meth:`Retention.expire`, once, off the hot path: ``on_event`` calls it when an end is announced on the bus. It
costs one more write per item, and nothing at all without a retention. Payloads in S3 are not touched.
"""

from __future__ import annotations

from attune.adapters.dynamodb import keys
from attune.adapters.dynamodb.states import DAY
from attune.adapters.dynamodb.table import Table, key_of


class Retention:
    """Marks all items of an ended execution for deletion ``days`` after its end."""

    def __init__(self, table: Table, days: float) -> None:
        self._table, self._days = table, days

    def expire(self, execution: str, ended_at: float) -> int:
        """Mark what is not marked yet; returns how many items that were. Safe to call again."""
        if self._days <= 0:
            return 0
        values = {":ttl": int(ended_at + self._days * DAY)}
        condition, names = "attribute_exists(PK) AND attribute_not_exists(#ttl)", {"#ttl": "ttl"}
        outcomes = [
            self._table.update(key_of(item), "SET #ttl = :ttl", values, condition, names)
            for item in self._table.query(keys.partition(execution), only="PK, SK")
        ]
        return sum(outcome.accepted for outcome in outcomes)
