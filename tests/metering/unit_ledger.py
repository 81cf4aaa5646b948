"""Counts what AWS would bill for the calls that boto3 makes: capacity units by item size, requests by 64 KB.

``ledger`` counts calls; this reads their parameters and answers. How large an item is that an update leaves behind
the answer tells only if it is asked to, so every update is made to ask (DynamoDB bills nothing for that).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from attune.cost.prices import Meter
from attune.cost.units import chunks, index_units, item_size, read_units, write_units

Item = Mapping[str, Mapping[str, Any]]
"""As DynamoDB's API has it."""

INDEX = ("GSI1PK", "GSI1SK")
_NOTED = "attune_units"


class UnitLedger:
    """Listens to botocore's events, like :class:`tests.metering.call_ledger.CallLedger`; ``usage`` is what it counted.

    It remembers every item that it saw written, and takes those that it did not for new.
    """

    def __init__(self) -> None:
        self.usage: Counter[Meter] = Counter()
        self._items: dict[tuple[str, str, str], Item | None] = {}

    def attach(self, client: Any) -> None:
        """Count the calls of a client from now on."""
        events = client.meta.events
        events.register("provide-client-params.*.*", self._before, unique_id=f"attune-units-before-{id(self)}")
        events.register("after-call.*.*", self._after, unique_id=f"attune-units-after-{id(self)}")

    def add(self, meter: Meter, units: float) -> None:
        """Count what no call of ours is: what Lambda does for an event source mapping, say."""
        self.usage[meter] += units  # type: ignore[assignment]

    def reset(self) -> None:
        """Begin again at nothing."""
        self.usage.clear()

    def _before(self, params: Any, context: Any, model: Any, **_: Any) -> None:
        if model.name == "UpdateItem":
            params["ReturnValues"] = "ALL_NEW"
        context[_NOTED] = params

    def _after(self, parsed: Any, model: Any, context: Any, **_: Any) -> None:
        params = context[_NOTED]
        if model.name in _WRITES:
            for table, key, left in _WRITES[model.name](params):
                after = parsed.get("Attributes") if left is _UNKNOWN else left
                self._note_write(table, key, after, refused="Error" in parsed)
        elif model.name in _OTHERS:
            for meter, units in _OTHERS[model.name](params, parsed):
                self.add(meter, units)

    def _note_write(self, table: str, key: Item, left: Item | None, *, refused: bool) -> None:
        name = (table, key["PK"]["S"], key["SK"]["S"])
        before = self._items.get(name)
        if not refused:
            self._items[name] = left
        after = self._items.get(name)
        units = write_units(item_size(before), item_size(after))
        self.add(Meter.DYNAMODB_WRITE, units + index_units(before, after, INDEX))


_UNKNOWN: Item = {}
"""An update does not tell what it leaves, its answer does."""
Written = Callable[[Mapping[str, Any]], list[tuple[str, Item, Item | None]]]


def _key(item: Item) -> Item:
    return {"PK": item["PK"], "SK": item["SK"]}


def _batch(params: Mapping[str, Any]) -> list[tuple[str, Item, Item | None]]:
    written: list[tuple[str, Item, Item | None]] = []
    for table, requests in params["RequestItems"].items():
        for request in requests:
            item = request.get("PutRequest", {}).get("Item")
            written.append((table, _key(item) if item else request["DeleteRequest"]["Key"], item))
    return written


_WRITES: Mapping[str, Written] = {
    "PutItem": lambda params: [(params["TableName"], _key(params["Item"]), params["Item"])],
    "UpdateItem": lambda params: [(params["TableName"], params["Key"], _UNKNOWN)],
    "DeleteItem": lambda params: [(params["TableName"], params["Key"], None)],
    "BatchWriteItem": _batch,
}
"""The items that a call writes: their table, key, and what is left there."""

Units = Iterable[tuple[Meter, float]]


def _read_one(params: Mapping[str, Any], answer: Mapping[str, Any]) -> Units:
    units = read_units(item_size(answer.get("Item")), consistent=params.get("ConsistentRead", False))
    yield Meter.DYNAMODB_READ, units


def _read_many(params: Mapping[str, Any], answer: Mapping[str, Any]) -> Units:
    """Each key is a read of its own, also one under which nothing lies."""
    for table, request in params["RequestItems"].items():
        found = answer.get("Responses", {}).get(table, [])
        consistent = request.get("ConsistentRead", False)
        sizes = [item_size(item) for item in found] + [0] * (len(request["Keys"]) - len(found))
        yield Meter.DYNAMODB_READ, sum(read_units(size, consistent=consistent) for size in sizes)


def _query(params: Mapping[str, Any], answer: Mapping[str, Any]) -> Units:
    """By the sum of what was read (with a projection this sees, and counts, only what came)."""
    size = sum(item_size(item) for item in answer.get("Items", []))
    yield Meter.DYNAMODB_READ, read_units(size, consistent=params.get("ConsistentRead", False))


def sqs_meter(queue: str) -> Meter:
    """Which meter the requests to a queue are counted on, by its URL, ARN or name."""
    return Meter.SQS_FIFO if queue.endswith(".fifo") else Meter.SQS_STANDARD


def _send(params: Mapping[str, Any], answer: Mapping[str, Any]) -> Units:
    del answer
    entries = params.get("Entries", [params])
    yield sqs_meter(params["QueueUrl"]), chunks(sum(len(entry["MessageBody"].encode()) for entry in entries))


def _events(params: Mapping[str, Any], answer: Mapping[str, Any]) -> Units:
    del answer
    yield Meter.EVENTS, sum(chunks(len(entry["Detail"].encode())) for entry in params["Entries"])


_OTHERS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Any]], Units]] = {
    "GetItem": _read_one,
    "BatchGetItem": _read_many,
    "Query": _query,
    "SendMessage": _send,
    "SendMessageBatch": _send,
    "PutEvents": _events,
    "PutObject": lambda params, answer: [(Meter.S3_PUT, 1)],
    "GetObject": lambda params, answer: [(Meter.S3_GET, 1)],
    "GetSecretValue": lambda params, answer: [(Meter.SECRETS, 1)],
    "PutSecretValue": lambda params, answer: [(Meter.SECRETS, 1)],
}
"""What else is billed by the call. Setting up a schedule is free; its firing is billed."""
