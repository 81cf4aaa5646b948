"""Queues that the pump keeps itself: moto goes through all messages of a queue at every send, receive and delete."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from moto.sqs import models as sqs

from attune.wiring import process

BATCH = 10


class HeldQueue:
    """A queue with what was sent to it, in order; receives and deletes like a client of SQS that asks for ten.

    What is sent still goes out to AWS, which may forget it.
    """

    def __init__(self, queue: Any) -> None:
        self.url, self.arn, self.client = queue.url, queue.arn, self
        self._messages: deque[dict[str, Any]] = deque()
        self._seen: set[str] = set()

    def listen(self, client: Any) -> None:
        """Keep what this client sends from now on."""
        client.meta.events.register("provide-client-params.sqs.SendMessageBatch", self._note)

    def _note(self, params: Mapping[str, Any], **_: Any) -> None:
        if params["QueueUrl"] == self.url:
            self.put(params["Entries"])

    def put(self, entries: list[dict[str, Any]]) -> None:
        """Take the entries of a SendMessageBatch; one whose deduplication id has been is dropped."""
        for entry in entries:
            dedup = entry.get("MessageDeduplicationId") or str(uuid.uuid4())
            if dedup not in self._seen:
                self._seen.add(dedup)
                self._messages.append(entry)

    def receive_message(self, **_: Any) -> dict[str, Any]:
        """Up to ten of the oldest, which are gone hereby."""
        taken = [self._messages.popleft() for _ in range(min(len(self._messages), BATCH))]
        return {"Messages": [_received(entry) for entry in taken]}

    def delete_message_batch(self, **_: Any) -> dict[str, Any]:
        """Nothing is left of what was received."""
        return {}


def hold(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on the pump keeps the advance queue and the task queue, and moto nothing of what is sent."""
    held = {name: HeldQueue(getattr(stack.queues, name)) for name in ("advance", "tasks")}
    for queue in held.values():
        queue.listen(process.client("sqs"))
    stack.queues = SimpleNamespace(**vars(stack.queues) | held)
    monkeypatch.setattr(sqs.Queue, "add_message", lambda queue, message: None)


def _received(entry: Mapping[str, Any]) -> dict[str, Any]:
    group = {"MessageGroupId": entry["MessageGroupId"]} if "MessageGroupId" in entry else {}
    attributes = {"ApproximateReceiveCount": "1", "SentTimestamp": "0", **group}
    name = str(uuid.uuid4())
    return {"MessageId": name, "ReceiptHandle": name, "Body": entry["MessageBody"], "Attributes": attributes}
