"""Units times prices."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from attune.cost.prices import PRICES, Meter

Usage = Mapping[Meter, float]
"""Units of each meter; those that are missing are 0."""

BESIDE = frozenset({Meter.LOGS})
"""Billed like the rest, but as much as one wants to know: shown beside the total."""


@dataclass(frozen=True, slots=True)
class Line:
    """So many units, and what they cost in dollars."""

    meter: Meter
    units: float
    dollars: float


def lines(usage: Usage, meters: Iterable[Meter] = Meter) -> list[Line]:
    """What was used, in the order of the meters."""
    return [Line(meter, usage[meter], PRICES[meter].of(usage[meter])) for meter in meters if usage.get(meter)]


def total(usage: Usage) -> float:
    """Dollars for everything but what stands :data:`BESIDE`."""
    return sum(line.dollars for line in lines(usage) if line.meter not in BESIDE)


def per_million(usage: Usage, tasks: int) -> dict[Meter, float]:
    """The usage of a million such tasks."""
    return {meter: units * 1_000_000 / tasks for meter, units in usage.items()}
