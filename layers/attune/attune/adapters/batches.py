"""Cutting what is to be sent into calls that AWS takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


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
