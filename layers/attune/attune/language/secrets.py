"""Which references of a template give a secret away."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attune.language.references import Reference


class Secrets:
    """The secrets among a workflow's parameters: those that its schema marks as ``writeOnly``."""

    def __init__(self, parameters: Mapping[str, Any]) -> None:
        self._paths = list(_write_only(parameters, ()))

    def in_reference(self, reference: Reference) -> str | None:
        """What secret it is that the reference reads, in words; None if it reads none."""
        if reference.root == "kv" and reference.path[:1] == ("get_secret",):
            return "a secret of the key-value store"
        if reference.root != "parameters":
            return None
        for path in self._paths:
            shared = min(len(path), len(reference.path))
            if path[:shared] == reference.path[:shared]:
                return f"the secret parameter {'.'.join(path)!r}"
        return None


def _write_only(schema: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """Paths of the properties that are marked; below a marked one nothing else needs to be."""
    properties = schema.get("properties") if isinstance(schema, Mapping) else None
    for name, rule in properties.items() if isinstance(properties, Mapping) else ():
        here = (*path, str(name))
        if isinstance(rule, Mapping) and rule.get("writeOnly") is True:
            yield here
        else:
            yield from _write_only(rule, here)
