"""Between plain dictionaries and DynamoDB's typed attributes.

boto3's own serializer makes a Decimal of every number. Our items hold text, numbers and bytes only, so this one is
smaller and quicker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Item = dict[str, Any]
"""Attribute names to ``str``, ``int``, ``float`` or ``bytes``."""
Attributes = Mapping[str, Mapping[str, Any]]
"""The same as DynamoDB has it: ``{"v": {"N": "3"}}``."""

_TYPES: dict[type, tuple[str, Any]] = {str: ("S", str), int: ("N", str), float: ("N", repr), bytes: ("B", bytes)}


def to_attribute(value: Any) -> dict[str, Any]:
    """One typed value; KeyError for what no item of ours may hold (None, a bool, a list)."""
    name, convert = _TYPES[type(value)]
    return {name: convert(value)}


def to_attributes(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """An item as DynamoDB takes it; an enum's value is plain text."""
    return {name: to_attribute(str(value) if isinstance(value, str) else value) for name, value in item.items()}


def from_attributes(attributes: Attributes) -> Item:
    """An item as DynamoDB gave it."""
    return {name: _plain(*next(iter(typed.items()))) for name, typed in attributes.items()}


def _plain(kind: str, value: Any) -> Any:
    if kind != "N":
        return value
    return int(value) if value.lstrip("-").isdigit() else float(value)
