"""The bound that every value has, wherever it comes from; without imports, for the hot path."""

from __future__ import annotations

from typing import Final

MAX_BYTES: Final = 50 * 1024 * 1024
"""Bytes of JSON of one value (an input, a result, all variables) at most, every character beyond ASCII escaped, which
is how it is stored: 6 bytes for one of the usual ones, 12 for an emoji. Workers must hold it in memory."""
