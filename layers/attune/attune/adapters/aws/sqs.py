"""The queues: implements the ports Mailbox and TaskQueue, and says what the messages on them look like.

* advance queue: ``{"execution", "message"}``, the message as :func:`attune.engine.wire.encode` has it; a start
  whose parameters are large has ``parameters_ref``, their reference, instead;
* task queue: ``{"execution", "workflow", "attempt", "spec", "input", "timeout", "salt"}``; a large input is
  ``input_ref``, its reference; ``sealed`` is there where the worker has to render something.

A body that is too large even so goes to S3 as a whole; the message then is its reference (see ``blobs``).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any, TypeVar

from attune.adapters.aws import batches
from attune.adapters.aws.blobs import INLINE_LIMIT, to_text
from attune.adapters.aws.failures import COME_AGAIN, Sleep, calling, until_accepted
from attune.engine.ids import AttemptId, dedup_id
from attune.engine.messages import Message
from attune.engine.wire import decode, encode
from attune.exceptions import AttuneError, InvalidRequest, NotFound
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.queues import Envelope, TaskMessage
from attune.model.action import ActionSpec

BATCH_COUNT = 10
"""Messages in one SendMessageBatch at most (SQS's limit)."""
BATCH_BYTES = 256 * 1024
"""Bytes of all bodies in one call at most. SQS has allowed 1 MiB since August 2025; older emulators allow this."""
GROUP = re.compile("[!-~]{1,128}")
"""What can be the name of a FIFO group (SQS's limits)."""
MAX_DELAY = 900
"""Seconds that a message can be delayed at most (SQS's limit)."""

T = TypeVar("T")


def envelope_to_body(envelope: Envelope, blobs: BlobStore) -> str:
    """What goes onto the advance queue."""
    message = encode(envelope.message)
    if "parameters" in message:
        message = _lighter(message, "parameters", envelope.execution, blobs)
    return blobs.put(envelope.execution, {"execution": envelope.execution, "message": message})


def body_to_envelope(body: str, blobs: BlobStore) -> Envelope:
    """Inverse of :func:`envelope_to_body`; raises InvalidRequest."""

    def read(data: Mapping[str, Any]) -> Envelope:
        return addressed(data["execution"], decode(_whole(data["message"], "parameters", blobs)))

    return parse(body, blobs, read)


def addressed(execution: Any, message: Message) -> Envelope:
    """The message; raises ValueError if it cannot be brought to this execution, or is about another."""
    if getattr(message, "execution", execution) != execution:
        raise ValueError("it is not for one execution")
    return Envelope(_address(execution), message)


def _address(execution: Any) -> str:
    """What can be the name of a group; SQS would refuse a whole batch for one that cannot."""
    if not isinstance(execution, str) or not GROUP.fullmatch(execution):
        raise ValueError("it is for no execution")
    return execution


def task_to_body(message: TaskMessage, blobs: BlobStore) -> str:
    """What goes onto the task queue."""
    data = {
        "execution": message.execution,
        "workflow": message.workflow,
        "attempt": message.attempt.to_list(),
        "spec": asdict(message.spec),
        "input": dict(message.input),
        "timeout": message.timeout,
        "salt": message.resend_id,
    }
    if message.sealed is not None:
        data["sealed"] = dict(message.sealed)
    return blobs.put(message.execution, _lighter(data, "input", message.execution, blobs))


def body_to_task(body: str, blobs: BlobStore) -> TaskMessage:
    """Inverse of :func:`task_to_body`; raises InvalidRequest."""

    def read(data: Mapping[str, Any]) -> TaskMessage:
        message = _task(_whole(data, "input", blobs))
        _address(message.execution)
        return message

    return parse(body, blobs, read)


def body_to_attempt(body: str, blobs: BlobStore) -> TaskMessage:
    """The same without its input, which may be gone from the bucket; raises InvalidRequest."""

    def read(data: Mapping[str, Any]) -> TaskMessage:
        return _task({**{name: value for name, value in data.items() if name != "input_ref"}, "input": {}})

    return parse(body, blobs, read)


def _task(whole: Mapping[str, Any]) -> TaskMessage:
    rest = {("resend_id" if name == "salt" else name): value for name, value in whole.items()}
    made = {"attempt": AttemptId.from_list(whole["attempt"]), "spec": ActionSpec.from_dict(whole["spec"])}
    message = TaskMessage(**{**rest, **made})
    for part in (message, message.attempt, message.spec):
        _check_types(part)
    return message


_NUMBER = (int, float, type(None))
_TYPES: Mapping[type, Mapping[str, Any]] = {
    TaskMessage: {"execution": str, "workflow": str, "input": Mapping, "timeout": _NUMBER, "resend_id": str},
    AttemptId: {"task": str, "visit": int, "index": (int, type(None)), "number": int},
    ActionSpec: {"ref": str, "pack": str, "entry_point": str, "parameters": Mapping, "timeout": _NUMBER},
}


def _check_types(part: Any) -> None:
    """A worker runs what it is given beside nine others, so what cannot be run is found before."""
    for name, types in _TYPES[type(part)].items():
        if not isinstance(getattr(part, name), types):
            raise TypeError(f"{name} is a {type(getattr(part, name)).__name__}")


def parse(body: str, blobs: BlobStore, read: Callable[[Mapping[str, Any]], T]) -> T:
    """What ``read`` makes of a body; raises InvalidRequest when it is none of ours, or its payload is gone."""
    try:
        return read(blobs.get(body))
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError, NotFound) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InvalidRequest(f"not a message of ours ({reason})", body=body[:200]) from error


