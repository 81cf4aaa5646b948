"""Checking values against JSON Schemas, and filling in what they give as defaults.

jsonschema is loaded when the first schema is met, so that a hot path that meets none starts without it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

MOST_MISMATCHES = 1_000
"""Mismatches that are told of one value."""


def mismatches(
    value: Any, schema: Mapping[str, Any], discreet: Callable[[str], str] | None = None
) -> list[dict[str, str]]:
    """The ways in which the value does not fit, as ``{path, message}``, 1,000 at most; empty when it fits.

    ``discreet`` changes messages before they are cut: they repeat parts of the value.
    """
    errors = islice(_validator(json.dumps(schema, sort_keys=True)).iter_errors(value), MOST_MISMATCHES)
    found = [{"path": _cut(error.json_path), "message": _words(error, discreet)} for error in errors]
    return sorted(found, key=lambda row: (row["path"], row["message"]))


def _words(error: Any, discreet: Callable[[str], str] | None) -> str:
    return _cut(discreet(error.message) if discreet else error.message)


def _cut(words: str) -> str:
    """Without repeating a large value."""
    return words if len(words) <= 300 else f"{words[:140]} … {words[-140:]}"


def with_defaults(value: Mapping[str, Any], schema: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping with the defaults of its schema's ``properties`` filled in, at every depth that is present."""
    filled = dict(value)
    for name, rule in (schema.get("properties") or {}).items():
        if not isinstance(rule, Mapping):
            continue
        if name not in filled and "default" in rule:
            filled[name] = rule["default"]
        if isinstance(filled.get(name), Mapping) and "properties" in rule:
            filled[name] = with_defaults(filled[name], rule)
    return filled


@lru_cache(maxsize=256)
def _validator(source: str) -> Any:
    import jsonschema
    import referencing

    schema = json.loads(source)
    kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
    # An empty registry: a "$ref" to some address must not make us fetch it.
    return kind(schema, format_checker=kind.FORMAT_CHECKER, registry=referencing.Registry())


def schema_error(schema: Any) -> str | None:
    """What is wrong with a schema itself, or None."""
    import jsonschema

    try:
        kind = jsonschema.validators.validator_for(schema, default=jsonschema.Draft202012Validator)
        kind.check_schema(schema)
    except jsonschema.SchemaError as error:
        return f"{error.json_path}: {error.message}"
    return None
