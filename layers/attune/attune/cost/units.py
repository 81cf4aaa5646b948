"""How AWS turns sizes into what it bills. Sizes are in bytes.

DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html; SQS and
EventBridge: the pricing pages, see ``prices``.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any

KB = 1024
CHUNK = 64 * KB


def write_units(before: int, after: int) -> int:
    """Of a write to one item, by its size before and after (0: there is none); a refused write costs as ``before``."""
    return max(1, ceil(max(before, after) / KB))


def read_units(size: int, *, consistent: bool = True) -> float:
    """Of a read of ``size`` bytes, also of nothing."""
    units = max(1, ceil(size / (4 * KB)))
    return units if consistent else units / 2


def chunks(size: int) -> int:
    """Requests of SQS, or events of EventBridge, that a payload of this size is billed as."""
    return max(1, ceil(size / CHUNK))


def item_size(item: Mapping[str, Mapping[str, Any]] | None) -> int:
    """Of an item as DynamoDB's API has it: names and values, text in UTF-8, a number about half its digits."""
    if not item:
        return 0
    return sum(len(name.encode()) + _value_size(*next(iter(typed.items()))) for name, typed in item.items())


def _value_size(kind: str, value: Any) -> int:
    if kind == "N":
        return ceil(sum(character.isdigit() for character in str(value)) / 2) + 1
    return len(value if isinstance(value, bytes) else str(value).encode())


def index_units(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None, names: tuple[str, str]) -> int:
    """Writes to an index of keys only: an entry that comes, goes, or moves (which is both)."""
    old, new = (_entry(item, names) for item in (before, after))
    if old == new:
        return 0
    return (old is not None) + (new is not None)


def _entry(item: Mapping[str, Any] | None, names: tuple[str, str]) -> tuple[str, ...] | None:
    if not item or not all(name in item for name in names):
        return None
    return tuple(str(item[name]) for name in names)
