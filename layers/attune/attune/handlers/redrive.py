"""Sending dead letters again, under fresh ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from attune.adapters.aws.sqs import Queue, body_to_envelope, body_to_task
from attune.adapters.aws.timers import ScheduleFired, body_to_timer
from attune.engine.facts import RecordFact
from attune.engine.messages import Dead, Message
from attune.engine.wire import encode
from attune.exceptions import Conflict
from attune.execution.kept_dead_letters import DeadLetterRow, row_of
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.clock import Clock
from attune.execution.ports.dead_letters import DeadLetter, DeadLetterStore, Origin
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.queues import Envelope, Mailbox, TaskQueue
from attune.handlers.undelivered import OnEvent, event_of


class Redriver:
    """Puts a dead letter back to where it was going, and forgets it."""

    def __init__(
        self,
        *,
        dead_letter_store: DeadLetterStore,
        store: ExecutionStore,
        mailbox: Mailbox,
        tasks: TaskQueue,
        timers: Queue,
        on_event: OnEvent,
        blobs: BlobStore,
        clock: Clock,
    ) -> None:
        self._dead_letter_store, self._store, self._mailbox, self._tasks = dead_letter_store, store, mailbox, tasks
        self._timers, self._on_event, self._blobs, self._clock = timers, on_event, blobs, clock
        self._ways: dict[Origin, Callable[[DeadLetter, str], None]] = {
            Origin.ADVANCE: self._envelope,
            Origin.TASK: self._task,
            Origin.TIMER: self._timer,
            Origin.EVENT: self._event,
        }

    def redrive(self, dead_letter: str) -> DeadLetterRow:
        """Send it again; returns what was sent.

        Raises:
            NotFound: there is no such dead letter.
            InvalidRequest: nobody can read it.
            Conflict: nobody waits for it any more.

        """
        found = self._dead_letter_store.get(dead_letter)
        self._ways[found.queue](found, f"redrive.{self._clock.now():.3f}")
        self._dead_letter_store.remove(dead_letter)
        return row_of(found)

    def _envelope(self, dead: DeadLetter, request_id: str) -> None:
        self._tell(dead.execution, body_to_envelope(dead.body, self._blobs).message, request_id)

    def _tell(self, execution: str, message: Message, request_id: str) -> None:
        state = self._store.load(execution)
        if state is not None and state.status.ended:
            raise _nobody_waits(f"execution '{execution}' has ended ({state.status})")
        plain = message.message if isinstance(message, Dead) else json.loads(json.dumps(encode(message)))
        self._mailbox.post([Envelope(execution, Dead(request_id, plain))])

    def _task(self, dead: DeadLetter, request_id: str) -> None:
        message = body_to_task(dead.body, self._blobs)
        fact = RecordFact(message.attempt)
        record = self._store.facts(message.execution, [fact])[fact]
        if record is not None:
            raise _nobody_waits(f"attempt {message.attempt} has ended ({record['status']})")
        self._tasks.send([replace(message, resend_id=request_id)])

    def _timer(self, dead: DeadLetter, request_id: str) -> None:
        timer = body_to_timer(dead.body, self._blobs)
        if isinstance(timer, ScheduleFired):
            self._timers.send([{"MessageBody": dead.body}])
        else:
            self._tell(timer.envelope.execution, timer.envelope.message, request_id)

    def _event(self, dead: DeadLetter, request_id: str) -> None:
        """The same event, with its own id: what was started for it before is not started again."""
        del request_id
        self._on_event.deliver(event_of(dead.body))


def _nobody_waits(reason: str) -> Conflict:
    return Conflict(f"nobody waits for this dead letter any more: {reason}", hint="drop it")
