"""What readers and use cases answer, and how it becomes JSON.

An answer is a frozen dataclass: its fields are the keys, in their order. Every key is always there; None says that
there is nothing. Times are ISO 8601 in UTC, durations are seconds. The API and the command line show the same JSON,
made by :func:`to_json`; the OpenAPI document describes the same dataclasses.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True, slots=True)
class PageOf(Generic[T]):
    """Part of a listing; ``cursor`` (opaque) continues it, null at its end. A page may be short and still have one."""

    items: tuple[T, ...]
    cursor: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class AllOf(Generic[T]):
    """A listing as a whole."""

    items: tuple[T, ...]


def to_json(answer: Any) -> Any:
    """The answer as JSON values.

    Dataclasses, tuples and words are ours. Mappings and lists are what users gave, and are passed on as they are.
    """
    if isinstance(answer, tuple):
        return [to_json(item) for item in answer]
    if isinstance(answer, StrEnum):
        return str(answer)
    keys = _keys(answer.__class__)
    return answer if keys is None else {key: to_json(getattr(answer, name)) for name, key in keys}


def key_of(name: str) -> str:
    """The key of a field: its name, without the underscore behind one that is a word of Python (``from_``)."""
    return name.rstrip("_")


@cache
def _keys(kind: type) -> tuple[tuple[str, str], ...] | None:
    """Names of the fields, and their keys; None of what is no dataclass. It is asked for every value of every row."""
    return tuple((field.name, key_of(field.name)) for field in fields(kind)) if is_dataclass(kind) else None


def extended(kind: type[T], answer: Any, **more: Any) -> T:
    """An answer with more fields, as the ``kind`` that has them."""
    return kind(**{field.name: getattr(answer, field.name) for field in fields(answer)}, **more)
