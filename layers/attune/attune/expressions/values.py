"""The values templates compute with: JSON, and names that are missing.

Everything a template yields passes through :func:`plain`; everything it prints through :func:`text`.
Both refuse what is not JSON, too large, or contains itself.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from difflib import get_close_matches
from functools import partial
from itertools import islice
from typing import Any, Final, NoReturn

from jinja2 import StrictUndefined, TemplateRuntimeError, Undefined, UndefinedError

from attune.exceptions import InvalidRequest
from attune.expressions.bounds import MAX_BYTES

MAX_TEXT: Final = 1 << 20
"""Characters one template may print."""
MAX_NODES: Final = 1_000_000
"""Values inside one list or mapping, nested ones included."""
MAX_DEPTH: Final = 100
"""Levels of lists and mappings inside each other."""
MAX_INT_BITS: Final = 14_000
"""Size of an integer; Python itself refuses to print more than 4,300 digits (14,284 bits)."""
MOST_PER_CHARACTER: Final = 32
"""Bytes of JSON that a character, or the smallest part with its quotes and comma, can need."""
MAX_HINT_KEYS: Final = 1_000
"""Keys that are compared with a misspelt one."""

ABSENT: Final = object()
_SCALARS: Final = frozenset({type(None), bool, str})
_KINDS: Final[tuple[tuple[Any, str], ...]] = (
    (type(None), "null"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "text"),
    (Mapping, "a mapping"),
    ((list, tuple), "a list"),
    (Undefined, "undefined"),
    (Callable, "a function"),
)


class NotDefinedError(UndefinedError):
    """A missing name was used."""

    def __init__(self, key: Any, known: Iterable[Any], message: str) -> None:
        super().__init__(message)
        self._key, self._known = key, known

    @property
    def hint(self) -> str | None:
        """``did you mean 'build'?``, or None."""
        return nearest(self._key, self._known)


class Missing(StrictUndefined):
    """A name or key that is not there. A path may go on through it; any other use fails with the whole path."""

    __slots__ = ("missing_key", "missing_known", "missing_path", "missing_reason")

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = None,
        name: str | None = None,
        exc: Any = None,  # noqa: ARG002 - Jinja's signature
        *,
        reason: str | None = None,
        key: Any = None,
        known: Iterable[Any] = (),
    ) -> None:
        self.missing_path, self.missing_reason = name or "", reason
        self.missing_key, self.missing_known = key, known
        message = hint or f"{name!r} is not defined" + (f": {reason}" if reason else "")
        super().__init__(message, obj, name, partial(NotDefinedError, key, known))  # type: ignore[arg-type]

    def then(self, step: str) -> Missing:
        """The same missing thing, further down the path."""
        if not self.missing_path:
            return self
        known, key = self.missing_known, self.missing_key
        return type(self)(name=self.missing_path + step, reason=self.missing_reason, key=key, known=known)

    def settle(self) -> Any:
        """What stands for it in a result; raises :class:`NotDefinedError` where names must exist."""
        return self._fail_with_undefined_error()


class Forgiven(Missing):
    """A missing name where that is allowed: null in results, conditions and comparisons."""

    __slots__ = ()

    def settle(self) -> None:
        """Null."""

    def __bool__(self) -> bool:  # type: ignore[override]
        return False

    def __eq__(self, other: object) -> bool:  # type: ignore[override]
        return other is None or isinstance(other, Undefined)

    def __ne__(self, other: object) -> bool:  # type: ignore[override]
        return not self == other

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(None)


def nearest(name: Any, known: Iterable[Any]) -> str | None:
    """``did you mean 'build'?``, or None when nothing is near."""
    names = [str(key) for key in islice(known, MAX_HINT_KEYS)]
    found = get_close_matches(str(name), names, n=1)
    return f"did you mean {found[0]!r}?" if found else None


def kind(value: Any) -> str:
    """What a value is, in JSON's words: ``a number``, ``text``, ``a list`` …"""
    return next((word for type_, word in _KINDS if isinstance(value, type_)), f"a {type(value).__name__}")


def refuse(message: str) -> NoReturn:
    """Raise the error that becomes a TemplateError with this message."""
    raise TemplateRuntimeError(message)


