"""Where a workflow's secrets are, which templates read them, and how they are kept out of what is rendered.

Secrets are what ``kv.get_secret`` gives, and the parameters that a schema marks as ``writeOnly`` (``secret: true``).
The engine knows neither: it leaves a text that reads one as it is written (it is *withheld*), for the worker to render.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from attune.model.masking import MASK

if TYPE_CHECKING:
    from attune.expressions.references import Reference

Steps = tuple[str | int, ...]
"""Where in a JSON value something is."""

OPEN_ACTIONS: Final = frozenset({"core.emit_event"})
"""Actions that hand on what they are given to where everybody can read it."""
_SEALED: Final = "attune:sealed"
"""The only key of what stands for a secret parameter's value wherever parameters are stored."""


class Secrets:
    """The secrets among the values that a schema describes: those that it marks as ``writeOnly``."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self.paths = tuple(_write_only(schema, ()))

    def __bool__(self) -> bool:
        return bool(self.paths)

    def in_reference(self, reference: Reference) -> str | None:
        """What secret it is that the reference reads, in words; None if it reads none."""
        if reference.root == "kv" and reference.path[:1] in ((), ("get_secret",)):
            return "a secret of the key-value store"
        if reference.root != "parameters":
            return None
        for path in self.paths:
            shared = min(len(path), len(reference.path))
            if path[:shared] == reference.path[:shared]:
                return f"the secret parameter {'.'.join(path)!r}"
        return None

    def of(self, values: Mapping[str, Any]) -> dict[tuple[str, ...], Any]:
        """The secrets among these values, by path."""
        return {path: found[0] for path in self.paths if (found := _at(values, path))}

    def replaced(self, values: Mapping[str, Any], by: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
        """The values with others at these paths."""
        made = dict(values)
        for path, value in by.items():
            _put(made, path, value)
        return made

    def hidden(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values as they may be shown."""
        return self.replaced(values, dict.fromkeys(self.of(values), MASK))


def _write_only(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Paths of the properties that are marked; below a marked one nothing else needs to be."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    for name, rule in properties.items() if isinstance(properties, Mapping) else ():
        here = (*path, str(name))
        if isinstance(rule, Mapping) and rule.get("writeOnly") is True:
            yield here
        else:
            yield from _write_only(rule, here)


def _at(value: Any, path: tuple[str, ...]) -> tuple[Any] | None:
    for step in path:
        if not isinstance(value, Mapping) or step not in value:
            return None
        value = value[step]
    return None if value is None else (value,)


def _put(values: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Set what is there already; mappings on the way are copied."""
    for step in path[:-1]:
        values[step] = values = dict(values[step])
    values[path[-1]] = value


def sealed(text: str) -> dict[str, str]:
    """What is stored in the place of a secret parameter's value; ``text`` is for whoever can open it."""
    return {_SEALED: text}


def seal_of(value: Any) -> str | None:
    """Inverse of :func:`sealed`; None for any other value."""
    found = value.get(_SEALED) if isinstance(value, Mapping) and len(value) == 1 else None
    return found if isinstance(found, str) else None


def public(value: Any) -> Any:
    """JSON with ``***`` for everything sealed."""
    if seal_of(value) is not None:
        return MASK
    if isinstance(value, Mapping):
        return {key: public(item) for key, item in value.items()}
    return [public(item) for item in value] if isinstance(value, (list, tuple)) else value


@dataclass(frozen=True, slots=True)
class Withheld:
    """A template that is not to be rendered here."""

    source: str


def parted(value: Any) -> tuple[Any, list[tuple[Steps, str]]]:
    """The value with ``***`` for what is withheld in it, and where which template was."""
    found: list[tuple[Steps, str]] = []
    return _part(value, (), found), found


def _part(value: Any, path: Steps, found: list[tuple[Steps, str]]) -> Any:
    if isinstance(value, Withheld):
        found.append((path, value.source))
        return MASK
    if isinstance(value, Mapping):
        return {key: _part(item, (*path, key), found) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_part(item, (*path, number), found) for number, item in enumerate(value)]
    return value


def put_back(value: Any, path: Steps, item: Any) -> None:
    """Set in place what :func:`parted` took out; ``value`` is made of dictionaries and lists."""
    for step in path[:-1]:
        value = value[step]
    value[path[-1]] = item
