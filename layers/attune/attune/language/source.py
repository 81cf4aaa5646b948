"""YAML as plain data in which every value knows its line and column.

The words are those of YAML 1.2's core schema as far as JSON can say them: only ``true`` and ``false`` are
booleans, so that ``on:``, ``yes`` and ``no`` stay what they look like; dates stay text; keys are always text.
Aliases and merge keys (``<<: *defaults``) work. Only events of the parser are read, never its constructors, so
a file can make nothing but lists, mappings and scalars.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import yaml
from yaml.reader import Reader, ReaderError

from attune.exceptions import InvalidDefinition, Location, Problem
from attune.language.yaml_nodes import QUOTE, Builder, Node, problem_at

LIMIT: Final = 1_000_000
"""Bytes of one file."""
Path = Sequence[Hashable]
"""Keys and list positions that lead from the top to a value."""

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HINTS: Final[tuple[tuple[str, str], ...]] = (
    ("cannot start any token", "quote values that begin with @, `, % or a tab"),
    ("mapping values are not allowed", "check the indentation, and quote values that contain ': '"),
    ("did not find expected key", "check the indentation and the quotes"),
    ("did not find expected '-' indicator", "the entries of a list must stand below each other"),
    ("unexpected end of stream", "a quote is never closed"),
    ("did not find expected ',' or", "a bracket is never closed, or a comma is missing"),
    ("unknown escape character", "use single quotes, or double the backslash"),
)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that has been read: its text, the mapping in it, and where everything stands."""

    file: str
    text: str
    data: dict[str, Any]
    _root: Node = field(repr=False)

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
    builder = Builder(file)
    try:
        root = builder.document(yaml.parse(decoded, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        raise InvalidDefinition([*builder.problems, _syntax_problem(error, decoded, file)]) from None
    except ReaderError as error:  # pragma: no cover - _decode has looked for these already
        raise problem_at(file, "yaml-syntax", f"not readable as YAML: {error.reason}") from None
    if builder.problems:
        raise InvalidDefinition(builder.problems)
    return Source(file, decoded, root.value, root)


def _decode(text: str | bytes, file: str) -> str:
    data = text if isinstance(text, bytes) else text.encode(errors="surrogatepass")
    if len(data) > LIMIT:
        raise problem_at(file, "file-too-large", f"the file has more than {LIMIT:,} bytes")
    try:
        decoded = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, column = _position(data[: error.start].decode())
        raise problem_at(file, "not-utf8", "the file is not UTF-8", line, column, "save it as UTF-8") from None
    found = Reader.NON_PRINTABLE.search(decoded)
    if found:
        line, column = _position(decoded[: found.start()])
        shown = f"U+{ord(found.group()):04X}"
        raise problem_at(file, "yaml-syntax", f"the character {shown} is not allowed in YAML", line, column)
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
    return Problem("yaml-syntax", message, Location(file, line + 1, column + 1), hint=hint)


def _advice(problem: str, line: str) -> str | None:
    if re.search(r"(: |- )\{[{%]", line):
        return QUOTE
    return next((advice for words, advice in _HINTS if words in problem), None)
