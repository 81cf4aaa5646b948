"""Attempts as items of the table: the claim of a worker, the record of the end, the details to show.

| attribute | what it is                                     | written by |
|-----------|------------------------------------------------|------------|
| ``t``     | token of the worker that holds the lease       | claim      |
| ``l``     | until when it holds it                         | claim      |
| ``s``     | when it was started                            | claim      |
| ``i``     | reference of the input                         | claim      |
| ``ac``    | ref of the action                              | claim      |
| ``st``    | how it ended; its presence means that it ended | finish     |
| ``r``     | reference of the result (none: null)           | finish     |
| ``er``    | reference of the error (none: null)            | finish     |
| ``e``     | when it ended                                  | finish     |
| ``c``     | the child execution that it was                | finish     |

Times are epoch seconds.
"""

from __future__ import annotations

from typing import Any

from attune.adapters.aws.blobs import BoundedReader, location
from attune.adapters.aws.dynamodb.keys import attempt_of
from attune.adapters.aws.dynamodb.marshal import Item
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.execution_store import Claim, ClaimStatus, Record

FREE = "attribute_not_exists(PK) OR (attribute_not_exists(st) AND t = :t)"
"""Nobody has begun it, or it is mine (the reply to my first claim was lost)."""
FREE_OR_EXPIRED = "attribute_not_exists(PK) OR (attribute_not_exists(st) AND (t = :t OR l < :s))"
"""The same, or whoever had it is dead and the action may be run twice."""
CLAIM = "SET t = :t, l = :l, s = :s, i = :i, ac = :ac"
NOT_ENDED = "attribute_not_exists(st)"


def ending(blobs: BlobStore, execution: str, record: Record, now: float | None, child: str = "") -> Item:
    """The attributes that record an end; None for what there is nothing of."""
    return {
        "st": record.status,
        "r": None if record.result is None else blobs.put(execution, record.result),
        "er": None if record.error is None else blobs.put(execution, record.error),
        "e": now,
        "c": child or None,
    }


def record_of(blobs: BlobStore | BoundedReader, item: Item) -> Record | None:
    """How it ended, None if it has not."""
    if "st" not in item:
        return None
    return Record(item["st"], _value(blobs, item, "r"), _value(blobs, item, "er"))


def _value(blobs: BlobStore | BoundedReader, item: Item, name: str) -> Any:
    return blobs.get(item[name]) if name in item else None


def refusal(blobs: BlobStore, item: Item, now: float) -> Claim:
    """What a claim learns from the item that refused it."""
    record = record_of(blobs, item)
    if record is not None:
        return Claim(ClaimStatus.ENDED, record=record)
    lease = float(item.get("l", 0.0))
    return Claim(ClaimStatus.RUNNING if lease >= now else ClaimStatus.LOST, lease)


_SHOWN = {"input": "i", "result": "r", "error": "er"}


def shown(blobs: BlobStore, item: Item) -> dict[str, Any]:
    """An attempt as the API shows it. What is too large for that is null, and ``stored`` has its S3 key."""
    attempt = attempt_of(item["SK"])
    stored = {name: key for name, short in _SHOWN.items() if (key := location(item.get(short)))}
    values = {name: None if name in stored else _value(blobs, item, short) for name, short in _SHOWN.items()}
    return {
        "task": attempt.task,
        "visit": attempt.visit,
        "index": attempt.index,
        "attempt": attempt.number,
        "status": item.get("st", "running"),
        "action": item.get("ac"),
        **values,
        "stored": stored,
        "child": item.get("c"),
        "started_at": item.get("s"),
        "ended_at": item.get("e"),
    }
