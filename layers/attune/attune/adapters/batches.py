"""Cutting what is to be sent into calls that AWS takes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Parcel(Generic[T]):
    """A thing to send, its size in bytes, and what may be in a call only once (None: nothing)."""

    content: T
    size: int = 0
    once: Hashable = None


@dataclass(slots=True)
class _Batch(Generic[T]):
    contents: list[T] = field(default_factory=list)
    size: int = 0
    seen: set[Hashable] = field(default_factory=set)

    def add(self, parcel: Parcel[T]) -> None:
        self.contents.append(parcel.content)
        self.size += parcel.size
        if parcel.once is not None:
            self.seen.add(parcel.once)


def pack(parcels: Iterable[Parcel[T]], count: int, size: int | None = None) -> Iterator[list[T]]:
    """Batches, in order, of at most ``count`` parcels and ``size`` bytes; a larger parcel travels alone."""
    batch: _Batch[T] = _Batch()
    for parcel in parcels:
        full = len(batch.contents) >= count or (size is not None and batch.size + parcel.size > size)
        if batch.contents and (full or parcel.once in batch.seen):
            yield batch.contents
            batch = _Batch()
        batch.add(parcel)
    if batch.contents:
        yield batch.contents


def chunks(things: Iterable[T], count: int) -> Iterator[list[T]]:
    """Lists of at most ``count`` things, in order."""
    return pack((Parcel(thing) for thing in things), count)
