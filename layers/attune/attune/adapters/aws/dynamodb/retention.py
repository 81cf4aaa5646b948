"""Letting go of executions that ended: DynamoDB deletes an item for nothing when its ``ttl`` (epoch seconds) is past.

When an item is written nobody knows when its execution will end, and a guess (created + the longest life) would
either delete records under a running execution or keep them far longer than was asked for. So only STATE gets its
``ttl`` on the hot path, with the save that ends the execution, at no cost. All other items get theirs from
:meth:`DynamoRetention.mark_expired`, once, off the hot path: ``on_event`` calls it when an end is announced. It
costs one more write per item, and nothing at all without a retention: DynamoDB has no cheaper way to change an item,
and deleting each of them later would cost as much. Payloads in S3 are marked then, too, and a lifecycle rule of the
bucket deletes them after as many days. When an ended execution is retried, that is announced too, and
:meth:`DynamoRetention.unmark` takes all marks away again.

An execution can have more items than a function has time for. Then both stop and say what is left; whoever called
sees to it that it is done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from attune.adapters.aws.batches import side_by_side
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.states import DAY
from attune.adapters.aws.dynamodb.table import Table, key_of
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.clock import Clock
from attune.execution.ports.retention import Rest, never

IN_A_ROW = 100
"""Items that are changed before it is asked whether there is enough."""
NAMES = {"#ttl": "ttl"}
"""``ttl`` is a word of DynamoDB's own, which no expression may use for an attribute."""
_ITEMS, _PAYLOADS = "items:", "payloads:"
"""How the places begin at which the two parts of the work can stop."""


class DynamoRetention:
    """Marks all items and payloads of an ended execution for deletion ``days`` after its end."""

    def __init__(self, table: Table, blobs: BlobStore, days: float, clock: Clock) -> None:
        self._table, self._blobs, self._days, self._clock = table, blobs, days, clock

    def mark_expired(
        self, execution: str, ended_at: float, after: str = "", out_of_time: Callable[[], bool] = never
    ) -> Rest | None:
        """Mark what is not marked so yet, from the place ``after`` on, until all is or there is ``out_of_time``.

        Returns what is left to do. Safe to call again, and at any time: an execution that goes on, having been retried,
        is left alone; if that happens meanwhile, it is left to keep it.
        """
        ttl = int(ended_at + self._days * DAY)
        condition = "attribute_exists(PK) AND (attribute_not_exists(#ttl) OR #ttl < :ttl)"

        def mark(item: Item) -> None:
            if "ttl" not in item or item["ttl"] < ttl:
                self._table.update(key_of(item), "SET #ttl = :ttl", {":ttl": ttl}, condition, NAMES)

        if not self._is_meant(execution, ended=True):
            return None
        stopped = self._change(execution, mark, self._blobs.mark_expired, after, out_of_time)
        if not self._is_meant(execution, ended=True):
            return Rest(None)
        return None if stopped is None else Rest(ended_at, stopped)

    def unmark(self, execution: str, after: str = "", out_of_time: Callable[[], bool] = never) -> Rest | None:
        """Take the marks from an execution that goes on after its end; returns what is left to do.

        Marks of an end that is still to come are left.
        """
        latest = int(self._clock.now() + self._days * DAY)

        def clear(item: Item) -> None:
            if "ttl" in item:
                self._table.update(key_of(item), "REMOVE #ttl", {":latest": latest}, "#ttl < :latest", NAMES)

        if not self._is_meant(execution, ended=False):
            return None
        stopped = self._change(execution, clear, self._blobs.unmark, after, out_of_time)
        return None if stopped is None else Rest(None, stopped)

    def _change(
        self,
        execution: str,
        change: Callable[[Item], None],
        mark: Callable[[str, str, Callable[[], bool]], str | None],
        after: str,
        out_of_time: Callable[[], bool],
    ) -> str | None:
        """Change all items, then the payloads; returns the place at which it stopped, None when all is done."""
        if not after.startswith(_PAYLOADS):
            items = self._items(execution, after.removeprefix(_ITEMS))
            last = side_by_side(change, items, IN_A_ROW, out_of_time)
            if last is not None:
                return f"{_ITEMS}{last['SK']}"
            after = _PAYLOADS
        stopped = mark(execution, after.removeprefix(_PAYLOADS), out_of_time)
        return None if stopped is None else f"{_PAYLOADS}{stopped}"

    def _items(self, execution: str, after: str) -> Iterator[Item]:
        """All but its dead letters, which have a time of their own."""
        low = f"{after}\x00" if after else " "
        found = self._table.query_from(keys.partition(execution), low, "PK, SK, #ttl", NAMES)
        return (item for item in found if not item["SK"].startswith(keys.DEAD_PREFIX))

    def _is_meant(self, execution: str, *, ended: bool) -> bool:
        """Whether there is a retention, and the execution has ended, or has not; events may come late."""
        if self._days <= 0:
            return False
        state = self._table.get(keys.state(execution), "GSI1PK")
        return (state is None or keys.status_of(state["GSI1PK"]).ended) is ended
