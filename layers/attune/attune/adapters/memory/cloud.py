"""The queues, timers and bus of a small cloud in memory, with the habits of the real ones.

At least once, FIFO with deduplication per execution, visibility timeouts, redrive to dead letters: what the protocol
has to live with on AWS it has to live with here. Without a seed nothing goes wrong by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from attune.adapters.memory.agenda import Agenda, Entry
from attune.adapters.memory.clock import VirtualClock
from attune.adapters.memory.disorder import Calm, Order
from attune.adapters.memory.queues import Death, FifoQueue, Ground, InFlight, Message, Queue, StandardQueue, Terms
from attune.engine.effects import Announce, SetTimer
from attune.engine.messages import TimerFired
from attune.engine.state import State
from attune.engine.wire import decode, encode
from attune.execution.ports.queues import Delivery, Envelope, TaskMessage

ADVANCE = Terms("advance", 30.0, 5)
TASKS = Terms("run_task", 900.0, 5)
TIMERS = Terms("on_timer", 60.0, 10)
EVENTS = Terms("on_event", 60.0, 3)
DEAD = Terms("on_dead", 60.0, 1000)
CLIENTS = Terms("client", 1.0, 1000)
"""As template.yaml sets them (a worker has the longest life there is). A client tries again until it is heard.

``on_event`` has no queue of ours: Lambda tries once, and then as often as ``MaximumRetryAttempts`` says.
"""
_TOLD = frozenset({ADVANCE.name, TASKS.name, TIMERS.name, EVENTS.name})
"""Functions whose dead letters wake ``on_dead``."""
MAX_DELAY = 900.0
"""Seconds that a message can be delayed at most (an SQS fact); what is later is a schedule."""


class MemoryCloud:
    """Implements the ports Mailbox, TaskQueue, Timers and EventBus; :meth:`step` delivers the next thing due.

    The functions are ``on_…``: what they raise makes the same messages come again. ``on_tasks`` and ``on_timers``
    return the positions of those that must, ``on_messages`` how many messages need not.
    """

    def __init__(self, clock: VirtualClock, order: Order | None = None) -> None:
        self.clock, self.order = clock, order or Calm()
        self.on_messages: Callable[[str, Sequence[Delivery]], int] = lambda execution, envelopes: len(envelopes)
        self.on_tasks: Callable[[list[TaskMessage]], list[int]] = lambda batch: []
        self.on_timers: Callable[[list[Envelope]], list[int]] = self._post_all
        self.on_event: Callable[[Mapping[str, Any]], object] = lambda event: None
        self.on_dead: Callable[[str, Death[Any]], object] = lambda number, dead: None
        self.events: list[tuple[float, State, Announce]] = []
        self.emitted: list[Mapping[str, Any]] = []
        self.dead: list[Death[Any]] = []
        """What was received too often, of all queues."""
        self._agenda = Agenda(clock)
        self._ground = ground = Ground(self._agenda, self.order)
        self._schedules: dict[tuple[str, str], Entry] = {}
        self._numbers = itertools.count(1)
        self._envelopes = FifoQueue(
            ground, ADVANCE, self._died, self._deliver, group_of=lambda envelope: envelope.execution
        )
        self._tasks = StandardQueue(ground, TASKS, self._died, lambda batch: self.on_tasks(batch))
        self._timers = StandardQueue[Envelope](ground, TIMERS, self._died, lambda batch: self.on_timers(batch))
        self._bus = StandardQueue(ground, EVENTS, self._died, lambda batch: _each(self.on_event, batch))
        self._dead = StandardQueue(ground, DEAD, self._died, self._tell_dead)
        self._clients = StandardQueue(ground, CLIENTS, self._died, lambda batch: _each(_call, batch))

    @property
    def _queues(self) -> Sequence[Queue[Any]]:
        return self._envelopes, self._tasks, self._timers, self._bus, self._dead, self._clients

    @property
    def running(self) -> Sequence[InFlight]:
        """The deliveries that are being worked off, innermost last."""
        return self._ground.running

    def at(self, due: float, action: Callable[[], None]) -> Entry:
        """Have something happen at a time."""
        return self._agenda.at(due, action)

    def step(self, until: float | None = None) -> bool:
        """Let the next thing happen; False when nothing is left (to happen before ``until``)."""
        return self._agenda.step(until)

    def pass_time(self, seconds: float) -> None:
        """Whoever runs now stands still for so long, and everything else goes on."""
        self._agenda.pass_time(seconds)

    def purge(self) -> None:
        """Everything that is on the queues is lost, as when somebody purges them."""
        for queue in self._queues:
            queue.purge()

    def left_over(self) -> list[object]:
        """What lies on the queues, or is to come."""
        return [*(body for queue in self._queues for body in queue.waiting()), *self._schedules]

    def post(self, envelopes: Sequence[Envelope]) -> None:
        """See the port Mailbox."""
        for envelope in envelopes:
            self._envelopes.send(Envelope(envelope.execution, decode(encode(envelope.message))), envelope.message.dedup)

    def _deliver(self, execution: str, batch: Sequence[Message[Envelope]]) -> int:
        return self.on_messages(execution, [Delivery(message.sequence, message.body.message) for message in batch])

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """See the port TaskQueue."""
        self._tasks.send(messages)

    def send_later(self, message: TaskMessage, delay: float) -> None:
        """See the port TaskQueue."""
        self._tasks.send([message], delay)

    def set(self, execution: str, timers: Sequence[SetTimer], now: float) -> None:
        """See the port Timers."""
        for timer in timers:
            envelope = Envelope(execution, TimerFired(timer.kind, timer.attempt, timer.resend_id))
            if timer.due - now <= MAX_DELAY:
                self._timers.send([envelope], max(timer.due - now, 0.0))
            else:
                self._schedule(envelope, timer.due)

    def _schedule(self, envelope: Envelope, due: float) -> None:
        """One schedule of a name; it is gone when it has fired."""
        name = (envelope.execution, envelope.message.dedup)

        def fire() -> None:
            del self._schedules[name]
            self._timers.send([envelope])

        if name not in self._schedules:
            self._schedules[name] = self.at(due + self.order.lateness(), fire)

    def _post_all(self, envelopes: list[Envelope]) -> list[int]:
        self.post(envelopes)
        return []

    def announce(self, state: State, announcements: Sequence[Announce]) -> None:
        """See the port EventBus."""
        self.events += [(self.clock.now(), state, announcement) for announcement in announcements]

    def emit(self, events: Sequence[Mapping[str, Any]]) -> None:
        """See the port EventBus."""
        self.emitted += events

    def publish(self, event: Mapping[str, Any]) -> None:
        """Somebody else puts an event on the bus; ``on_event`` is tried three times."""
        self._bus.send([event])

    def request(self, action: Callable[[], None]) -> None:
        """A client asks for something, again and again until it is done."""
        self._clients.send([action])

    def _died(self, dead: Death[Any]) -> None:
        self.dead.append(dead)
        if dead.terms.name in _TOLD:
            self._dead.send([dead])

    def _tell_dead(self, batch: list[Death[Any]]) -> list[int]:
        return _each(lambda dead: self.on_dead(f"dead-{next(self._numbers)}", dead), batch)


def _call(action: Callable[[], None]) -> None:
    action()


def _each(handle: Callable[[Any], object], batch: Iterable[Any]) -> list[int]:
    """Handle one after the other; returns the positions of those that failed."""
    failed = []
    for position, body in enumerate(batch):
        try:
            handle(body)
        except Exception:
            failed.append(position)
    return failed
