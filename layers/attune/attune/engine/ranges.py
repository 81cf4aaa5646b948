"""Sets of whole numbers as short lists of ranges, for state that must stay small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence


def compress(numbers: Iterable[int]) -> list[list[int]]:
    """``{1, 2, 3, 7}`` → ``[[1, 3], [7, 7]]``."""
    ranges: list[list[int]] = []
    for number in sorted(numbers):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


def expand(ranges: Iterable[Sequence[int]]) -> Iterator[int]:
    """Inverse of :func:`compress`."""
    for first, last in ranges:
        yield from range(first, last + 1)
