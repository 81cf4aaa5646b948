"""Executions in DynamoDB: implements :class:`attune.execution.ports.execution_store.ExecutionStore`.

Some items never change once they are written: starts, variables under their number, lists, ends of attempts. A small
cache keeps these, so that a warm ``advance`` reads none of them twice.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any, assert_never

from attune.adapters.aws.blobs import BoundedReader
from attune.adapters.aws.cache import BoundedCache
from attune.adapters.aws.dynamodb import key_values, keys, records, states
from attune.adapters.aws.dynamodb.facts import Place, place_of
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.table import Table, key_of, present
from attune.adapters.aws.dynamodb.writes import items_of, wait_items
from attune.engine.effects import Write, WriteWait
from attune.engine.facts import Fact, KeyNamesFact, RecordsFact, StoredFact
from attune.engine.ids import AttemptId, wait_id
from attune.engine.messages import Start
from attune.engine.state import State
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.execution_store import Claim, ClaimStatus, Record
from attune.execution.ports.queues import TaskMessage

EXPIRES = "ttl"
"""Attribute of what DynamoDB deletes: some days after its time, each item for itself, in no order. The state may be
gone before the start is, and a late timer, or whoever asks once more, must not begin the execution a second time."""
CACHED_BYTES = 16 * 1024 * 1024
"""Memory for facts in one function."""
NAMES = 1000
"""Keys of the key-value store that are looked at to find one near to a misspelt one."""


class DynamoStore:
    """States, and the records that go with them.

    ``retention_days`` (0: for ever) is how long an ended execution's state is kept; see ``retention`` for the rest.
    """

    def __init__(self, table: Table, blobs: BlobStore, retention_days: float = 0) -> None:
        self._table, self._blobs, self._retention_days = table, blobs, retention_days
        self._facts: BoundedCache[keys.Key, Item] = BoundedCache(CACHED_BYTES)
        self._unsaved: dict[str, list[Item]] = {}

    def create(self, start: Start) -> bool:
        """See the port."""
        return self._table.put(states.start_item(self._blobs, start), "attribute_not_exists(PK)").accepted

    def load_start(self, execution: str) -> Start | None:
        """See the port. One that is marked to be deleted, and has no state any more, is as good as deleted."""
        key = keys.start(execution)
        item = self._read([key]).get(key)
        if item is None or (EXPIRES in item and self._table.get(keys.state(execution), "v") is None):
            return None
        return states.start_of(self._blobs, item)

    def load(self, execution: str) -> State | None:
        """See the port."""
        item = self._table.get(keys.state(execution))
        return states.state_of(self._blobs, item) if item else None

    def load_all(self, executions: Sequence[str]) -> list[tuple[Start | None, State | None]]:
        """See the port."""
        pairs = [(keys.start(execution), keys.state(execution)) for execution in executions]
        items = self._read([key for pair in pairs for key in pair])
        return [self._both(items.get(start), items.get(state)) for start, state in pairs]

    def _both(self, start: Item | None, state: Item | None) -> tuple[Start | None, State | None]:
        if start is not None and state is None and EXPIRES in start:
            start = None
        return (
            states.start_of(self._blobs, start) if start is not None else None,
            states.state_of(self._blobs, state) if state is not None else None,
        )

    def save(self, state: State, expected: int) -> bool:
        """See the port."""
        item = states.state_item(self._blobs, state, expected + 1, self._retention_days)
        condition = "v = :expected" if expected else "attribute_not_exists(PK)"
        accepted = self._table.put(item, condition, {":expected": expected} if expected else None).accepted
        written = self._unsaved.pop(state.execution, [])
        if accepted:
            self._remember(written)
        return accepted

    def write(self, execution: str, writes: Iterable[Write]) -> None:
        """See the port. Cached only when the state that points here has been saved."""
        items: list[Item] = []
        for write in writes:
            if isinstance(write, WriteWait):
                (self._open if write.closed is None else self._close)(execution, write)
            items += items_of(self._blobs, execution, write)
        if items:
            self._table.write_many(items)
        self._unsaved = {execution: items}

    def _open(self, execution: str, write: WriteWait) -> None:
        """Once: a batch that comes again finds it begun, and an invocation that lost its race may find it closed."""
        *listed, item = wait_items(self._blobs, execution, write)
        there = self._table.put(item, "attribute_not_exists(SK)").existing or {}
        if listed and "closed" not in there:
            self._table.write_many(listed)

    def _close(self, execution: str, write: WriteWait) -> None:
        """Remove the wait from the lookup, so that no event finds it. ``ls`` stays, for a replay of this write."""
        change = "SET closed = :closed REMOVE GSI1PK, GSI1SK"
        item = self._table.change(keys.wait(execution, write.kind, write.attempt), change, {":closed": write.closed})
        if "ls" in item:
            self._table.write_many([], [(item["ls"], wait_id(execution, write.attempt))])

    def facts(self, execution: str, wanted: Iterable[StoredFact]) -> dict[Fact, Any]:
        """See the port. Lists of records come last: how long a list is stands in what is cached by then."""
        places: dict[Fact, Place] = {}
        several: list[RecordsFact | KeyNamesFact] = []
        for fact in wanted:
            if isinstance(fact, RecordsFact | KeyNamesFact):
                several.append(fact)
            else:
                places[fact] = place_of(execution, fact)
        items = self._read([place.key for place in places.values()])
        found: dict[Fact, Any] = {
            fact: place.read(self._blobs, items[place.key]) if place.key in items else None
            for fact, place in places.items()
        }
        return found | {fact: self._several(execution, fact) for fact in several}

    def _several(self, execution: str, fact: RecordsFact | KeyNamesFact) -> Any:
        """A fact that is made of many items."""
        match fact:
            case RecordsFact():
                return self._records(execution, fact.task, fact.visit)
            case KeyNamesFact():
                return key_values.names(self._table, "", "", NAMES)
            case _ as never:
                assert_never(never)

    def claim(self, message: TaskMessage, token: str, now: float, lease_until: float) -> Claim:
        """See the port."""
        values = {
            ":t": token,
            ":l": lease_until,
            ":s": now,
            ":i": self._blobs.put(message.execution, dict(message.input)),
            ":ac": message.spec.ref,
        }
        condition = records.FREE_OR_EXPIRED if message.spec.idempotent else records.FREE
        key = keys.attempt(message.execution, message.attempt)
        outcome = self._table.update(key, records.CLAIM, values, condition)
        if outcome.accepted:
            return Claim(ClaimStatus.GRANTED, lease_until)
        return records.refusal(self._blobs, outcome.existing or {}, now)

    def finish(self, execution: str, attempt: AttemptId, record: Record, now: float, child: str = "") -> Record:
        """See the port."""
        attributes = present(records.ending(self._blobs, execution, record, now, child))
        change = "SET " + ", ".join(f"{name} = :{name}" for name in attributes)
        values = {f":{name}": value for name, value in attributes.items()}
        key = keys.attempt(execution, attempt)
        outcome = self._table.update(key, change, values, records.NOT_ENDED)
        recorded = records.record_of(self._blobs, outcome.existing or {})
        return recorded or record

    def _read(self, wanted: Collection[keys.Key]) -> dict[keys.Key, Item]:
        """Items that don't change, from the cache where they are."""
        cached = {key: item for key in wanted if (item := self._facts.get(key)) is not None}
        missing = [key for key in wanted if key not in cached]
        read = self._table.get_many(missing) if missing else {}
        self._remember(read.values())
        return cached | read

    def _remember(self, items: Iterable[Item]) -> None:
        for item in items:
            if _never_changes(item):
                self._facts.put(key_of(item), item, _size(item))

    def _records(self, execution: str, task: str, visit: int) -> list[dict[str, Any] | None]:
        """How each item of a visit ended, by its last attempt that did; None where none has."""
        rows: list[dict[str, Any] | None] = [None] * self._item_count(execution, task, visit)
        found = self._table.query(keys.partition(execution), keys.visit_prefix(task, visit), "SK, st, r, er")
        blobs = BoundedReader(self._blobs, f"the results of the items of '{task}'")
        for item in found:
            index = keys.attempt_of(item["SK"]).index
            record = records.record_of(blobs, item)
            if index is not None and record is not None:
                rows += [None] * (index + 1 - len(rows))
                rows[index] = record.to_dict()
        return rows

    def _item_count(self, execution: str, task: str, visit: int) -> int:
        key = keys.items(execution, task, visit)
        item = self._facts.get(key) or self._table.get(key, "n") or {}
        return int(item.get("n", 0))


def _never_changes(item: Item) -> bool:
    kind = item["SK"].partition("#")[0]
    return kind in ("START", "VARS", "ITEMS", "RETRY") or (kind == "TASK" and "st" in item)


def _size(item: Item) -> int:
    return sum(len(value) if isinstance(value, str) else 8 for value in item.values())
