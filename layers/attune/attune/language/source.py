"""YAML as plain data in which every value knows its line and column.

The words are those of YAML 1.2's core schema as far as JSON can say them: only ``true`` and ``false`` are
booleans, so that ``on:``, ``yes`` and ``no`` stay what they look like; dates stay text; keys are always text.
Aliases and merge keys (``<<: *defaults``) work. Only events of the parser are read, never its constructors, so
a file can make nothing but lists, mappings and scalars.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import yaml
from yaml.reader import Reader, ReaderError

from attune.exceptions import InvalidDefinition, Location, Problem
from attune.expressions.values import MAX_INT_BITS

LIMIT: Final = 1_000_000
"""Bytes of one file."""
MAX_DEPTH: Final = 50
"""Levels of lists and mappings inside each other."""
MAX_NODES: Final = 200_000
"""Values in one file, those that aliases repeat included."""

Path = Sequence[Hashable]
"""Keys and list positions that lead from the top to a value."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
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
_QUOTE: Final = 'put the value in quotes: "{{ … }}"'
_HINTS: Final[tuple[tuple[str, str], ...]] = (
    ("cannot start any token", "quote values that begin with @, `, % or a tab"),
    ("mapping values are not allowed", "check the indentation, and quote values that contain ': '"),
    ("did not find expected key", "check the indentation and the quotes"),
    ("did not find expected '-' indicator", "the entries of a list must stand below each other"),
    ("unexpected end of stream", "a quote is never closed"),
    ("did not find expected ',' or", "a bracket is never closed, or a comma is missing"),
    ("unknown escape character", "use single quotes, or double the backslash"),
)


@dataclass(slots=True)
class _Node:
    value: Any
    line: int
    column: int
    size: int = 1
    parts: dict[Hashable, _Node] = field(default_factory=dict)
    keys: dict[Hashable, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has been read: its text, the mapping in it, and where everything stands."""

    file: str
    text: str
    data: dict[str, Any]
    _root: _Node = field(repr=False)

    def locate(self, path: Path = ()) -> Location:
        """Where the value at ``path`` begins; of a path that goes too far, where its last known parent does."""
        node = self._root
        for step in path:
            if step not in node.parts:
                break
            node = node.parts[step]
        return Location(self.file, node.line, node.column)

    def locate_key(self, path: Path) -> Location:
        """Where the key stands that leads to the value at ``path``."""
        node = self._root
        for step in path[:-1]:
            if step not in node.parts:
                return self.locate(path)
            node = node.parts[step]
        if not path or path[-1] not in node.keys:
            return self.locate(path)
        return Location(self.file, *node.keys[path[-1]])


def load(text: str | bytes, file: str) -> Source:
    """Read a YAML file of one mapping.

    Raises:
        InvalidDefinition: Not UTF-8, too large, no YAML, not one mapping, duplicate keys, tags, endless aliases.

    """
    decoded = _decode(text, file)
    builder = _Builder(file)
    try:
        root = builder.document(yaml.parse(decoded, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise InvalidDefinition([*builder.problems, _syntax_problem(error, decoded, file)]) from None
    except ReaderError as error:  # pragma: no cover - _decode has looked for these already
        raise _invalid(file, "yaml-syntax", f"not readable as YAML: {error.reason}") from None
    if builder.problems:
        raise InvalidDefinition(builder.problems)
    return Source(file, decoded, root.value, root)


def _invalid(file: str, code: str, message: str, line: int = 1, column: int = 1, hint: str | None = None) -> Exception:
    return InvalidDefinition([Problem(code, message, Location(file, line, column), hint)])


def _decode(text: str | bytes, file: str) -> str:
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    if len(data) > LIMIT:
        raise _invalid(file, "file-too-large", f"the file has more than {LIMIT:,} bytes")
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _position(data[: error.start].decode())
        raise _invalid(file, "not-utf8", "the file is not UTF-8", line, column, "save it as UTF-8") from None
    found = Reader.NON_PRINTABLE.search(decoded)
    if found:
        line, column = _position(decoded[: found.start()])
        shown = f"U+{ord(found.group()):04X}"
        raise _invalid(file, "yaml-syntax", f"the character {shown} is not allowed in YAML", line, column)
    return decoded


def _position(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    here = "".join(text.split("\n")[line : line + 1])
    context = f" ({error.context}, begun on line {error.context_mark.line + 1})" if error.context_mark else ""
    message, hint = f"not valid YAML: {error.problem}{context}", _advice(str(error.problem), here)
    if here[column : column + 1] == "\t":
        message, hint = "a tab cannot indent YAML", "use spaces"
    return Problem("yaml-syntax", message, Location(file, line + 1, column + 1), hint)


def _advice(problem: str, line: str) -> str | None:
    if re.search(r"(: |- )\{[{%]", line):
        return _QUOTE
    return next((advice for words, advice in _HINTS if words in problem), None)


class _Builder:
    """From parser events to nodes; what it can go on after is collected in ``problems``."""

    def __init__(self, file: str) -> None:
        self.file, self.problems = file, list[Problem]()
        self._anchors: dict[str, _Node | None] = {}
        self._size = 0

    def document(self, events: Iterator[Any]) -> _Node:
        """The one document of a file, a mapping."""
        event = next(event for event in events if not isinstance(event, _BEGINNINGS))
        if isinstance(event, yaml.StreamEndEvent):
            raise _invalid(self.file, "empty-file", "the file is empty")
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
        return Problem(code, message, Location(self.file, mark.line + 1, mark.column + 1), hint)

    def _node(self, event: Any, events: Iterator[Any], depth: int) -> _Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event)
        if depth > MAX_DEPTH:
            self._fail("too-deep", f"more than {MAX_DEPTH} levels inside each other", event)
        if event.anchor is not None:
            self._anchors[event.anchor] = None
        node = _Node(None, event.start_mark.line + 1, event.start_mark.column + 1)
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

    def _alias(self, event: Any) -> _Node:
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

    def _list(self, node: _Node, events: Iterator[Any], depth: int) -> None:
        node.value = []
        for event in events:
            if isinstance(event, yaml.SequenceEndEvent):
                return
            part = self._node(event, events, depth + 1)
            node.parts[len(node.value)] = part
            node.value.append(part.value)
            node.size += part.size

    def _mapping(self, node: _Node, events: Iterator[Any], depth: int) -> None:
        node.value = {}
        merged: list[_Node] = []
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
            hint = _QUOTE if isinstance(event, yaml.MappingStartEvent) else None
            self._fail("bad-key", "a key must be text", event, hint)
        self._check_tag(event, "str")
        return str(event.value)

    def _merged(self, part: _Node, event: Any) -> list[_Node]:
        """The mappings that a ``<<`` key brings in, first come first served."""
        nodes = list(part.parts.values()) if isinstance(part.value, list) else [part]
        if not all(isinstance(node.value, dict) for node in nodes):
            self._fail("bad-merge", "<< merges a mapping or a list of mappings", event)
        return nodes


def _is_out_of_range(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and value.bit_length() > MAX_INT_BITS


def _merge(node: _Node, merged: list[_Node]) -> None:
    """Add what is not there yet; the node's own keys win."""
    for other in merged:
        for key, part in other.parts.items():
            if key not in node.parts:
                node.parts[key], node.value[key] = part, part.value
                node.keys[key] = other.keys[key]
