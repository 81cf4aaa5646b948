"""Lengths of time in words, for sentences."""

from __future__ import annotations

_UNITS = ((86_400, "days"), (3600, "h"), (60, "min"))


def span(seconds: float) -> str:
    """Rounded to one unit, of which there are at least two: ``90 s``, ``12 min``, ``3 h``, ``2 days``."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
