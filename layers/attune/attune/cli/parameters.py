"""Parameters from the command line: ``-p key=value`` and ``--params FILE``. Pure but for the reading of the file.

A value is JSON if it parses as JSON and the schema asks for something other than text, else it is text as typed.
Where the schema says nothing, JSON wins; ``-p 'name="5"'`` is then the text 5.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from attune.exceptions import InvalidRequest
from attune.model import strict_json

Schema = Mapping[str, Any]

_FORM = "write -p name=value, or -p name.inner=value for a value inside a mapping"
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _TYPES["number"](value) and float(value).is_integer(),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}


def parse(pairs: Sequence[str], schema: Schema | None = None, base: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """``base`` with every ``key=value`` set in it; raises InvalidRequest for what is no such pair."""
    parameters = dict(base or {})
    for pair in pairs:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            raise InvalidRequest(f"'{pair}' is no parameter", hint=_FORM)
        path = [key] if key in (schema or {}).get("properties", {}) else key.split(".")
        _put(parameters, path, value(text, _rule(schema or {}, path)), pair)
    return parameters


def value(text: str, schema: Schema) -> Any:
    """The text as the type that the schema asks for, as far as it can be; what doesn't fit stays text."""
    allowed = _allowed(schema)
    if allowed == {"string"}:
        return text
    if allowed == {"boolean"}:
        return _WORDS.get(text.lower(), text)
    parsed = _from_json(text)
    if not allowed or "string" not in allowed:
        return parsed
    fits = any(_TYPES[name](parsed) for name in allowed - {"string"} if name in _TYPES)
    return parsed if fits else text


def read_file(path: Path) -> dict[str, Any]:
    """A mapping from a JSON or YAML file; raises InvalidRequest, and InvalidDefinition for what is no YAML."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidRequest(f"cannot read the parameters in {path}: {reason}") from None
    if path.suffix == ".json":
        return _json_mapping(text, path)
    from attune.language.source import load

    return load(text, str(path)).data


def _json_mapping(text: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InvalidRequest(f"{path} is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise InvalidRequest(f"{path} must hold one mapping of parameter names to values")
    return found


def _put(parameters: dict[str, Any], path: Sequence[str], value: Any, pair: str) -> None:
    """Set the value at the path; mappings on the way are copied, so that ``base`` stays as it was."""
    here = parameters
    for step in path[:-1]:
        inner = here.get(step, {})
        if not isinstance(inner, dict):
            raise InvalidRequest(f"'{pair}' goes into '{step}', which is no mapping", hint=_FORM)
        here[step] = inner = dict(inner)
        here = inner
    here[path[-1]] = value


def _rule(schema: Schema, path: Sequence[str]) -> Schema:
    for step in path:
        found = (schema.get("properties") or {}).get(step)
        schema = found if isinstance(found, Mapping) else {}
    return schema


def _allowed(schema: Schema) -> set[str]:
    """The types that the schema allows, from ``type`` or from the values of ``enum``; empty: any."""
    declared = schema.get("type")
    if isinstance(declared, str):
        return {declared}
    if declared:
        return set(declared)
    choices = schema.get("enum") or []
    return {name for name, fits in _TYPES.items() if any(fits(choice) for choice in choices)}


def _from_json(text: str) -> Any:
    try:
        return strict_json.loads(text)
    except ValueError:
        return text
