"""EventBridge event patterns: does this event match?

The content filters of Amazon EventBridge: exact values, ``prefix``, ``suffix``, ``anything-but``, ``numeric``,
``exists``, ``equals-ignore-case``, ``wildcard`` and ``$or``. A list in the event matches when any of its
elements does.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from attune.expressions.templates import is_template

_ABSENT = object()
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def event_types(values: Mapping[str, Any]) -> list[str] | None:
    """The detail-types that an input of ``core.wait_for_event`` names; None if it doesn't name them all in full."""
    pattern = values.get("pattern")
    named = values.get("event_type") or (pattern.get("detail-type") if isinstance(pattern, Mapping) else None)
    types = [named] if isinstance(named, str) else named
    whole = isinstance(types, list) and all(isinstance(name, str) and not is_template(name) for name in types)
    return types if whole and types else None


def matches(pattern: Mapping[str, Any], event: Any) -> bool:
    """True when every field of the pattern is matched by the event."""
    if not isinstance(event, Mapping):
        return False
    for name, wanted in pattern.items():
        if name == "$or":
            found = any(matches(choice, event) for choice in wanted)
        elif isinstance(wanted, Mapping):
            found = matches(wanted, event.get(name))
        else:
            found = _any_matches(wanted, event.get(name, _ABSENT))
        if not found:
            return False
    return True


def _any_matches(wanted: Sequence[Any], actual: Any) -> bool:
    values = actual if isinstance(actual, list) and actual else [actual]
    return any(_one_matches(choice, value) for choice in wanted for value in values)


def _one_matches(choice: Any, value: Any) -> bool:
    if isinstance(choice, Mapping):
        return all(name in _FILTERS and _FILTERS[name](wanted, value) for name, wanted in choice.items())
    return value is not _ABSENT and type(choice) is type(value) and bool(choice == value)


def _text(test: Callable[[str, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda wanted, value: isinstance(value, str) and test(value, wanted)


def _anything_but(wanted: Any, value: Any) -> bool:
    if value is _ABSENT:
        return False
    choices = wanted if isinstance(wanted, list) else [wanted]
    return not any(_one_matches(choice, value) for choice in choices)


def _numeric(wanted: Sequence[Any], value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    pairs = zip(wanted[::2], wanted[1::2], strict=True)
    return all(_COMPARE[sign](value, bound) for sign, bound in pairs)


def _wildcard(value: str, wanted: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), value, re.DOTALL) is not None


_FILTERS: dict[str, Callable[[Any, Any], bool]] = {
    "prefix": _text(lambda value, wanted: value.startswith(wanted)),
    "suffix": _text(lambda value, wanted: value.endswith(wanted)),
    "equals-ignore-case": _text(lambda value, wanted: value.casefold() == wanted.casefold()),
    "wildcard": _text(_wildcard),
    "anything-but": _anything_but,
    "numeric": _numeric,
    "exists": lambda wanted, value: (value is not _ABSENT) is bool(wanted),
}
