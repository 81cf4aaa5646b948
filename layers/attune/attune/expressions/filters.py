"""The filters, tests and functions of templates: Tera's names, and Jinja's where they do not collide.

All are pure: no clock, no randomness, no locale. Arguments may be given by position or by name. Those in
:data:`CONTEXT_FILTERS` take Jinja's context first. What could be much larger than its arguments
(``replace``, ``join``, ``indent``, ``range``) bounds itself; the sandbox meters the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from jinja2.filters import FILTERS as JINJA_FILTERS
from jinja2.runtime import Undefined
from jinja2.tests import TESTS as JINJA_TESTS

from attune.expressions import filters_data as data
from attune.expressions import filters_text as words
from attune.expressions.filter_arguments import text_of
from attune.expressions.values import ABSENT, refuse, text

MAX_RANGE: Final = 10_000
"""Numbers that ``range`` gives at most."""


def default(subject: Any, /, default_value: Any = "", boolean: bool = False, *, value: Any = ABSENT) -> Any:
    """The subject, or ``default_value`` (Tera: ``value``) where it is undefined; ``boolean``: or false, or empty."""
    if not isinstance(subject, Undefined) and (subject or not boolean):
        return subject
    return default_value if value is ABSENT else value


def bounded_range(*bounds: int) -> list[int]:
    """The numbers from ``start`` (0) to before ``stop``, by ``step``."""
    numbers = range(*bounds)
    return list(numbers) if len(numbers) <= MAX_RANGE else refuse(f"range gives at most {MAX_RANGE:,} numbers")


def mapping(*pairs: Any, **named: Any) -> dict[str, Any]:
    """A mapping of the names given; ``dict(other, a=1)`` adds to another."""
    return dict(*pairs, **named)


def _starts(value: Any, prefix: str) -> bool:
    return text_of(value, "starting_with").startswith(prefix)


def _ends(value: Any, suffix: str) -> bool:
    return text_of(value, "ending_with").endswith(suffix)


def _contains(value: Any, part: Any) -> bool:
    return part in value


def _from_jinja(table: Mapping[str, Any], names: Iterable[str]) -> dict[str, Callable[..., Any]]:
    return {name: table[name] for name in names}


FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "abs": data.absolute,
    "append": words.append,
    "b64decode": words.b64decode,
    "b64encode": words.b64encode,
    "batch": data.batch,
    "capitalize": words.capitalize,
    "concat": data.concat,
    "count": data.length,
    "date": words.date,
    "filter": data.filter_,
    "float": data.real,
    "from_json": words.from_json,
    "group_by": data.group_by,
    "hash": words.hashed,
    "indent": words.indent,
    "int": data.integer,
    "items": data.items,
    "join": data.join,
    "json_encode": words.json_text,
    "keys": data.keys,
    "length": data.length,
    "list": data.as_list,
    "lower": words.lower,
    "prepend": words.prepend,
    "replace": words.replace,
    "reverse": data.reverse,
    "round": data.rounded,
    "slice": data.slice_,
    "sort": data.sort,
    "split": words.split,
    "string": text,
    "sum": data.total,
    "title": words.title,
    "to_json": words.json_text,
    "tojson": words.json_text,
    "trim": words.trim,
    "truncate": words.truncate,
    "unique": data.unique,
    "upper": words.upper,
    "urlencode": words.url_encode,
    "values": data.values,
    "wordcount": words.wordcount,
}
CONTEXT_FILTERS: Final[dict[str, Callable[..., Any]]] = {
    "first": data.first,
    "get": data.get,
    "last": data.last,
    "max": data.largest,
    "min": data.smallest,
    **_from_jinja(JINJA_FILTERS, ("map", "reject", "rejectattr", "select", "selectattr")),
}
FORGIVING_FILTERS: Final[dict[str, Callable[..., Any]]] = {"default": default, "d": default}
"""Filters that may be given something undefined."""

DEEP: Final = frozenset(
    {"filter", "group_by", "join", "max", "min", "sort", "unique", "urlencode", "in", "containing"}
    | {"==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", ">=", "ge", "<", "lt", "lessthan", "<=", "le"}
)
"""Filters and tests that look at every element as deep as it is: their arguments are weighed first."""

TESTS: Final[dict[str, Callable[..., Any]]] = {
    **_from_jinja(JINJA_TESTS, ("boolean", "divisibleby", "even", "false", "float", "in", "integer", "iterable")),
    **_from_jinja(JINJA_TESTS, ("lower", "mapping", "none", "number", "odd", "sequence", "string", "true", "upper")),
    **_from_jinja(JINJA_TESTS, ("==", "eq", "equalto", "!=", "ne", ">", "gt", "greaterthan", ">=", "ge")),
    **_from_jinja(JINJA_TESTS, ("<", "lt", "lessthan", "<=", "le")),
    "containing": _contains,
    "ending_with": _ends,
    "null": _from_jinja(JINJA_TESTS, ("none",))["none"],
    "starting_with": _starts,
}
FORGIVING_TESTS: Final = _from_jinja(JINJA_TESTS, ("defined", "undefined"))
"""Tests that may be given something undefined."""

FUNCTIONS: Final[dict[str, Callable[..., Any]]] = {"dict": mapping, "hash": words.hashed, "range": bounded_range}
