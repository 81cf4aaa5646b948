"""What is sent, and by which way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from attune.engine.effects import Announce, RunTask, SetTimer
from attune.engine.ids import AttemptId
from attune.engine.messages import Message
from attune.engine.state import State
from attune.model.action import ActionSpec


@dataclass(frozen=True, slots=True)
class Envelope:
    """A message for an execution's mailbox."""

    execution: str
    message: Message


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message as it came: ``sequence`` is the FIFO queue's SequenceNumber (20 digits, growing per execution)."""

    sequence: str
    message: Message


class Mailbox(Protocol):
    """The advance queue: FIFO per execution, deduplicated by ``message.dedup`` for five minutes."""

    def post(self, envelopes: Sequence[Envelope]) -> None:
        """Returns when all have been accepted. The messages of one call stand for independent things: they go in as
        few requests as can be, and one that has to be sent again comes after the others.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskMessage:
    """One attempt on the task queue, with all that a worker needs to run it (but no secret).

    ``sealed`` is what it renders itself, because secrets are named there: see :mod:`attune.engine.sealing`.
    """

    execution: str
    workflow: str
    attempt: AttemptId
    spec: ActionSpec
    input: Mapping[str, Any]
    timeout: float | None = None
    resend_id: str = ""
    sealed: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, state: State, effect: RunTask) -> TaskMessage:
        """What this effect of this execution puts on the queue."""
        return cls(
            execution=state.execution,
            workflow=state.workflow,
            attempt=effect.attempt,
            spec=effect.spec,
            input=effect.input,
            timeout=effect.timeout,
            resend_id=effect.resend_id,
            sealed=effect.sealed,
        )


class TaskQueue(Protocol):
    """The task queue: at least once, in no order."""

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """Returns when all have been accepted."""
        ...

    def send_later(self, message: TaskMessage, delay: float) -> None:
        """Like :meth:`send`, visible after ``delay`` seconds (900 at most, an SQS limit)."""
        ...


class Timers(Protocol):
    """Things to be posted to a mailbox at a time."""

    def set(self, execution: str, timers: Sequence[SetTimer], now: float) -> None:
        """Each will post its ``TimerFired`` at its ``due``, or soon after, at least once."""
        ...


class EventBus(Protocol):
    """Where executions announce what became of them."""

    def announce(self, state: State, announcements: Sequence[Announce]) -> None:
        """Puts an event on the bus for each."""
        ...

    def emit(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Puts these on the bus: ``{source, detail-type, detail}``, each of at most 256 KB.

        Raises InvalidRequest for those that the bus will never take, when the others are on it.
        """
        ...
