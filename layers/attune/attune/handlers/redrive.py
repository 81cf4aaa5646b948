"""Sending dead letters again, under fresh ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from attune.adapters.aws.blobs import Payloads
from attune.adapters.aws.sqs import Queue, body_to_letter, body_to_task
from attune.adapters.aws.timers import ScheduleFired, body_to_timer
from attune.engine.facts import record_key
from attune.engine.messages import Dead, Message
from attune.engine.wire import encode
from attune.exceptions import Conflict
from attune.execution.dead_letters import DeadLetter, DeadLetterBook, Origin
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.queues import Letter, Mailbox, TaskQueue
from attune.handlers.undelivered import OnEvent, event_of


class Redriver:
    """Puts a dead letter back to where it was going, and forgets it."""

    def __init__(
        self,
        book: DeadLetterBook,
        store: ExecutionStore,
        mailbox: Mailbox,
        tasks: TaskQueue,
        timers: Queue,
        on_event: OnEvent,
        payloads: Payloads,
        clock: Clock,
    ) -> None:
        self._book, self._store, self._mailbox, self._tasks = book, store, mailbox, tasks
        self._timers, self._on_event, self._payloads, self._clock = timers, on_event, payloads, clock
        self._ways: dict[Origin, Callable[[DeadLetter, str], None]] = {
            Origin.ADVANCE: self._letter,
            Origin.TASK: self._task,
            Origin.TIMER: self._timer,
            Origin.EVENT: self._event,
        }

    def redrive(self, letter: str) -> DeadLetter:
        """Send it again; returns what was sent.

        Raises:
            NotFound: there is no such dead letter.
            InvalidRequest: nobody can read it.
            Conflict: nobody waits for it any more.

        """
        found = self._book.get(letter)
        self._ways[found.queue](found, f"redrive.{self._clock.now():.3f}")
        self._book.remove(letter)
        return found

    def _letter(self, dead: DeadLetter, generation: str) -> None:
        self._tell(dead.execution, body_to_letter(dead.body, self._payloads).message, generation)

    def _tell(self, execution: str, message: Message, generation: str) -> None:
        state = self._store.load(execution)
        if state is not None and state.status.ended:
            raise _nobody_waits(f"execution '{execution}' has ended ({state.status})")
        plain = message.message if isinstance(message, Dead) else json.loads(json.dumps(encode(message)))
        self._mailbox.post([Letter(execution, Dead(generation, plain))])

    def _task(self, dead: DeadLetter, generation: str) -> None:
        message = body_to_task(dead.body, self._payloads)
        key = record_key(message.attempt)
        record = self._store.facts(message.execution, [key])[key]
        if record is not None:
            raise _nobody_waits(f"attempt {message.attempt} has ended ({record['status']})")
        self._tasks.send([replace(message, salt=generation)])

    def _timer(self, dead: DeadLetter, generation: str) -> None:
        timer = body_to_timer(dead.body, self._payloads)
        if isinstance(timer, ScheduleFired):
            self._timers.send([{"MessageBody": dead.body}])
        else:
            self._tell(timer.letter.execution, timer.letter.message, generation)

    def _event(self, dead: DeadLetter, generation: str) -> None:
        """The same event, with its own id: what was started for it before is not started again."""
        del generation
        self._on_event.deliver(event_of(dead.body))


def _nobody_waits(reason: str) -> Conflict:
    return Conflict(f"nobody waits for this letter any more: {reason}", hint="drop it")
