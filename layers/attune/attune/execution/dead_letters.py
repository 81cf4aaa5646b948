"""What becomes of messages that nobody could handle: they are written down, and told to their execution."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Protocol

from attune.engine.messages import Dead, Message
from attune.engine.wire import encode
from attune.exceptions import task_error
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import ExecutionStore, Record
from attune.execution.ports.queues import Letter, Mailbox, TaskMessage
from attune.execution.reporting import ended_message

MOST_AGAIN = 5
"""How often the news of a dead letter is sent again when it dies itself; each takes a few minutes to die."""
_AGAIN = "+"


class Origin(StrEnum):
    """The queue that a dead letter came from."""

    ADVANCE = "advance"
    TASK = "task"
    TIMER = "timer"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that died, as it is kept. ``id`` sorts by time; ``body`` is what lay on the queue.

    ``execution`` is empty where nobody can tell. ``reason`` says what died and what has been done about it.
    """

    id: str
    queue: Origin
    at: float
    reason: str
    body: str
    execution: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "queue": str(self.queue)}


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Part of a listing, newest first; ``cursor`` (opaque) continues it, None at its end."""

    letters: Sequence[DeadLetter]
    cursor: str | None = None


class DeadLetterBook(Protocol):
    """Where dead letters are kept for a while."""

    def add(self, letter: DeadLetter) -> None:
        """Write it down; a second time changes nothing."""
        ...

    def page(self, limit: int = 50, cursor: str = "") -> LetterPage:
        """Newest first; raises InvalidRequest for a cursor that is none of ours."""
        ...

    def of(self, execution: str) -> Sequence[DeadLetter]:
        """Those of one execution, newest first."""
        ...

    def get(self, letter: str) -> DeadLetter:
        """One of them; raises NotFound."""
        ...

    def remove(self, letter: str) -> None:
        """Forget it."""
        ...


def news_of(message: Message, generation: str) -> Dead | None:
    """What the execution is told of a letter that died (``generation`` makes the news of it fresh).

    If it was such news itself, that is sent once more; None when that has been done often enough.
    """
    if not isinstance(message, Dead):
        return Dead(generation, encode(message))
    if message.generation.count(_AGAIN) >= MOST_AGAIN:
        return None
    return replace(message, generation=message.generation + _AGAIN)


class DeadLetters:
    """Consumes the dead-letter queues."""

    def __init__(self, store: ExecutionStore, mailbox: Mailbox, clock: Clock) -> None:
        self._store, self._mailbox, self._clock = store, mailbox, clock

    def letter(self, execution: str, dead: Dead) -> None:
        """A letter died in an execution's mailbox, or a timer on its way there."""
        self._mailbox.post([Letter(execution, dead)])

    def task(self, message: TaskMessage, generation: str, why: str = "") -> None:
        """A task message died: whoever tried to run it is gone, or nobody could for the reason ``why``.

        Its input is not looked at.
        """
        said = "no worker could finish this attempt" + (f": {why}" if why else "")
        error = task_error("worker_lost", said, retryable=message.spec.idempotent)
        record = Record("failed", None, error)
        recorded = self._store.finish(message.execution, message.attempt, record, self._clock.now())
        self._mailbox.post([Letter(message.execution, ended_message(message.attempt, recorded, generation))])