def _lighter(data: dict[str, Any], name: str, execution: str, blobs: BlobStore) -> dict[str, Any]:
    """With a large value replaced by its reference: the store puts the same value under the same key, once."""
    text = to_text(data[name])
    if len(text) <= INLINE_LIMIT:
        return data
    rest = {key: value for key, value in data.items() if key != name}
    return {**rest, f"{name}_ref": blobs.put_text(execution, text)}


def _whole(data: Mapping[str, Any], name: str, blobs: BlobStore) -> dict[str, Any]:
    """Inverse of :func:`_lighter`."""
    whole = dict(data)
    reference = whole.pop(f"{name}_ref", None)
    return whole if reference is None else {**whole, name: blobs.get(reference)}


class Queue:
    """Sends to one SQS queue in batches."""

    def __init__(self, client: Any, url: str, sleep: Sleep = time.sleep) -> None:
        self._client, self._url, self._sleep = client, url, sleep

    def send(self, messages: Iterable[Mapping[str, Any]]) -> None:
        """Send messages, each given as SQS's own parameters (MessageBody, DelaySeconds, …), in order.

        A batch can be accepted in part; what is sent again then comes after what was accepted.

        Raises Unavailable when some were not accepted, even after a few tries; the others were.
        """
        parcels = (batches.Parcel(m, len(m["MessageBody"])) for m in messages)
        for batch in batches.pack(parcels, BATCH_COUNT, BATCH_BYTES):
            entries = [{"Id": str(position), **message} for position, message in enumerate(batch)]
            until_accepted(self._send, entries, "SendMessageBatch", self._sleep)

    @property
    def name(self) -> str:
        """Its own name, the last part of its URL."""
        return self._url.rpartition("/")[2]

    def depth(self) -> int:
        """About how many messages lie there to be received."""
        name = "ApproximateNumberOfMessages"
        with calling("SQS"):
            answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=[name])
        return int(answer["Attributes"][name])

    def _send(self, entries: Sequence[Any]) -> Sequence[Any]:
        with calling("SQS"):
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
        # To be throttled can count as the sender's fault; what is meant here is what no other try will change.
        failed = {failure["Id"]: failure for failure in answer.get("Failed", ())}
        for failure in failed.values():
            if failure.get("SenderFault") and failure.get("Code") not in COME_AGAIN:
                raise AttuneError(f"SQS refused a message: {failure.get('Code')} {failure.get('Message', '')}")
        return [entry for entry in entries if entry["Id"] in failed]


class SqsMailbox:
    """The advance queue (FIFO, one group per execution): implements :class:`attune.execution.ports.queues.Mailbox`."""

    def __init__(self, queue: Queue, blobs: BlobStore) -> None:
        self._queue, self._blobs = queue, blobs

    def post(self, envelopes: Sequence[Envelope]) -> None:
        """See the port."""
        self._queue.send(
            {
                "MessageBody": envelope_to_body(envelope, self._blobs),
                "MessageGroupId": envelope.execution,
                # With the execution in it, so that it holds even where ids count for the whole queue.
                "MessageDeduplicationId": dedup_id(envelope.execution, envelope.message.dedup),
            }
            for envelope in envelopes
        )


class SqsTaskQueue:
    """The task queue (standard): implements :class:`attune.execution.ports.queues.TaskQueue`."""

    def __init__(self, queue: Queue, blobs: BlobStore) -> None:
        self._queue, self._blobs = queue, blobs

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """See the port."""
        self._queue.send({"MessageBody": task_to_body(message, self._blobs)} for message in messages)

    def send_later(self, message: TaskMessage, delay: float) -> None:
        """See the port."""
        self._queue.send([{"MessageBody": task_to_body(message, self._blobs), "DelaySeconds": whole_delay(delay)}])


def whole_delay(seconds: float) -> int:
    """Rounded up, because what comes early must be delayed again; 0 to :data:`MAX_DELAY`."""
    return max(0, min(MAX_DELAY, math.ceil(seconds)))
