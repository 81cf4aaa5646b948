"""How much the services of AWS may disturb the order of things: not at all, or by chance from a seed."""

from __future__ import annotations

from random import Random
from typing import Protocol, TypeVar

T = TypeVar("T")

DUPLICATES = 0.1
"""The part of the messages of a standard queue that are delivered twice."""
LATENCY = 0.5
"""Seconds that a message takes at most until it can be received."""
LATE = 5.0
"""Seconds by which a schedule is late at most."""
INDEX_LAG = 2.0
"""Seconds by which an index of DynamoDB lags behind the table, at most."""


class Order(Protocol):
    """What is left to chance."""

    def deliveries(self) -> list[float]:
        """After how many seconds each copy of a message arrives."""
        ...

    def latency(self) -> float:
        """Seconds until a message of a FIFO queue can be received."""
        ...

    def lateness(self) -> float:
        """Seconds by which a schedule is late."""
        ...

    def lag(self) -> float:
        """Seconds by which an index is behind its table."""
        ...

    def arrange(self, waiting: list[T], most: int) -> tuple[list[T], list[T]]:
        """Which of the waiting messages come in the next batch, in which order, and which are left."""
        ...

    def choose(self, count: int) -> int:
        """A number below ``count``: which of so many warm containers is taken."""
        ...


class Calm:
    """Everything at once, in order, and once."""

    def deliveries(self) -> list[float]:
        """See the protocol."""
        return [0.0]

    def latency(self) -> float:
        """See the protocol."""
        return 0.0

    lateness = lag = latency

    def arrange(self, waiting: list[T], most: int) -> tuple[list[T], list[T]]:
        """See the protocol."""
        return waiting[:most], waiting[most:]

    def choose(self, count: int) -> int:  # noqa: ARG002
        """The one that has waited longest: one after the other."""
        return 0


class Disorder:
    """Duplicates, other orders, small batches, delays: the same ones for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)  # noqa: S311 - chance that can be repeated is what this is for

    def deliveries(self) -> list[float]:
        """See the protocol."""
        copies = 2 if self._random.random() < DUPLICATES else 1
        return [self._random.uniform(0, LATENCY) for _ in range(copies)]

    def latency(self) -> float:
        """See the protocol."""
        return self._random.choice((0.0, self._random.uniform(0, LATENCY)))

    def lateness(self) -> float:
        """See the protocol."""
        return self._random.uniform(0, LATE)

    def lag(self) -> float:
        """See the protocol."""
        return self._random.uniform(0, INDEX_LAG)

    def arrange(self, waiting: list[T], most: int) -> tuple[list[T], list[T]]:
        """See the protocol."""
        mixed = self._random.sample(waiting, len(waiting))
        size = self._random.randint(1, most)
        return mixed[:size], mixed[size:]

    def choose(self, count: int) -> int:
        """See the protocol."""
        return self._random.randrange(count)
