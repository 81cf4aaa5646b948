"""Filters of templates that work on lists, mappings and numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

from jinja2.runtime import Context

from attune.expressions.filter_arguments import keyword, list_of, mapping_of, number_of, pluck, text_of, whole
from attune.expressions.values import ABSENT, MAX_INT_BITS, MAX_TEXT, kind, refuse, text, to_json

MAX_PRECISION: Final = 300
"""Decimal places of ``round``, either way."""
MAX_FILL: Final = 10_000
"""Elements in a batch that is filled up."""

_ROUNDINGS: Final[dict[str, Callable[[float], float]]] = {"common": round, "ceil": math.ceil, "floor": math.floor}


def length(value: Any, /) -> int:
    """Characters of a text, elements of a list, keys of a mapping."""
    if isinstance(value, (str, list, tuple, Mapping)):
        return len(value)
    return refuse(f"length needs text, a list or a mapping, not {kind(value)}")


def _edge(context: Context, value: Any, index: int, name: str) -> Any:
    if not isinstance(value, (str, list, tuple)):
        refuse(f"{name} needs a list or text, not {kind(value)}")
    if value:
        return value[index]
    return context.environment.undefined(hint=f"{kind(value)} that is empty has no {name} element")


def first(context: Context, value: Any, /) -> Any:
    """The first element or character; of an empty list, something undefined."""
    return _edge(context, value, 0, "first")


def last(context: Context, value: Any, /) -> Any:
    """The last element or character; of an empty list, something undefined."""
    return _edge(context, value, -1, "last")


def batch(value: Any, /, size: int, fill_with: Any = None) -> list[list[Any]]:
    """Lists of ``size`` elements each; the last is shorter, or filled up with ``fill_with``."""
    items, size = list_of(value, "batch"), whole(size, "size", 1)
    batches = [items[start : start + size] for start in range(0, len(items), size)]
    if batches and fill_with is not None:
        if size > MAX_FILL:
            refuse(f"batch fills up to {MAX_FILL:,} elements")
        batches[-1] += [fill_with] * (size - len(batches[-1]))
    return batches


def slice_(value: Any, /, start: int | None = None, end: int | None = None, step: int | None = None) -> Any:
    """Elements or characters from ``start`` to before ``end``; negative ones count from the end."""
    if isinstance(value, (str, list, tuple)):
        return value[start:end:step]
    return refuse(f"slice needs a list or text, not {kind(value)}")


def concat(value: Any, /, *other: Any, **named: Any) -> list[Any]:
    """A list followed by the elements of ``with`` (or by ``with`` itself if it is no list)."""
    more = other[0] if len(other) == 1 and not named else keyword(named, "with", "concat")
    return list_of(value, "concat") + (list(more) if isinstance(more, (list, tuple)) else [more])


def filter_(value: Any, /, **wanted: Any) -> list[Any]:
    """The elements whose keys have all the values given; ``attribute='a.b', value=…`` reaches nested ones.

    With ``attribute`` alone, those where it is there and not null.
    """
    items = list_of(value, "filter")
    attribute = wanted.pop("attribute", None)
    if attribute is None:
        return [item for item in items if all(pluck(item, name) == want for name, want in wanted.items())]
    want = wanted.pop("value", None)
    if wanted:
        refuse(f"filter with attribute= takes only value=, not {next(iter(wanted))!r}")
    return [item for item in items if (found := pluck(item, attribute)) is not None and want in (None, found)]


def sort(value: Any, /, reverse: bool = False, case_sensitive: bool = False, attribute: str | None = None) -> list[Any]:
    """In order, by ``attribute`` if given; elements that compare equal keep their order."""

    def rank(item: Any) -> Any:
        found = pluck(item, attribute)
        return found.lower() if isinstance(found, str) and not case_sensitive else found

    return sorted(list_of(value, "sort"), key=rank, reverse=reverse)


def unique(value: Any, /, case_sensitive: bool = False, attribute: str | None = None) -> list[Any]:
    """The first of all elements that are alike (in ``attribute``, if given)."""
    seen: dict[str, Any] = {}
    for item in list_of(value, "unique"):
        found = pluck(item, attribute)
        alike = found.lower() if isinstance(found, str) and not case_sensitive else found
        seen.setdefault(to_json(alike, sort_keys=True), item)
    return list(seen.values())


def group_by(value: Any, /, attribute: str) -> dict[str, list[Any]]:
    """Lists of the elements with the same ``attribute``, by its value; elements without it are left out."""
    groups: dict[str, list[Any]] = {}
    for item in list_of(value, "group_by"):
        found = pluck(item, attribute)
        if found is not None:
            groups.setdefault(text(found), []).append(item)
    return groups


def join(value: Any, /, sep: str = "", attribute: str | None = None) -> str:
    """The elements as one text, with ``sep`` between them."""
    separator = text_of(sep, "join")
    parts = [text(pluck(item, attribute)) for item in list_of(value, "join")]
    if sum(map(len, parts)) + len(parts) * len(separator) > MAX_TEXT:
        refuse("the result of join is too long")
    return separator.join(parts)


def reverse(value: Any, /) -> Any:
    """Back to front: a list or a text."""
    return value[::-1] if isinstance(value, str) else list_of(value, "reverse")[::-1]


def as_list(value: Any, /) -> list[Any]:
    """The characters of a text, the keys of a mapping, the elements of a list."""
    return list(value) if isinstance(value, (str, Mapping)) else list_of(value, "list")


def smallest(context: Context, value: Any, /, attribute: str | None = None) -> Any:
    """The smallest element (by ``attribute``); of an empty list, something undefined."""
    return _extreme(context, value, attribute, min)


def largest(context: Context, value: Any, /, attribute: str | None = None) -> Any:
    """The largest element (by ``attribute``); of an empty list, something undefined."""
    return _extreme(context, value, attribute, max)


def _extreme(context: Context, value: Any, attribute: str | None, pick: Any) -> Any:
    items = list_of(value, pick.__name__)
    return pick(items, key=lambda item: pluck(item, attribute)) if items else first(context, items)


def total(value: Any, /, attribute: str | None = None, start: float = 0) -> Any:
    """The sum of the numbers (of ``attribute``)."""
    numbers = [number_of(pluck(item, attribute), "sum") for item in list_of(value, "sum")]
    return sum(numbers, start=number_of(start, "sum"))


def keys(value: Any, /) -> list[str]:
    """The keys."""
    return list(mapping_of(value, "keys"))


def values(value: Any, /) -> list[Any]:
    """The values."""
    return list(mapping_of(value, "values").values())


def items(value: Any, /) -> list[list[Any]]:
    """``[key, value]`` pairs."""
    return [[key, item] for key, item in mapping_of(value, "items").items()]


def get(context: Context, value: Any, /, key: str, default: Any = ABSENT) -> Any:
    """The value of a key; else ``default``; without one, something undefined."""
    if key in mapping_of(value, "get"):
        return value[key]
    return context.environment.undefined(hint=f"there is no key {key!r}") if default is ABSENT else default


def rounded(value: Any, /, precision: int = 0, method: str = "common") -> Any:
    """To ``precision`` decimal places, ``common``, ``ceil`` or ``floor``; a whole number if that is 0."""
    number, way = number_of(value, "round"), _ROUNDINGS.get(method) or refuse(f"round does not know {method!r}")
    places = max(-MAX_PRECISION, min(MAX_PRECISION, whole(precision, "precision", -MAX_PRECISION)))
    if places == 0 or isinstance(number, int):
        return way(number) if places >= 0 else way(number / 10**-places) * 10**-places
    return round(number, places) if method == "common" else way(number * 10**places) / 10**places


def absolute(value: Any, /) -> Any:
    """Without its sign."""
    return abs(number_of(value, "abs"))


def integer(value: Any, /, default: Any = ABSENT, base: int = 10) -> Any:
    """A whole number from a number (cut off) or text; ``default`` where there is none."""
    try:
        number = int(value, base) if isinstance(value, str) and base != 10 else _to_int(value)
    except (ValueError, TypeError, OverflowError):
        return refuse(f"int cannot read {kind(value)} as a number") if default is ABSENT else default
    return number if number.bit_length() <= MAX_INT_BITS else refuse("a number is too large")


def _to_int(value: Any) -> int:
    try:
        return int(value)
    except ValueError:
        return int(float(value))


def real(value: Any, /, default: Any = ABSENT) -> Any:
    """A number with a fraction from a number or text; ``default`` where there is none."""
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        number = math.nan
    if math.isfinite(number):
        return number
    return refuse(f"float cannot read {kind(value)} as a number") if default is ABSENT else default
