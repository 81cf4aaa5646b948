"""A small cache for items that never change: a warm function reads each of them once."""

from __future__ import annotations

from collections import OrderedDict
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class BoundedCache(Generic[K, V]):
    """Holds entries up to a total size of ``limit`` (bytes, or any other unit); the least recently used go first."""

    def __init__(self, limit: int) -> None:
        self._limit, self._size = limit, 0
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()

    def get(self, key: K) -> V | None:
        """The value, None if it is not (or no longer) here."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, size: int = 1) -> None:
        """Remember; what is larger than the whole memory is not."""
        if size > self._limit:
            return
        _, before = self._entries.pop(key, (None, 0))
        self._entries[key] = (value, size)
        self._size += size - before
        while self._size > self._limit:
            _, (_, freed) = self._entries.popitem(last=False)
            self._size -= freed
