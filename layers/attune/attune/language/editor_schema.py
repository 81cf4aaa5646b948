"""JSON Schemas of our files, made from their models, for editors to complete and check by.

They are as strict as JSON Schema can be (draft-07, which every YAML language server reads); what needs a look at more
than one place of a file stays with the validator. With the actions of a workspace they also know which refs there are
and what each action is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from attune.model.action import ActionSpec, Runner

Json = dict[str, Any]
Models = Mapping[str, Json]
"""The schemas of a file's models, by the models' names."""

ABOUT: Final[Mapping[str, str]] = {
    "ref": "Its name: pack.name. Without one: the pack's and the file's.",
    "label": "A short name for people.",
    "description": "What it is for.",
    "tags": "Words to find it by.",
    "version": "Its version, as text.",
}
TEMPLATE: Final[Json] = {"type": "string", "pattern": r"\{[{%]"}
DURATION: Final[Json] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?|(\d+(\.\d+)?(ms|[smhdw]))+)\s*$"},
    ]
}
TEXTS: Final[Json] = {"type": "array", "items": {"type": "string"}}
_WRITTEN: Final[Mapping[str, Json]] = MappingProxyType(
    {"seconds": DURATION, "_positive": DURATION, "_condition": {"type": ["string", "boolean"]}}
)
_PASSED_THROUGH: Final = frozenset({"_without_empty_keys", "_numbered"})

_PARAMETER: Final[Json] = {
    "type": "object",
    "properties": {
        "type": {"description": "string, number, integer, boolean, object, array or null, or a list of these."},
        "required": {"type": ["boolean", "array"], "description": "True: it must be given."},
        "secret": {"type": "boolean", "description": "True: it must not be shown."},
        "default": {"description": "Its value if it is not given."},
        "enum": {"type": "array", "description": "The values that it may have."},
        "description": {"type": "string", "description": "What it is for."},
    },
}
_PARAMETERS: Final[Json] = {
    "if": {
        "properties": {"type": {"const": "object"}, "properties": {"type": "object"}},
        "required": ["type", "properties"],
    },
    "else": {"type": "object", "additionalProperties": _PARAMETER},
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FileKind:
    """A kind of file: its model, and what a schema needs beyond the model.

    ``keys`` describes the models' keys. Some keys are read by a function, so their type does not show what may be
    written: ``written`` has a schema for each such function, by its name. ``short_forms`` has one for each function
    that reads a short form, beside which the full form stays allowed. ``fields`` lists each ``(model, key)`` that
    describes fields, as parameters do. ``workspace`` adds what the actions of a workspace allow.
    """

    name: str
    model: type[BaseModel]
    keys: Mapping[str, Mapping[str, str]]
    written: Mapping[str, Json] = field(default_factory=dict)
    short_forms: Mapping[str, Json] = field(default_factory=dict)
    fields: tuple[tuple[str, str], ...] = ()
    workspace: Callable[[Models, list[ActionSpec]], None] | None = None


def editor_schema(kind: FileKind, actions: Iterable[ActionSpec] | None = None) -> Json:
    """The schema of a kind of file, knowing these actions and workflows if they are given."""
    schema = kind.model.model_json_schema(schema_generator=_generator_for(kind))
    models = {kind.model.__name__: schema, **schema.get("$defs", {})}
    for name, part in models.items():
        _describe(kind.keys.get(name), part)
    for name, key in kind.fields:
        models[name]["properties"][key] = {**_PARAMETERS, "description": kind.keys[name][key]}
    if actions is not None and kind.workspace is not None:
        kind.workspace(models, sorted(actions, key=lambda spec: spec.ref))
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"Attune {kind.name}", **_untitled(schema)}


def _generator_for(kind: FileKind) -> type[GenerateJsonSchema]:
    """Pydantic makes the generator itself, so what it knows of the kind of file is in its class."""
    return type("_KindGenerator", (_Generator,), {"kind": kind})


class _Generator(GenerateJsonSchema):
    """What may be written, rather than what the models make of it."""

    kind: FileKind

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """The form that the function reads; raises KeyError for a function that the kind of file does not know."""
        name = schema["function"]["function"].__name__
        if name in _PASSED_THROUGH:
            return super().function_before_schema(schema)
        if name in self.kind.short_forms:
            return {"anyOf": [self.kind.short_forms[name], super().function_before_schema(schema)]}
        return dict({**_WRITTEN, **self.kind.written}[name])

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """A key without a value is as good as absent, so there is no need to offer null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Defaults that say something."""
        found = super().default_schema(schema)
        return {key: value for key, value in found.items() if key != "default" or value not in (None, "")}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """No titles: the keys are their own."""
        del schema
        return False


def _untitled(schema: Json) -> Json:
    return {key: value for key, value in schema.items() if key != "title"}


def _describe(keys: Mapping[str, str] | None, schema: Json) -> None:
    schema.pop("title", None)
    if keys is None:
        return
    schema["description"] = keys[""]
    written_out = next(part for part in (schema, *schema.get("anyOf", ())) if "properties" in part)
    if written_out is not schema and "additionalProperties" in schema:
        written_out["additionalProperties"] = schema.pop("additionalProperties")
    for key, rule in written_out["properties"].items():
        rule["description"] = keys[key]


def templated(schema: Any) -> Any:
    """A schema that also accepts templates, here and in all that is inside."""
    if not isinstance(schema, Mapping):
        return schema
    inner = {key: _INSIDE[key](value) if key in _INSIDE else value for key, value in schema.items()}
    if schema.get("type") == "string" and not {"enum", "pattern", "format", "maxLength", "const"} & set(schema):
        return inner
    about = {key: inner.pop(key) for key in ("description", "default") if key in inner}
    return {**about, "anyOf": [inner, TEMPLATE]} if inner else about


def _each_value(parts: Mapping[str, Any]) -> Json:
    return {name: templated(part) for name, part in parts.items()}


def _each(parts: Any) -> Any:
    return [templated(part) for part in parts] if isinstance(parts, list) else templated(parts)


_INSIDE: Final[Mapping[str, Callable[[Any], Any]]] = MappingProxyType(
    {"properties": _each_value, "items": _each, "additionalProperties": templated, "anyOf": _each, "allOf": _each}
)


def _given(spec: ActionSpec) -> Json:
    """What an action is given, from its parameters: templates may stand for values."""
    properties = _each_value(spec.parameters.get("properties") or {})
    found: Json = {"type": "object", "properties": properties}
    needed = [name for name in spec.parameters.get("required") or () if not _has_default(spec, name)]
    if spec.parameters.get("additionalProperties") is False:
        found["additionalProperties"] = False
        found["patternProperties"] = {TEMPLATE["pattern"]: True}
    return found | ({"required": needed} if needed else {})


def _has_default(spec: ActionSpec, name: str) -> bool:
    rule = (spec.parameters.get("properties") or {}).get(name)
    return isinstance(rule, Mapping) and "default" in rule


def by_ref(key: str, given: str, specs: Iterable[ActionSpec]) -> list[Json]:
    """For each action: if ``key`` names it, ``given`` must be what it is given."""
    rows = []
    for spec in specs:
        rule = _given(spec)
        then: Json = {"properties": {given: rule}} | ({"required": [given]} if "required" in rule else {})
        rows.append({"if": {"properties": {key: {"const": spec.ref}}, "required": [key]}, "then": then})
    return rows


def choose(schema: Json, key: str, refs: Iterable[str], *, or_template: bool = False) -> None:
    """Have the key of a model's schema be one of these refs."""
    names = {"enum": sorted(refs)}
    choice: Json = {"anyOf": [names, TEMPLATE]} if or_template else names
    schema["properties"][key] = {"description": schema["properties"][key]["description"], **choice}


def workflows_among(specs: Iterable[ActionSpec]) -> list[ActionSpec]:
    """Those of the actions that are workflows."""
    return [spec for spec in specs if spec.runner is Runner.WORKFLOW]
