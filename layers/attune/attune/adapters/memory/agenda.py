"""What is to happen when, in virtual time."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from attune.adapters.memory.clock import VirtualClock


class Entry:
    """Something that will happen, unless it is called off."""

    __slots__ = ("action",)

    def __init__(self, action: Callable[[], None]) -> None:
        self.action: Callable[[], None] | None = action

    def call_off(self) -> None:
        """It does not happen, and nobody waits for its time to pass."""
        self.action = None


class Agenda:
    """Things due at the same time happen in the order in which they were put down."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self._due: list[tuple[float, int, Entry]] = []
        self._order = itertools.count()

    def at(self, due: float, action: Callable[[], None]) -> Entry:
        """Have something happen at a time (epoch seconds)."""
        entry = Entry(action)
        heapq.heappush(self._due, (due, next(self._order), entry))
        return entry

    def soon(self, action: Callable[[], None]) -> None:
        """Have something happen now, after what is due now already."""
        self.at(self.clock.now(), action)

    def step(self, until: float | None = None) -> bool:
        """Let the next thing happen; False when nothing is left (to happen before ``until``)."""
        due, action = self._next(until)
        if action is None:
            return False
        self.clock.set(due)
        action()
        return True

    def _next(self, until: float | None) -> tuple[float, Callable[[], None] | None]:
        while self._due:
            due, _, entry = self._due[0]
            if entry.action is not None and until is not None and due > until:
                break
            heapq.heappop(self._due)
            if entry.action is not None:
                return due, entry.action
        return 0.0, None

    def pass_time(self, seconds: float) -> None:
        """Let everything else happen for so long; whoever calls this stands still meanwhile."""
        until = self.clock.now() + seconds
        while self.step(until):
            pass
        self.clock.set(until)
