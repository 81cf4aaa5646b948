"""Letting go of executions that ended: DynamoDB deletes an item for nothing when its ``ttl`` (epoch seconds) is past.

When an item is written nobody knows when its execution will end, and a guess (created + the longest life) would
either delete records under a running execution or keep them far longer than was asked for. So only STATE gets its
``ttl`` on the hot path, with the save that ends the execution, at no cost. All other items get theirs from
:meth:`Retention.expire`, once, off the hot path: ``on_event`` calls it when an end is announced on the bus. It
costs one more write per item, and nothing at all without a retention. Payloads in S3 are marked then, too, and a
lifecycle rule of the bucket deletes them after as many days. When an ended execution is retried, that is announced
too, and :meth:`Retention.keep` takes all marks away again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.adapters.dynamodb import keys
from attune.adapters.dynamodb.states import DAY
from attune.adapters.dynamodb.table import Table, key_of
from attune.adapters.payloads import Payloads


class Retention:
    """Marks all items and payloads of an ended execution for deletion ``days`` after its end."""

    def __init__(self, table: Table, payloads: Payloads, days: float) -> None:
        self._table, self._payloads, self._days = table, payloads, days

    def expire(self, execution: str, ended_at: float) -> int:
        """Mark what is not marked so yet; returns how many items that were. Safe to call again, and at any time: an
        execution that goes on, having been retried, is left alone.
        """
        values = {":ttl": int(ended_at + self._days * DAY)}
        condition = "attribute_exists(PK) AND (attribute_not_exists(#ttl) OR #ttl < :ttl)"
        return self._change(execution, True, "SET #ttl = :ttl", values, condition)

    def keep(self, execution: str) -> int:
        """Take the marks from an execution that goes on after its end; returns how many items had one."""
        return self._change(execution, False, "REMOVE #ttl", {}, "attribute_exists(#ttl)")

    def _change(self, execution: str, ended: bool, expression: str, values: Mapping[str, Any], condition: str) -> int:
        """Change the mark of all items, if the execution has ended, or has not; events may come late."""
        if self._days <= 0 or self._has_ended(execution) is not ended:
            return 0
        outcomes = [
            self._table.update(key_of(item), expression, values, condition, {"#ttl": "ttl"})
            for item in self._table.query(keys.partition(execution), only="PK, SK")
        ]
        (self._payloads.let_go if ended else self._payloads.hold)(execution)
        return sum(outcome.accepted for outcome in outcomes)

    def _has_ended(self, execution: str) -> bool:
        state = self._table.get(keys.state(execution), "GSI1PK")
        return state is None or keys.status_of(state["GSI1PK"]).ended
