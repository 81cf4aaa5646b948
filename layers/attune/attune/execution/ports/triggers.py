"""What makes things start: events and who waits for them, schedules, what sensors remember."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from attune.engine.ids import AttemptId
from attune.model.rule import Rule

ANY_TYPE = "*"
"""In place of a detail-type: of patterns that name no single one."""


@dataclass(frozen=True, slots=True)
class SensorMemory:
    """What a sensor remembers: digests of the items it has seen, oldest first, and where its last poll ended."""

    seen: tuple[str, ...] = ()
    cursor: Any = None
    version: int = 0


class SensorStore(Protocol):
    """What sensors remember."""

    def load(self, ref: str) -> SensorMemory:
        """Of one sensor, empty before its first poll."""
        ...

    def save(self, ref: str, memory: SensorMemory) -> bool:
        """Save as version ``memory.version + 1`` if the stored version is ``memory.version``; False if refused."""
        ...


class KeptEvents(Protocol):
    """Events that were kept. What was written is read at once."""

    def kept(self, detail_type: str, since: float) -> Iterable[tuple[float, Mapping[str, Any]]]:
        """Pairs of a time (epoch seconds) and an event: the kept events of this type that came since then, in order.

        Events of the very millisecond of ``since`` are included.
        """
        ...


class Events(KeptEvents, Protocol):
    """Who waits for an event, and events kept for those who will. What was written is read at once."""

    def waits(self, detail_type: str) -> Iterable[tuple[str, AttemptId, Mapping[str, Any]]]:
        """The attempts that may wait for an event of this type: execution, attempt and event pattern."""
        ...

    def keep(self, detail_type: str, event: Mapping[str, Any], now: float, seconds: float) -> None:
        """Keep an event that came ``now`` for so many seconds at least."""
        ...


class Schedules(Protocol):
    """The schedules of rules and sensors."""

    def sync(self, pack: str, rules: Sequence[Rule]) -> list[str]:
        """Make the schedules of this pack exactly those that these rules ask for.

        Returns a sentence for each that the scheduler refuses (a time that is past, say); the others are made.
        """
        ...
