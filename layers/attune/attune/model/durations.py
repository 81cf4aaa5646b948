"""Lengths of time as people write them: ``90``, ``"90"``, ``"5m"``, ``"1h30m"``, ``"24h"``, ``"7d"``."""

from __future__ import annotations

import re
from typing import Any

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])")
LONGEST = 366 * 86400.0
"""A year: as long as an execution may sleep, in seconds."""


def seconds(value: Any) -> float:
    """The length in seconds; raises ValueError for what is no length, negative, or over :data:`LONGEST`."""
    length = _parse(value)
    if length is None:
        raise ValueError(f"{value!r} is not a length of time: use seconds or a form like '90s', '5m', '24h', '1h30m'")
    if not 0 <= length <= LONGEST:
        raise ValueError(f"{value!r} is outside 0 s to 366 d")
    return length


def _parse(value: Any) -> float | None:
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return float(value)
    text = str(value).strip()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in parts)
