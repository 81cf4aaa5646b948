"""Timers: implements :class:`attune.execution.ports.queues.Timers`, and says what lies on the timer queue.

* ``{"execution", "message", "due"}``: post this message at ``due`` (epoch seconds);
* ``{"rule", "time"}``: the schedule of this rule fired, see ``schedules``.

Up to 15 minutes are a delayed message; more is a one-time schedule of EventBridge Scheduler that sends the same
message to the same queue. ``on_timer`` reads it, and delays again what came early (:meth:`AwsTimers.post`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import ceil
from typing import Any

from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.scheduler import Scheduler
from attune.adapters.aws.sqs import MAX_DELAY, Queue, addressed, parse, whole_delay
from attune.engine.effects import SetTimer
from attune.engine.ids import dedup_id
from attune.engine.messages import TimerFired
from attune.engine.wire import decode, encode
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.queues import Envelope

SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"
"""EventBridge Scheduler puts the time in its place; an emulator may leave it as it is."""


@dataclass(frozen=True, slots=True)
class TimerDue:
    """Post ``envelope`` at ``due`` (epoch seconds)."""

    envelope: Envelope
    due: float


@dataclass(frozen=True, slots=True)
class ScheduleFired:
    """A rule's schedule fired for ``time`` (ISO 8601; empty where the scheduler doesn't say)."""

    rule: str
    time: str


def timer_to_body(timer: TimerDue) -> str:
    """What goes onto the timer queue."""
    envelope = timer.envelope
    return to_text({"execution": envelope.execution, "message": encode(envelope.message), "due": timer.due})


def body_to_timer(body: str, blobs: BlobStore) -> TimerDue | ScheduleFired:
    """What a message of the timer queue asks for; raises InvalidRequest."""
    return parse(body, blobs, _read)


def _read(data: Mapping[str, Any]) -> TimerDue | ScheduleFired:
    if "rule" in data:
        time = str(data["time"])
        return ScheduleFired(str(data["rule"]), "" if time == SCHEDULED_TIME else time)
    return TimerDue(addressed(data["execution"], decode(data["message"])), float(data["due"]))


class AwsTimers:
    """Sets timers; setting one twice is harmless, it may then fire twice."""

    def __init__(self, queue: Queue, scheduler: Scheduler) -> None:
        self._queue, self._scheduler = queue, scheduler

    def set(self, execution: str, timers: Sequence[SetTimer], now: float) -> None:
        """See the port."""
        self.post(
            (
                TimerDue(Envelope(execution, TimerFired(timer.kind, timer.attempt, timer.resend_id)), timer.due)
                for timer in timers
            ),
            now,
        )

    def post(self, timers: Iterable[TimerDue], now: float) -> None:
        """Put these onto the timer queue when they are due, or as late before that as can be."""
        soon: list[TimerDue] = []
        for timer in timers:
            if timer.due - now <= MAX_DELAY:
                soon.append(timer)
            else:
                self._scheduler.create(
                    _name(timer), _at(timer.due), timer_to_body(timer), ActionAfterCompletion="DELETE"
                )
        self._queue.send(
            {"MessageBody": timer_to_body(timer), "DelaySeconds": whole_delay(timer.due - now)} for timer in soon
        )


def _name(timer: TimerDue) -> str:
    """The same for the same timer; 64 characters at most (Scheduler's limit), these are 53."""
    return f"attune-timer-{dedup_id(timer.envelope.execution, timer.envelope.message.dedup)}"


def _at(due: float) -> str:
    """A one-time expression in UTC; Scheduler knows whole seconds, so this rounds up."""
    return f"at({datetime.fromtimestamp(ceil(due), UTC):%Y-%m-%dT%H:%M:%S})"
