"""The time."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """The time, real or virtual."""

    def now(self) -> float:
        """Epoch seconds."""
        ...
