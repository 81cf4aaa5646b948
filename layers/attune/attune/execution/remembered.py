"""What is read from the catalog anew every so often, because a warm function would otherwise never see a change."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from attune.execution.ports.clock import Clock

T = TypeVar("T")

REMEMBER = 30.0
"""Seconds for which what was registered is not read again."""


class Remembered(Generic[T]):
    """Calls ``read`` when it is first asked, and again when what it knows is older than ``seconds``."""

    def __init__(self, read: Callable[[], T], clock: Clock, seconds: float = REMEMBER) -> None:
        self._read, self._clock, self._seconds = read, clock, seconds
        self._known: tuple[float, T] | None = None

    def __call__(self) -> T:
        """What was read last; raises what ``read`` raises."""
        now = self._clock.now()
        if self._known is None or now - self._known[0] > self._seconds:
            self._known = now, self._read()
        return self._known[1]
