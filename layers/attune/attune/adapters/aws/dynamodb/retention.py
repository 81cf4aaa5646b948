"""Has DynamoDB delete what ended long ago: an item goes, for free, when its ``ttl`` (epoch seconds) is past.

Nobody knows when an execution will end while its items are written. A guess would be too early, and delete records of
a running execution, or too late. So the ``ttl`` comes at the end:

* the save that ends the execution sets it on STATE, at no cost;
* ``on_event`` hears of the end and calls :meth:`DynamoRetention.mark_expired`, which sets it on all other items. That
  is one write per item, off the hot path. DynamoDB has no cheaper way, and deleting them later would cost as much;
* it also tags the execution's objects in S3, and a lifecycle rule of the bucket deletes those.

A retry of the execution is announced, too. :meth:`DynamoRetention.unmark` then removes all marks. Without a retention,
nothing of this happens.

An execution can have more items than a function has time for. Then both methods stop and return what is left; the
caller has it done later.
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
        """Mark all items behind the place ``after``, until ``out_of_time``; those that are marked already are skipped.

        Returns what is left to do, None for nothing. It may be called at any time, and again: an execution that was
        retried is left alone. One that is retried meanwhile needs :meth:`unmark`, which is then what is left.
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
