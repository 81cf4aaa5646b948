"""From the events of a YAML parser to nodes that know their line and column.

Only events of the parser are read, never its constructors, so a file can make nothing but lists, mappings and scalars.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Final, NoReturn

import yaml

from attune.exceptions import InvalidDefinition, Location, Problem
from attune.expressions.values import MAX_INT_BITS

MAX_DEPTH: Final = 50
"""Levels of lists and mappings inside each other."""
MAX_NODES: Final = 200_000
"""Values in one file, those that aliases repeat included."""

_SCALARS: Final[tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...]] = (
    (re.compile(r"|~|null|Null|NULL"), lambda _: None),
    (re.compile(r"true|True|TRUE"), lambda _: True),
    (re.compile(r"false|False|FALSE"), lambda _: False),
    (re.compile(r"[-+]?[0-9]+"), int),
    (re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text, 16)),
    (re.compile(r"0o[0-7]+"), lambda text: int(text, 8)),
    (re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"), float),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), lambda _: math.nan),
)
_MAX_PROBLEMS: Final = 200
_MAX_DIGITS: Final = 4_000
"""Python itself refuses to read numbers of more than 4,300."""
_BEGINNINGS: Final = (yaml.StreamStartEvent, yaml.DocumentStartEvent)
QUOTE: Final = 'put the value in quotes: "{{ … }}"'


def problem_at(
    file: str, code: str, message: str, line: int = 1, column: int = 1, hint: str | None = None
) -> InvalidDefinition:
    """The error for one problem that ends the reading of a file."""
    return InvalidDefinition([Problem(code, message, Location(file, line, column), hint=hint)])


@dataclass(slots=True)
class Node:
    """A value, its place (lines and columns from 1), the number of values in it, its parts and their keys' places."""

    value: Any
    line: int
    column: int
    _: KW_ONLY
    size: int = 1
    parts: dict[Hashable, Node] = field(default_factory=dict)
    keys: dict[Hashable, tuple[int, int]] = field(default_factory=dict)


class Builder:
    """From parser events to nodes; what it can go on after is collected in ``problems``."""

    def __init__(self, file: str) -> None:
        self.file, self.problems = file, list[Problem]()
        self._anchors: dict[str, Node | None] = {}
        self._size = 0

    def document(self, events: Iterator[Any]) -> Node:
        """The one document of a file, a mapping."""
        event = next(event for event in events if not isinstance(event, _BEGINNINGS))
        if isinstance(event, yaml.StreamEndEvent):
            raise problem_at(self.file, "empty-file", "the file is empty")
        root = self._node(event, events, 0)
        if not isinstance(root.value, dict):
            self._fail("not-a-mapping", "the file must be a mapping of keys to values", event)
        next(events)
        last = next(events)
        if not isinstance(last, yaml.StreamEndEvent):
            self._fail("several-documents", "the file has more than one document", last, "remove the line '---'")
        return root

    def _fail(self, code: str, message: str, event: Any, hint: str | None = None) -> NoReturn:
        raise InvalidDefinition([*self.problems, self._problem(code, message, event, hint)])

    def _note(self, code: str, message: str, event: Any) -> None:
        if len(self.problems) < _MAX_PROBLEMS:
            self.problems.append(self._problem(code, message, event))

    def _problem(self, code: str, message: str, event: Any, hint: str | None = None) -> Problem:
        mark = event.start_mark
        return Problem(code, message, Location(self.file, mark.line + 1, mark.column + 1), hint=hint)

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            self._fail("too-deep", f"more than {MAX_DEPTH} levels inside each other", event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = Node(None, event.start_mark.line + 1, event.start_mark.column + 1)
        self._count(1, event)
        if isinstance(event, yaml.ScalarEvent):
            node.value = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._check_tag(event, "seq")
            self._list(node, events, depth)
        else:
            self._check_tag(event, "map")
            self._mapping(node, events, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = node
        return node

    def _count(self, size: int, event: Any) -> None:
        self._size += size
        if self._size > MAX_NODES:
            self._fail("too-many-values", f"the file has more than {MAX_NODES:,} values, aliases included", event)

    def _alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            known = event.anchor in self._anchors
            why = "refers to itself" if known else "refers to an anchor that is not defined above it"
            self._fail("bad-alias", f"the alias *{event.anchor[:50]} {why}", event)
        self._count(node.size, event)
        return node

    def _check_tag(self, event: Any, kind: str) -> None:
        if event.tag not in (None, "!", f"tag:yaml.org,2002:{kind}"):
            self._fail("yaml-tag", f"the tag {event.tag[:50]!r} is not supported", event, "remove it")

    def _scalar(self, event: Any) -> Any:
        self._check_tag(event, "str")
        is_plain = event.tag is None and event.implicit[0]
        return self._plain(event) if is_plain else event.value

    def _plain(self, event: Any) -> Any:
        text: str = event.value
        convert = next((convert for pattern, convert in _SCALARS if pattern.fullmatch(text)), str)
        value = convert(text) if convert is str or len(text) < _MAX_DIGITS else math.nan
        if _is_out_of_range(value):
            self._fail("bad-number", f"{text[:50]} is not a number that JSON can hold", event, "quote it if it is text")
        return value

    def _list(self, node: Node, events: Iterator[Any], depth: int) -> None:
        node.value = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            part = self._node(event, events, depth + 1)
            node.parts[len(node.value)] = part
            node.value.append(part.value)
            node.size += part.size

    def _mapping(self, node: Node, events: Iterator[Any], depth: int) -> None:
        node.value = {}
        merged: list[Node] = []
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self._key(event)
            part = self._node(next(events), events, depth + 1)
            node.size += part.size
            if key == "<<" and event.implicit[0]:
                merged += self._merged(part, event)
            elif key in node.keys:
                first = node.keys[key][0]
                message = f"the key {key[:100]!r} is there twice (first on line {first})"
                self._note("duplicate-key", message, event)
            else:
                node.keys[key] = event.start_mark.line + 1, event.start_mark.column + 1
                node.parts[key], node.value[key] = part, part.value
        _merge(node, merged)

    def _key(self, event: Any) -> str:
        if not isinstance(event, yaml.ScalarEvent):
            hint = QUOTE if isinstance(event, yaml.MappingStartEvent) else None
            self._fail("bad-key", "a key must be text", event, hint)
        self._check_tag(event, "str")
        return str(event.value)

    def _merged(self, part: Node, event: Any) -> list[Node]:
        """The mappings that a ``<<`` key brings in, first come first served."""
        nodes = list(part.parts.values()) if isinstance(part.value, list) else [part]
        if not all(isinstance(node.value, dict) for node in nodes):
            self._fail("bad-merge", "<< merges a mapping or a list of mappings", event)
        return nodes


def _is_out_of_range(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and value.bit_length() > MAX_INT_BITS


def _merge(node: Node, merged: list[Node]) -> None:
    """Add what is not there yet; the node's own keys win."""
    for other in merged:
        for key, part in other.parts.items():
            if key not in node.parts:
                node.parts[key], node.value[key] = part, part.value
                node.keys[key] = other.keys[key]
