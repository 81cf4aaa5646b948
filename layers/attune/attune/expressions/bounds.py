"""The bounds that values have; without imports, for the hot path."""

from __future__ import annotations

from typing import Any, Final

MAX_BYTES: Final = 50 * 1024 * 1024
"""Bytes of JSON of one value (an input, a result, all variables) at most, every character beyond ASCII escaped, which
is how it is stored: 6 bytes for one of the usual ones, 12 for an emoji. Workers must hold it in memory."""


def is_wide(value: Any) -> bool:
    """Whether a whole number of more than 64 bits is in it, which no event may hold (API reference of PutEvents)."""
    if isinstance(value, dict):
        return any(map(is_wide, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_wide, value))
    return isinstance(value, int) and not -(2**63) <= value < 2**63
