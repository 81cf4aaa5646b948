"""Messages that nobody could handle, kept for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Protocol


class Origin(StrEnum):
    """The queue that a dead letter came from."""

    ADVANCE = "advance"
    TASK = "task"
    TIMER = "timer"
    EVENT = "event"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A message that died, as it is kept. ``id`` sorts by time; ``body`` is what lay on the queue.

    ``execution`` is empty where nobody can tell. ``reason`` says what died and what has been done about it.
    """

    id: str
    queue: Origin
    at: float
    reason: str
    body: str
    execution: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "queue": str(self.queue)}


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """Part of a listing, newest first; ``cursor`` (opaque) continues it, None at its end."""

    dead_letters: Sequence[DeadLetter]
    cursor: str | None = None


class DeadLetterStore(Protocol):
    """Where dead letters are kept for a while."""

    def add(self, dead_letter: DeadLetter) -> None:
        """Write it down; a second time changes nothing."""
        ...

    def page(self, limit: int = 50, cursor: str = "") -> DeadLetterPage:
        """Newest first; raises InvalidRequest for a cursor that is none of ours."""
        ...

    def of(self, execution: str) -> Sequence[DeadLetter]:
        """Those of one execution, newest first."""
        ...

    def get(self, dead_letter: str) -> DeadLetter:
        """One of them; raises NotFound."""
        ...

    def remove(self, dead_letter: str) -> None:
        """Forget it."""
        ...
