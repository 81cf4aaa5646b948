"""States and starts as items. Names are short because DynamoDB counts them too.

STATE: ``d`` the encoded state, ``v`` version, ``a`` the highest sequence number absorbed, ``w`` and ``n`` the
workflow and its version, ``c`` and ``u`` when it was created and last saved; the status is in the index key. A chunk
has the same, but its status is ``st``; it is in a listing of its own until it has ended.
START: ``p`` reference of the parameters (the same S3 object as the start message has), ``d`` that of everything else.
"""

from __future__ import annotations

from typing import Any

from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.table import key_of, with_key
from attune.engine import codec
from attune.engine.ids import is_chunk
from attune.engine.messages import Start
from attune.engine.state import State
from attune.engine.wire import decode, encode
from attune.execution.ports.blobs import BlobStore
from attune.model.status import ExecutionStatus

STATE_INLINE = 300 * 1024
"""Bytes of an encoded state that stay in its item (DynamoDB's limit is 400 KB); it is written too often for S3."""
DAY = 86_400


def state_item(blobs: BlobStore, state: State, version: int, retention_days: float) -> Item:
    """The STATE item. With a retention, that of an ended execution expires.

    A complete chunk's item does not: its execution may go on for longer than the retention, and a retry asks the
    chunk which items have succeeded. It expires together with the execution's other items.
    """
    text = to_text(codec.encode(state))
    goes_on = is_chunk(state.execution) and state.status is ExecutionStatus.COMPLETED
    expires = state.status.ended and retention_days > 0 and not goes_on
    return with_key(
        keys.state(state.execution),
        **_listing(state),
        d=blobs.put_text(state.execution, text, STATE_INLINE),
        v=version,
        a=state.absorbed,
        w=state.workflow,
        n=state.workflow_version,
        c=state.created_at,
        u=state.updated_at,
        ttl=int((state.ended_at or state.updated_at) + retention_days * DAY) if expires else None,
    )


def _listing(state: State) -> dict[str, str]:
    """A save that doesn't change the status doesn't write to the index."""
    if not is_chunk(state.execution):
        return {"GSI1PK": keys.listed_by_status(state.status), "GSI1SK": state.execution}
    listed = {} if state.status.ended else {"GSI1PK": keys.CHUNKS, "GSI1SK": state.execution}
    return {"st": str(state.status), **listed}


def state_of(blobs: BlobStore, item: Item) -> State:
    """Inverse of :func:`state_item`."""
    return codec.decode(
        blobs.get(item["d"]),
        execution=keys.execution_of_state(key_of(item)),
        workflow=item["w"],
        workflow_version=item["n"],
        created_at=float(item["c"]),
        status=item["st"] if "st" in item else keys.status_of(item["GSI1PK"]),
        version=item["v"],
        absorbed=item["a"],
        updated_at=float(item["u"]),
    )


def start_item(blobs: BlobStore, start: Start) -> Item:
    """The START item."""
    data = encode(start)
    parameters = data.pop("parameters")
    return with_key(
        keys.start(start.execution),
        GSI1PK=keys.listed_by_workflow(start.workflow),
        GSI1SK=start.execution,
        p=blobs.put(start.execution, parameters),
        d=blobs.put(start.execution, data),
    )


def start_fact(blobs: BlobStore, item: Item) -> dict[str, Any]:
    """The start as JSON."""
    return {**blobs.get(item["d"]), "parameters": blobs.get(item["p"])}


def start_of(blobs: BlobStore, item: Item) -> Start:
    """Inverse of :func:`start_item`."""
    found = decode(start_fact(blobs, item))
    if not isinstance(found, Start):
        raise TypeError(f"{item['PK']} does not hold a start")
    return found
