"""Parameters as people write them, and the JSON Schema that they mean.

The flat form maps each name to a JSON Schema in which two words are ours: ``required: true`` and ``secret: true``
(which becomes JSON Schema's ``writeOnly``). It allows no other names. A mapping with ``type: object`` and a mapping
of ``properties`` is a full JSON Schema already, and stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.expressions.values import nearest
from attune.language.findings import Findings
from attune.language.source import Path
from attune.model.schema import mismatches, schema_error

_TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")
_SWITCHES = ("required", "secret")


def is_full_schema(declared: Mapping[str, Any]) -> bool:
    """Whether the parameters are written as a JSON Schema."""
    return declared.get("type") == "object" and isinstance(declared.get("properties"), Mapping)


def to_schema(declared: Mapping[str, Any] | None, path: Path, findings: Findings) -> dict[str, Any]:
    """The JSON Schema of declared parameters; what is wrong with them goes to ``findings``."""
    if declared is None:
        return {}
    if is_full_schema(declared):
        return checked_schema(dict(declared), path, findings)
    properties = {}
    required = []
    for name, rule in declared.items():
        here = (*path, name)
        if not isinstance(rule, Mapping):
            message = f"the parameter {name!r} must be described by a mapping"
            findings.error("bad-parameter", here, message, f"write {name}: {{type: string}}")
            continue
        properties[name] = checked_schema(_property(rule, here, findings), here, findings)
        if rule.get("required") is True:
            required.append(name)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _property(rule: Mapping[str, Any], path: Path, findings: Findings) -> dict[str, Any]:
    """One parameter's schema, without our own words (a list under ``required`` is JSON Schema's)."""
    schema = dict(rule)
    for word in _SWITCHES:
        if word in schema and not isinstance(schema[word], bool | list):
            findings.error("bad-parameter", (*path, word), f"{word!r} must be true or false")
            del schema[word]
    if isinstance(schema.get("required"), bool):
        del schema["required"]
    if schema.pop("secret", False) is True:
        schema["writeOnly"] = True
    return schema


def checked_schema(schema: dict[str, Any], path: Path, findings: Findings) -> dict[str, Any]:
    """The schema itself, or an empty one, and an error, if it or its default is wrong."""
    kind = schema.get("type")
    if isinstance(kind, str) and kind not in _TYPES:
        findings.error("bad-schema", (*path, "type"), f"there is no type {kind!r}", _type_hint(kind))
        return {}
    wrong = schema_error(schema)
    if wrong:
        findings.error("bad-schema", path, f"not a valid JSON Schema: {wrong}")
        return {}
    for row in mismatches(schema["default"], schema) if "default" in schema else ():
        findings.error("bad-default", (*path, "default"), f"the default does not fit: {row['message']}")
    return schema


def _type_hint(kind: str) -> str:
    near = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array", "dict": "object"}
    found = f"did you mean {near[kind]!r}?" if kind in near else nearest(kind, _TYPES)
    return found or f"the types are {', '.join(_TYPES)}"
