"""The two kinds of SQS queues, each with a function that works its messages off.

At least once, in batches; hidden while in hand; back when that time is over, unless they were deleted; dead when
they were received too often. A FIFO queue keeps the order within a group, drops copies for five minutes, and holds
a group back while some of it are in hand.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from attune.adapters.memory.agenda import Agenda, Entry
from attune.adapters.memory.disorder import Order

DEDUPLICATION = 300.0
"""Seconds for which a FIFO queue remembers a deduplication id (an SQS fact)."""
BATCH = 10
"""Messages that one invocation is given at most (an SQS fact)."""

T = TypeVar("T")


class Crash(BaseException):
    """The process is gone; nobody catches this but the service that invoked it."""


@dataclass(frozen=True, slots=True)
class Terms:
    """``visibility``: seconds after which a message whose handler died is seen again; ``receives``: after so many
    it goes to the dead letters; ``name`` is the function that works it off.
    """

    name: str
    visibility: float
    receives: int


@dataclass(frozen=True, slots=True)
class Death(Generic[T]):
    """A message that was received too often; ``terms`` are those of its queue."""

    terms: Terms
    body: T


@dataclass(eq=False, slots=True)
class Message(Generic[T]):
    """A message on a queue."""

    body: T
    sequence: str = ""
    receives: int = 0


@dataclass(eq=False, slots=True)
class InFlight:
    """A batch in the hands of an invocation; ``again`` has the service deliver it once more."""

    terms: Terms
    again: Callable[[], None]
    returns: Entry
    undeleted: bool = False
    """The delete gets lost."""


@dataclass(slots=True)
class Ground:
    """What all queues of a cloud stand on; ``running`` are the deliveries being worked off now, innermost last."""

    agenda: Agenda
    order: Order
    running: list[InFlight] = field(default_factory=list)


class Queue(ABC, Generic[T]):
    """What both kinds have in common. ``handle`` is given bodies and returns the positions of those that failed."""

    def __init__(self, ground: Ground, terms: Terms, on_dead: Callable[[Death[T]], object]) -> None:
        self._ground, self.terms, self._on_dead = ground, terms, on_dead
        self._hidden: dict[InFlight, list[Message[T]]] = {}

    def _die(self, message: Message[T]) -> None:
        self._on_dead(Death(self.terms, message.body))

    @abstractmethod
    def waiting(self) -> list[T]:
        """What lies on the queue, in hand or not."""

    @abstractmethod
    def purge(self) -> None:
        """Lose everything, as when somebody purges the queue."""

    @abstractmethod
    def _again(self, delivery: InFlight, batch: list[Message[T]]) -> None:
        """Deliver a batch once more although nobody failed."""

    @abstractmethod
    def _returned(self, batch: list[Message[T]]) -> None:
        """The time of these is over: they can be received again."""

    def _hand_out(self, batch: list[Message[T]], handle: Callable[[], Iterable[int]]) -> list[Message[T]]:
        """Have a batch worked off; returns what has been deleted."""
        agenda, running = self._ground.agenda, self._ground.running
        for message in batch:
            message.receives += 1
        returns = agenda.at(agenda.clock.now() + self.terms.visibility, lambda: self._expire(delivery))
        delivery = InFlight(self.terms, lambda: self._again(delivery, batch), returns)
        self._hidden[delivery] = batch
        running.append(delivery)
        try:
            failed = set(handle())
        except (Exception, Crash):
            failed = set(range(len(batch)))
        finally:
            running.pop()
        return self._delete(delivery, batch, failed)

    def _delete(self, delivery: InFlight, batch: list[Message[T]], failed: set[int]) -> list[Message[T]]:
        """A receipt that has run out deletes nothing."""
        if delivery not in self._hidden or delivery.undeleted:
            return []
        left = [message for position, message in enumerate(batch) if position in failed]
        if left:
            self._hidden[delivery] = left
        else:
            del self._hidden[delivery]
            delivery.returns.call_off()
        return [message for position, message in enumerate(batch) if position not in failed]

    def _expire(self, delivery: InFlight) -> None:
        if delivery in self._hidden:
            self._returned(self._hidden.pop(delivery))


class StandardQueue(Queue[T]):
    """At least once, in no order."""

    def __init__(
        self,
        ground: Ground,
        terms: Terms,
        on_dead: Callable[[Death[T]], object],
        handle: Callable[[list[T]], Iterable[int]],
    ) -> None:
        super().__init__(ground, terms, on_dead)
        self._handle = handle
        self._delayed: dict[int, T] = {}
        self._visible: list[Message[T]] = []
        self._ids = itertools.count()

    def send(self, bodies: Iterable[T], delay: float = 0.0) -> None:
        """Put messages onto the queue, visible after ``delay`` seconds."""
        now = self._ground.agenda.clock.now()
        for body in bodies:
            for pause in self._ground.order.deliveries():
                self._delay(body, now + delay + pause)

    def _delay(self, body: T, due: float) -> None:
        number = next(self._ids)
        self._delayed[number] = body
        self._ground.agenda.at(due, lambda: self._appear(number))

    def _appear(self, number: int) -> None:
        if number in self._delayed:
            self._arrive(Message(self._delayed.pop(number)))

    def waiting(self) -> list[T]:
        """See above."""
        hidden = [message.body for batch in self._hidden.values() for message in batch]
        return [*self._delayed.values(), *(message.body for message in self._visible), *hidden]

    def purge(self) -> None:
        """See above."""
        self._delayed.clear()
        self._visible.clear()
        self._hidden.clear()

    def _arrive(self, message: Message[T]) -> None:
        if message.receives >= self.terms.receives:
            self._die(message)
            return
        self._visible.append(message)
        self._ground.agenda.soon(self._poll)

    def _poll(self) -> None:
        batch, self._visible = self._ground.order.arrange(self._visible, BATCH)
        if batch:
            self._hand_out(batch, lambda: self._handle([message.body for message in batch]))

    def _again(self, delivery: InFlight, batch: list[Message[T]]) -> None:
        """A copy comes while the first is being worked off."""
        del delivery
        for message in batch:
            self._arrive(Message(message.body))
        self._ground.agenda.pass_time(0)

    def _returned(self, batch: list[Message[T]]) -> None:
        for message in batch:
            self._arrive(message)


class FifoQueue(Queue[T]):
    """In order within a group, each deduplication id once in five minutes. ``handle`` is given a group and its
    messages, and returns how many of them are done.
    """

    def __init__(
        self,
        ground: Ground,
        terms: Terms,
        on_dead: Callable[[Death[T]], object],
        handle: Callable[[str, Sequence[Message[T]]], int],
        *,
        group_of: Callable[[T], str],
    ) -> None:
        super().__init__(ground, terms, on_dead)
        self._handle, self._group_of = handle, group_of
        self._boxes: dict[str, list[Message[T]]] = {}
        self._blocked: set[str] = set()
        self._seen: dict[tuple[str, str], float] = {}
        self._sequence = itertools.count(1)
        self._purges = 0

    def send(self, body: T, dedup: str) -> None:
        """Put a message onto the queue, unless one with this id came in the last five minutes."""
        now, key = self._ground.agenda.clock.now(), (self._group_of(body), dedup)
        if now - self._seen.get(key, -DEDUPLICATION) < DEDUPLICATION:
            return
        self._seen[key] = now
        purges = self._purges
        self._ground.agenda.at(now, lambda: self._arrive(body, purges))

    def waiting(self) -> list[T]:
        """See above."""
        return [message.body for box in self._boxes.values() for message in box]

    def purge(self) -> None:
        """See above. The ids stay known."""
        self._boxes.clear()
        self._hidden.clear()
        self._blocked.clear()
        self._purges += 1

    def _arrive(self, body: T, purges: int) -> None:
        if purges < self._purges:
            return
        group = self._group_of(body)
        self._boxes.setdefault(group, []).append(Message(body, f"{next(self._sequence):020d}"))
        self._offer(group)

    def _offer(self, group: str) -> None:
        agenda = self._ground.agenda
        agenda.at(agenda.clock.now() + self._ground.order.latency(), lambda: self._deliver(group))

    def _deliver(self, group: str) -> None:
        """One batch of one group; what failed holds the group back until its time is over."""
        box = self._boxes.get(group, [])
        if group in self._blocked:
            return
        while box and box[0].receives >= self.terms.receives:
            self._die(box.pop(0))
        batch = box[:BATCH]
        if not batch:
            return
        self._blocked.add(group)
        deleted = self._hand_out(batch, lambda: range(self._handle(group, batch), len(batch)))
        del box[: len(deleted)]
        if len(deleted) == len(batch):
            self._blocked.discard(group)
            if box:
                self._offer(group)

    def _again(self, delivery: InFlight, batch: list[Message[T]]) -> None:
        """While it is in hand nothing of the group is delivered; but if its delete gets lost it comes back."""
        del batch
        delivery.undeleted = True

    def _returned(self, batch: list[Message[T]]) -> None:
        group = self._group_of(batch[0].body)
        self._blocked.discard(group)
        self._offer(group)
