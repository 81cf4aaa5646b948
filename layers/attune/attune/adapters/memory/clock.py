"""Time that passes when it is told to."""

from __future__ import annotations


class VirtualClock:
    """Epoch seconds, moved by the simulator."""

    def __init__(self, start: float = 1_767_225_600.0) -> None:
        self._now = start

    def now(self) -> float:
        """The virtual time."""
        return self._now

    def set(self, now: float) -> None:
        """Jump. The simulator also jumps back: invocations that overlap in virtual time run one after the other."""
        self._now = now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self._now += seconds
