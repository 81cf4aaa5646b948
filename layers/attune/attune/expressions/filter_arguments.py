"""What filters ask of their arguments; every refusal says which filter, what it needs and what it got."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.expressions.values import ABSENT, kind, refuse, text


def text_of(value: Any, name: str) -> str:
    """Text, or a number or boolean as text."""
    if isinstance(value, (str, bool, int, float)):
        return text(value)
    return refuse(f"{name} needs text, not {kind(value)}")


def list_of(value: Any, name: str) -> list[Any]:
    """A list (a copy)."""
    if isinstance(value, (list, tuple)):
        return list(value)
    return refuse(f"{name} needs a list, not {kind(value)}")


def mapping_of(value: Any, name: str) -> Mapping[str, Any]:
    """A mapping."""
    return value if isinstance(value, Mapping) else refuse(f"{name} needs a mapping, not {kind(value)}")


def number_of(value: Any, name: str) -> Any:
    """A number; booleans are none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    return refuse(f"{name} needs a number, not {kind(value)}")


def whole(value: Any, name: str, least: int) -> int:
    """The argument ``name`` as a whole number of at least ``least``."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= least:
        return value
    return refuse(f"{name} must be a whole number of at least {least}")


def keyword(arguments: dict[str, Any], name: str, filter_name: str) -> Any:
    """An argument whose name Python reserves (``from``, ``with``); it must be there, alone."""
    value = arguments.pop(name, ABSENT)
    if value is ABSENT or arguments:
        odd = next(iter(arguments), None)
        refuse(f"{filter_name} does not take {odd!r}" if odd else f"{filter_name} needs {name}=")
    return value


def pluck(item: Any, attribute: str | int | None) -> Any:
    """The value at a dotted path (``a.b.0``) inside ``item``; null where there is none."""
    for step in str(attribute).split(".") if attribute is not None else ():
        if isinstance(item, Mapping):
            item = item.get(step)
        elif isinstance(item, (list, tuple)) and step.isdigit() and int(step) < len(item):
            item = item[int(step)]
        else:
            return None
    return item
