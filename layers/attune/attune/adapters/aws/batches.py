"""Cutting what is to be sent into calls that AWS takes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

SIDE_BY_SIDE = 8
"""Calls that :func:`side_by_side` makes at the same time (botocore keeps ten connections to a service)."""


@dataclass(frozen=True, slots=True)
class Parcel(Generic[T]):
    """A thing to send, and its size in bytes."""

    content: T
    size: int = 0


def pack(parcels: Iterable[Parcel[T]], count: int, size: int | None = None) -> Iterator[list[T]]:
    """Batches, in order, of at most ``count`` parcels and ``size`` bytes; a larger parcel travels alone."""
    batch: list[T] = []
    filled = 0
    for parcel in parcels:
        full = len(batch) >= count or (size is not None and filled + parcel.size > size)
        if batch and full:
            yield batch
            batch, filled = [], 0
        batch.append(parcel.content)
        filled += parcel.size
    if batch:
        yield batch


def chunks(things: Iterable[T], count: int) -> Iterator[list[T]]:
    """Lists of at most ``count`` things, in order."""
    return pack((Parcel(thing) for thing in things), count)


def side_by_side(
    work: Callable[[T], object], things: Iterable[T], count: int, out_of_time: Callable[[], bool]
) -> T | None:
    """Do the work for all things, ``count`` at a time; after each ``count``, stop if it is ``out_of_time``.

    Returns None if all are done. Else the thing up to which, in order, all are done. Raises what the work raises.
    """
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        for part in chunks(things, count):
            for _ in pool.map(work, part):
                pass
            if out_of_time():
                return part[-1]
    return None
