"""What becomes of messages that nobody could handle: they are told to the execution they belong to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine.messages import Dead
from attune.exceptions import task_error
from attune.execution.ports import Clock, ExecutionStore, Letter, Mailbox, Record, TaskMessage
from attune.execution.reporting import ended_message


class DeadLetters:
    """Consumes the dead-letter queues."""

    def __init__(self, store: ExecutionStore, mailbox: Mailbox, clock: Clock) -> None:
        self._store, self._mailbox, self._clock = store, mailbox, clock

    def letter(self, execution: str, generation: str, message: Mapping[str, Any] | None) -> None:
        """A letter died in an execution's mailbox; ``generation`` (its message id) makes the news of it fresh."""
        poison = None if message is not None else "a message could not be read"
        self._mailbox.post([Letter(execution, Dead(generation, message, poison))])

    def task(self, message: TaskMessage, generation: str) -> None:
        """A task message died: whoever tried to run it is gone."""
        error = task_error("worker_lost", "no worker could finish this attempt", retryable=message.spec.idempotent)
        record = Record("failed", None, error)
        recorded = self._store.finish(message.execution, message.attempt, record, self._clock.now())
        self._mailbox.post([Letter(message.execution, ended_message(message.attempt, recorded, generation))])
