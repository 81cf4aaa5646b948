"""The records of an SQS event source mapping: what Lambda hands to our functions, and what it wants back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from attune.adapters.aws.sqs import body_to_envelope, body_to_task
from attune.exceptions import InvalidRequest
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.queues import Delivery, TaskMessage

Record = dict[str, Any]


def by_group(records: Iterable[Record]) -> dict[str, list[Record]]:
    """The records of each FIFO message group (execution), in their order."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        groups.setdefault(record["attributes"]["MessageGroupId"], []).append(record)
    return groups


def received(records: Sequence[Record], blobs: BlobStore) -> list[Delivery]:
    """Messages with their sequence numbers (20 digits on AWS; padded, so that text compares like the number).

    Raises InvalidRequest for the first that cannot be read, unless others stand before it: those are returned.
    """
    envelopes: list[Delivery] = []
    for record in records:
        try:
            envelope = body_to_envelope(record["body"], blobs)
            if envelope.execution != record["attributes"]["MessageGroupId"]:
                raise InvalidRequest(f"a message to {envelope.execution} lies in another mailbox")
        except InvalidRequest:
            if not envelopes:
                raise
            break
        envelopes.append(Delivery(str(record["attributes"]["SequenceNumber"]).zfill(20), envelope.message))
    return envelopes


def tasks(records: Iterable[Record], blobs: BlobStore) -> tuple[list[tuple[Record, TaskMessage]], list[Record]]:
    """The attempts, and the records that cannot be read (they go to the dead letters in time)."""
    readable: list[tuple[Record, TaskMessage]] = []
    broken: list[Record] = []
    for record in records:
        try:
            readable.append((record, body_to_task(record["body"], blobs)))
        except InvalidRequest:
            broken.append(record)
    return readable, broken


def deliver_each(
    records: Iterable[Record], deliver: Callable[[Record], object], log: Any, wrong: str
) -> dict[str, list[dict[str, str]]]:
    """Deliver one after the other; what raises is logged as ``wrong``, and in the answer, so that it comes again."""
    failed = []
    for record in records:
        try:
            deliver(record)
        except Exception:
            log.exception(wrong)
            failed.append(record)
    return failures(failed)


def failures(records: Iterable[Record]) -> dict[str, list[dict[str, str]]]:
    """The answer that has just these delivered again (``ReportBatchItemFailures``)."""
    return {"batchItemFailures": [{"itemIdentifier": record["messageId"]} for record in records]}
