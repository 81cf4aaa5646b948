"""What becomes of messages that nobody could handle: they are written down, and told to their execution."""

from __future__ import annotations

from dataclasses import replace

from attune.engine.messages import Dead, Message
from attune.engine.wire import encode
from attune.exceptions import task_error
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import ExecutionStore, Record
from attune.execution.ports.queues import Envelope, Mailbox, TaskMessage
from attune.execution.reporting import ended_message

MOST_AGAIN = 5
"""How often the news of a dead letter is sent again when it dies itself; each takes a few minutes to die."""
_AGAIN = "+"


def news_of(message: Message, request_id: str) -> Dead | None:
    """What the execution is told of a message that died (``request_id`` makes the news of it fresh).

    If it was such news itself, that is sent once more; None when that has been done often enough.
    """
    if not isinstance(message, Dead):
        return Dead(request_id, encode(message))
    if message.request_id.count(_AGAIN) >= MOST_AGAIN:
        return None
    return replace(message, request_id=message.request_id + _AGAIN)


class DeadLetters:
    """Consumes the dead-letter queues."""

    def __init__(self, store: ExecutionStore, mailbox: Mailbox, clock: Clock) -> None:
        self._store, self._mailbox, self._clock = store, mailbox, clock

    def tell(self, execution: str, dead: Dead) -> None:
        """A message of an execution died in its mailbox, or a timer on its way there."""
        self._mailbox.post([Envelope(execution, dead)])

    def task(self, message: TaskMessage, request_id: str, why: str = "") -> None:
        """A task message died: whoever tried to run it is gone, or nobody could for the reason ``why``.

        Its input is not looked at.
        """
        said = "no worker could finish this attempt" + (f": {why}" if why else "")
        error = task_error("worker_lost", said, retryable=message.spec.idempotent)
        record = Record("failed", None, error)
        recorded = self._store.finish(message.execution, message.attempt, record, self._clock.now())
        self._mailbox.post([Envelope(message.execution, ended_message(message.attempt, recorded, request_id))])
