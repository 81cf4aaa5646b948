"""Somebody who looks after dead letters, by the same ways as ``attune dlq``."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from attune.adapters.aws.blobs import S3BlobStore, to_text
from attune.adapters.aws.sqs import Queue, envelope_to_body, task_to_body
from attune.adapters.aws.timers import TimerDue, timer_to_body
from attune.adapters.memory.cloud import ADVANCE, EVENTS, TASKS, TIMERS
from attune.adapters.memory.dead_letter_store import MemoryDeadLetterStore
from attune.adapters.memory.queues import Death, Terms
from attune.exceptions import Conflict
from attune.handlers.dead_letter_handler import DeadLetterHandler
from attune.handlers.redrive import Redriver
from attune.handlers.undelivered import OnEvent

if TYPE_CHECKING:
    from tests.conftest import World

BLOBS = S3BlobStore(None, "")
"""What a scenario sends is too small for the bucket."""
NO_SCHEDULES = Queue(None, "")
"""The timer queue, for what schedules of rules have sent: nothing that dies here is of that kind."""
EVENT_QUEUE = "arn:aws:sqs:eu-central-1:123456789012:events"
_BODIES: dict[Terms, Callable[[Any, float], str]] = {
    ADVANCE: lambda envelope, now: envelope_to_body(envelope, BLOBS),
    TASKS: lambda message, now: task_to_body(message, BLOBS),
    TIMERS: lambda envelope, now: timer_to_body(TimerDue(envelope, now)),
    EVENTS: lambda event, now: to_text({"requestPayload": event}),
}
"""What lies on the dead-letter queue of each."""


class Operator:
    """Has ``on_dead`` write down what dies, as the deployed one does, and redrives it when nothing else moves."""

    def __init__(self, world: World) -> None:
        cloud, clock = world.cloud, world.clock
        self._cloud, self._clock, self._dead_letter_store = cloud, clock, MemoryDeadLetterStore()
        self._dead_letter_handler = DeadLetterHandler(world.dead_letters, self._dead_letter_store, BLOBS, EVENT_QUEUE)
        self._redriver = Redriver(
            dead_letter_store=self._dead_letter_store,
            store=world.store,
            mailbox=cloud,
            tasks=cloud,
            timers=NO_SCHEDULES,
            on_event=OnEvent(self, "on_event"),
            blobs=BLOBS,
            clock=clock,
        )
        cloud.on_dead = self._write_down

    def _write_down(self, number: str, dead: Death[Any]) -> None:
        """It comes as SQS hands it to ``on_dead``."""
        now = self._clock.now()
        attributes = {"SentTimestamp": str(int(now * 1000))}
        if dead.terms is ADVANCE:
            attributes["MessageGroupId"] = dead.body.execution
        source = EVENT_QUEUE if dead.terms is EVENTS else ""
        record = {"messageId": number, "body": _BODIES[dead.terms](dead.body, now), "attributes": attributes}
        self._dead_letter_handler.deliver({**record, "eventSourceARN": source})

    def redrive(self) -> bool:
        """Redrive all that is written down, drop what nobody waits for; False if there was nothing."""
        dead_letters = self._dead_letter_store.page(1000).dead_letters
        for dead_letter in dead_letters:
            try:
                self._redriver.redrive(dead_letter.id)
            except Conflict:
                self._dead_letter_store.remove(dead_letter.id)
        return bool(dead_letters)

    def invoke(self, Payload: bytes, **_: Any) -> None:  # noqa: N803
        """As Lambda's client has it, for ``on_event``."""
        self._cloud.publish(json.loads(Payload))
