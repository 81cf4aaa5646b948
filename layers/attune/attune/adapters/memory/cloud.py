"""The queues, timers and bus of a small cloud in memory, with the habits of the real ones.

At least once, FIFO with deduplication per execution, visibility timeouts, redrive to a dead-letter list: what the
protocol has to live with on AWS it has to live with here.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attune.adapters.memory.clock import VirtualClock
from attune.engine.effects import Announce, SetTimer
from attune.engine.messages import TimerFired, decode, encode
from attune.engine.state import State
from attune.execution.ports import Letter, Received, TaskMessage

DEDUPLICATION = 300.0
"""Seconds for which a FIFO queue remembers a deduplication id (an SQS fact)."""
VISIBILITY = 60.0
"""Seconds after which a message whose handler died is seen again."""
MAX_RECEIVES = 5
"""Receives after which a message goes to the dead letters."""
BATCH = 10
"""Messages that one invocation is given at most (an SQS fact)."""


@dataclass(slots=True)
class _Queued:
    letter: Letter
    sequence: str
    receives: int = 0


@dataclass(slots=True)
class MemoryCloud:
    """Implements the ports Mailbox, TaskQueue, Timers and EventBus; :meth:`step` delivers the next thing due."""

    clock: VirtualClock
    on_letters: Callable[[str, Sequence[Received]], int] = lambda execution, letters: len(letters)
    on_tasks: Callable[[list[TaskMessage]], list[int]] = lambda batch: []
    events: list[tuple[float, State, Announce]] = field(default_factory=list)
    emitted: list[Mapping[str, Any]] = field(default_factory=list)
    dead_letters: list[Letter] = field(default_factory=list)
    dead_tasks: list[TaskMessage] = field(default_factory=list)
    _due: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: itertools.count[int] = field(default_factory=itertools.count)
    _boxes: dict[str, list[_Queued]] = field(default_factory=dict)
    _seen: dict[tuple[str, str], float] = field(default_factory=dict)
    _tasks: list[tuple[TaskMessage, int]] = field(default_factory=list)

    def at(self, due: float, action: Callable[[], None]) -> None:
        """Have something happen at a time."""
        heapq.heappush(self._due, (due, next(self._order), action))

    def step(self, until: float | None = None) -> bool:
        """Let the next thing happen; False when nothing is left (to happen before ``until``)."""
        if not self._due or (until is not None and self._due[0][0] > until):
            return False
        due, _, action = heapq.heappop(self._due)
        self.clock.set(due)
        action()
        return True

    def post(self, letters: Sequence[Letter]) -> None:
        """See the port Mailbox."""
        now = self.clock.now()
        for letter in letters:
            key = (letter.execution, letter.message.dedup)
            if now - self._seen.get(key, -DEDUPLICATION) < DEDUPLICATION:
                continue
            self._seen[key] = now
            copy = Letter(letter.execution, decode(encode(letter.message)))
            self.at(now, lambda copy=copy: self._arrive(copy))  # type: ignore[misc]

    def _arrive(self, letter: Letter) -> None:
        box = self._boxes.setdefault(letter.execution, [])
        box.append(_Queued(letter, f"{next(self._order):020d}"))
        self.at(self.clock.now(), lambda: self._deliver(letter.execution))

    def _deliver(self, execution: str) -> None:
        """One batch of one execution, in order; a failure makes the same batch come again."""
        box = self._boxes.get(execution, [])
        while box and box[0].receives >= MAX_RECEIVES:
            self.dead_letters.append(box.pop(0).letter)
        batch = box[:BATCH]
        if not batch:
            return
        for queued in batch:
            queued.receives += 1
        try:
            done = self.on_letters(execution, [Received(q.sequence, q.letter.message) for q in batch])
        except Exception:
            done = 0
        del box[:done]
        if box:
            wait = VISIBILITY if done < len(batch) else 0
            self.at(self.clock.now() + wait, lambda: self._deliver(execution))

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """See the port TaskQueue."""
        for message in messages:
            self._enqueue(message, 0, self.clock.now())

    def send_later(self, message: TaskMessage, delay: float) -> None:
        """See the port TaskQueue."""
        self._enqueue(message, 0, self.clock.now() + delay)

    def _enqueue(self, message: TaskMessage, receives: int, due: float) -> None:
        def arrive() -> None:
            self._tasks.append((message, receives))
            self.at(self.clock.now(), self._work)

        self.at(due, arrive)

    def _work(self) -> None:
        batch, self._tasks = self._tasks[:BATCH], self._tasks[BATCH:]
        if not batch:
            return
        now = self.clock.now()
        try:
            failed = self.on_tasks([message for message, _ in batch])
        except Exception:
            failed = list(range(len(batch)))
        for position in failed:
            message, receives = batch[position]
            if receives + 1 >= MAX_RECEIVES:
                self.dead_tasks.append(message)
            else:
                self._enqueue(message, receives + 1, now + VISIBILITY)

    def set(self, execution: str, timers: Sequence[SetTimer], now: float) -> None:
        """See the port Timers."""
        for timer in timers:
            letter = Letter(execution, TimerFired(timer.kind, timer.attempt, timer.salt))
            self.at(max(timer.due, now), lambda letter=letter: self.post([letter]))  # type: ignore[misc]

    def announce(self, state: State, announcements: Sequence[Announce]) -> None:
        """See the port EventBus."""
        self.events += [(self.clock.now(), state, announcement) for announcement in announcements]

    def emit(self, events: Sequence[Mapping[str, Any]]) -> None:
        """See the port EventBus."""
        self.emitted += events
