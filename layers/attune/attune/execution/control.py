"""Telling an execution from outside to stop, to wait or to go on: what may be told to which, and how it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from attune.engine.messages import Cancel, Message, Pause, Resume
from attune.exceptions import Conflict
from attune.execution.ports.clock import Clock
from attune.execution.ports.queues import Envelope, Mailbox
from attune.execution.queries import Reader
from attune.model.status import ExecutionStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class Controlled:
    """The execution that was told, and its status before it hears of it."""

    id: str
    status: ExecutionStatus


class Control:
    """Posts what somebody wants of an execution. Returning means that it will be told, not that it was.

    Every method raises NotFound if there is no such execution, and Conflict if it has ended: nothing that has ended
    can be told anything any more.
    """

    def __init__(self, reader: Reader, mailbox: Mailbox, clock: Clock) -> None:
        self._reader, self._mailbox, self._clock = reader, mailbox, clock

    def cancel(self, execution: str, *, reason: str = "") -> Controlled:
        """Have it end."""
        return self._tell(execution, lambda request_id: Cancel(reason, request_id))

    def pause(self, execution: str, *, reason: str = "", by: str = "") -> Controlled:
        """Have it begin nothing new until it is resumed; ``by`` is who asks."""
        return self._tell(execution, lambda request_id: Pause(reason, request_id, by))

    def resume(self, execution: str, *, by: str = "") -> Controlled:
        """Have it go on after a pause; ``by`` is who asks."""
        return self._tell(execution, lambda request_id: Resume(request_id, by))

    def _tell(self, execution: str, message: Callable[[str], Message]) -> Controlled:
        """Every request has an id of its own: asking twice is two messages."""
        status = self._reader.status(execution)
        if status.ended:
            raise Conflict(f"execution '{execution}' has ended ({status})", execution_id=execution, status=str(status))
        self._mailbox.post([Envelope(execution, message(f"api.{self._clock.now():.6f}"))])
        return Controlled(id=execution, status=status)
