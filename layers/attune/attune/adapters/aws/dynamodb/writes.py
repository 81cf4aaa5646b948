"""What goes with a state, as items: records, variables, lists, verdicts, retries, outputs and waits.

Each is a reference to its value (``d``) under a key of its own; a list has its length beside it (``n``), a wait for an
event where it is listed (``ls``), an open inquiry its place in the index.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, assert_never

from attune.adapters.aws.dynamodb import keys, records
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.table import with_key
from attune.engine.effects import (
    Write,
    WriteItems,
    WriteOutput,
    WriteRecord,
    WriteRetry,
    WriteScope,
    WriteVars,
    WriteVerdict,
    WriteWait,
)
from attune.engine.ids import wait_id
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.execution_store import Record
from attune.execution.ports.triggers import ANY_TYPE
from attune.model.built_ins import WaitKind

LEFT_OVER = 86_400
"""Seconds for which the listing of a wait outlives its timeout at most, if its execution never closes it."""


def items_of(blobs: BlobStore, execution: str, write: Write) -> list[Item]:  # noqa: C901 - one case for each kind
    """What is written under no condition; nothing of a wait (see :func:`wait_items`)."""

    def reference(key: keys.Key, value: Any, **more: Any) -> list[Item]:
        return [_reference_item(key, blobs, execution, value, **more)]

    match write:
        case WriteVars():
            return reference(keys.variables(execution, write.number), dict(write.values))
        case WriteRecord():
            return [_record_item(blobs, execution, write)]
        case WriteVerdict():
            return reference(keys.verdict(execution, write.task, write.visit), dict(write.error))
        case WriteItems():
            key = keys.items(execution, write.task, write.visit, write.chunk)
            return reference(key, list(write.values), n=len(write.values))
        case WriteScope():
            key = keys.scope(execution, write.task, write.visit, write.attempt_base)
            return reference(key, dict(write.scope), n=write.scope["total"])
        case WriteRetry():
            return reference(keys.retry(execution, write.number), asdict(write))
        case WriteOutput():
            ended = {"output": write.output, "error": write.error}
            return reference(keys.output(execution, write.retries), ended)
        case WriteWait():
            return []
        case _ as never:
            assert_never(never)


def _record_item(blobs: BlobStore, execution: str, write: WriteRecord) -> Item:
    record = Record(str(write.status), write.result, write.error)
    return with_key(keys.attempt(execution, write.attempt), **records.ending(blobs, execution, record, None))


def _reference_item(key: keys.Key, blobs: BlobStore, execution: str, value: Any, **more: Any) -> Item:
    return with_key(key, d=blobs.put(execution, value), **more)


def wait_items(blobs: BlobStore, execution: str, write: WriteWait) -> list[Item]:
    """An inquiry is listed in the index. An event's wait has an item of its own where events look for it."""
    key, name = keys.wait(execution, write.kind, write.attempt), wait_id(execution, write.attempt)
    terms = {**write.terms, "since": write.since, "limit": write.limit}
    if write.kind is WaitKind.INQUIRY:
        return [_reference_item(key, blobs, execution, terms, GSI1PK=keys.INQUIRIES, GSI1SK=name)]
    listing = keys.waits(_only_type(write.terms["pattern"]))
    expires = int(write.limit) + LEFT_OVER if write.limit else None
    listed = _reference_item((listing, name), blobs, execution, {"pattern": write.terms["pattern"]}, ttl=expires)
    return [listed, _reference_item(key, blobs, execution, terms, ls=listing)]


def _only_type(pattern: Mapping[str, Any]) -> str:
    """The detail-type that the pattern names; one for several types is held against every event."""
    types = pattern.get("detail-type", [])
    return types[0] if len(types) == 1 and isinstance(types[0], str) else ANY_TYPE