def weigh(value: Any) -> int:
    """Raise unless ``value`` is small enough to walk, in nodes, depth (a value in itself is endlessly deep) and text.

    Returns the characters of its text and numbers, and its parts, which is less than its JSON has bytes.
    """
    level: list[Any] = [value]
    nodes = characters = 0
    for _ in range(MAX_DEPTH + 1):
        characters += sum(map(_length, level))
        if characters > MAX_BYTES:
            refuse(f"a value has more than {MAX_BYTES:,} characters")
        containers = [node for node in level if isinstance(node, (Mapping, list, tuple))]
        if not containers:
            return characters + nodes
        nodes += sum(map(len, containers))
        if nodes > MAX_NODES:
            refuse(f"a value has more than {MAX_NODES:,} parts")
        level = [child for node in containers for child in _children(node)]
    return refuse(f"a value is nested more than {MAX_DEPTH} levels deep, or contains itself")


def _children(node: Any) -> Iterable[Any]:
    return [*node, *node.values()] if isinstance(node, Mapping) else node


def _length(node: Any) -> int:
    if isinstance(node, str):
        return len(node)
    return node.bit_length() // 3 if isinstance(node, int) else 0


def check_size(value: Any) -> None:
    """Raise unless the value's JSON has at most :data:`MAX_BYTES`; it is only made where that is in doubt."""
    if weigh(value) * MOST_PER_CHARACTER < MAX_BYTES:
        return
    size = len(json.dumps(value, separators=(",", ":")))
    if size > MAX_BYTES:
        refuse(f"a value has {size:,} bytes of JSON; {MAX_BYTES:,} is the most")


def plain(value: Any) -> Any:
    """A copy of ``value`` in plain JSON types; raises for anything that JSON has no word for."""
    if type(value) in _SCALARS:
        return value
    weigh(value)
    return _copy(value)


@contextmanager
def within_bounds(what: str) -> Iterator[None]:
    """Around :func:`plain` or :func:`weigh` of what came from outside: their refusal becomes InvalidRequest."""
    try:
        yield
    except TemplateRuntimeError as error:
        raise InvalidRequest(f"{what} cannot be used: {error}") from None


def _copy(value: Any) -> Any:
    if type(value) in _SCALARS:
        return value
    for type_, convert in _CONVERSIONS:
        if isinstance(value, type_):
            return convert(value)
    return refuse(f"{kind(value)} is not a JSON value")


def _copy_mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    return {_key(key): _copy(item) for key, item in value.items()}


def _copy_list(value: Collection[Any]) -> list[Any]:
    return [_copy(item) for item in value]


def _copy_text(value: str) -> str:
    return refuse("markup is not a JSON value") if hasattr(value, "__html__") else str(value)


def _copy_int(value: int) -> int:
    return refuse("a number is too large") if value.bit_length() > MAX_INT_BITS else int(value)


def _copy_float(value: float) -> float:
    return value if math.isfinite(value) else refuse(f"{value} is not a JSON number")


def _key(key: Any) -> str:
    if isinstance(key, str):
        return str(key)
    if isinstance(key, (int, float)) or key is None:
        return text(key)
    return refuse(f"{kind(key)} cannot be the key of a mapping")


_CONVERSIONS: Final[tuple[tuple[Any, Callable[[Any], Any]], ...]] = (
    (Mapping, _copy_mapping),
    ((list, tuple), _copy_list),
    (int, _copy_int),
    (float, _copy_float),
    (str, _copy_text),
    (Missing, lambda value: value.settle()),
)


def text(value: Any) -> str:
    """How a value prints: text as it is, everything else as JSON (``null``, ``true``, ``[1,2]``)."""
    return value if type(value) is str else to_json(value)


def to_json(value: Any, *, indent: int | None = None, sort_keys: bool = False) -> str:
    """Compact JSON with Unicode as it is; a bare string stays bare only in :func:`text`."""
    separators = (",", ":") if indent is None else (",", ": ")
    checked = plain(value)
    return json.dumps(checked, ensure_ascii=False, indent=indent, sort_keys=sort_keys, separators=separators)


def joined(pieces: Iterable[Any]) -> str:
    """The pieces as one text of at most :data:`MAX_TEXT` characters."""
    parts, size = [], 0
    for piece in pieces:
        part = text(piece)
        size += len(part)
        if size > MAX_TEXT:
            refuse(f"the text is longer than {MAX_TEXT:,} characters")
        parts.append(part)
    return "".join(parts)
