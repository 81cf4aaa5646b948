"""JSON Schemas of our files, made from the models, for editors to complete and check by.

They are as strict as JSON Schema can be (draft-07, which every YAML language server reads); what needs a look at more
than one place of a file stays with the validator. With the actions of a workspace they also know which refs there are
and what each action is given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from attune.language.dialects.native.key_descriptions import KEYS
from attune.language.dialects.native.models import ActionModel, PackModel, RuleModel, SensorModel, WorkflowModel
from attune.language.files.suite_file import SuiteModel
from attune.model.graph import ActionSpec, Runner

Json = dict[str, Any]

MODELS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    {
        "workflow": WorkflowModel,
        "action": ActionModel,
        "pack": PackModel,
        "rule": RuleModel,
        "sensor": SensorModel,
        "test": SuiteModel,
    }
)
"""The kinds of files."""

_TEMPLATE: Final[Json] = {"type": "string", "pattern": r"\{[{%]"}
_DURATION: Final[Json] = {
    "anyOf": [
        {"type": "number", "minimum": 0},
        {"type": "string", "pattern": r"^\s*(\d+(\.\d+)?|(\d+(\.\d+)?(ms|[smhdw]))+)\s*$"},
    ]
}
_TEXTS: Final[Json] = {"type": "array", "items": {"type": "string"}}
_NAME_OR_NAMES: Final[Json] = {"anyOf": [{"type": "string"}, _TEXTS]}
_REASON: Final[Json] = {"anyOf": [{"const": True}, {"type": "string"}]}
_WRITTEN: Final[Mapping[str, Json]] = MappingProxyType(
    {
        "seconds": _DURATION,
        "_positive": _DURATION,
        "_one_or_more": _NAME_OR_NAMES,
        "_published": {
            "anyOf": [
                {"type": ["object", "string"]},
                {"type": "array", "items": {"type": ["object", "string"]}},
            ]
        },
        "_items": {"anyOf": [{"type": ["array", "object"]}, _TEMPLATE]},
        "_join": {"anyOf": [{"enum": ["all", "each"]}, {"type": "integer", "minimum": 1}]},
        "_tolerance": {
            "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?%$"}],
        },
        "_condition": {"type": ["string", "boolean"]},
        "_real": {"anyOf": [{"type": "boolean"}, _TEXTS]},
        "_reason": _REASON,
    }
)
"""What may be written where a function of the models reads the value, by the function's name."""
_SHORT_FORMS: Final[Mapping[str, Json]] = MappingProxyType({"_from_length": _DURATION})
"""The same where the value may also be written in full."""
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
_DESCRIBES_FIELDS: Final = (
    ("WorkflowModel", "parameters"),
    ("WorkflowModel", "output"),
    ("ActionModel", "parameters"),
    ("PackModel", "config"),
)


class _Generator(GenerateJsonSchema):
    """What may be written, rather than what the models make of it."""

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """The form that the function reads; raises KeyError for a function that this module does not know."""
        name = schema["function"]["function"].__name__
        if name in _PASSED_THROUGH:
            return super().function_before_schema(schema)
        if name in _SHORT_FORMS:
            return {"anyOf": [_SHORT_FORMS[name], super().function_before_schema(schema)]}
        return dict(_WRITTEN[name])

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


def json_schema(kind: str, actions: Iterable[ActionSpec] | None = None) -> Json:
    """The schema of a kind of file (see :data:`MODELS`), knowing these actions and workflows if they are given."""
    model = MODELS[kind]
    schema = model.model_json_schema(schema_generator=_Generator)
    models = {model.__name__: schema, **schema.get("$defs", {})}
    for name, part in models.items():
        _describe(name, part)
    for name, key in _DESCRIBES_FIELDS:
        if name in models:
            models[name]["properties"][key] = {**_PARAMETERS, "description": KEYS[name][key]}
    if actions is not None and kind in _WORKSPACE:
        _WORKSPACE[kind](models, sorted(actions, key=lambda spec: spec.ref))
    return {"$schema": "http://json-schema.org/draft-07/schema#", "title": f"Attune {kind}", **_untitled(schema)}


def _untitled(schema: Json) -> Json:
    return {key: value for key, value in schema.items() if key != "title"}


def _describe(name: str, schema: Json) -> None:
    schema.pop("title", None)
    keys = KEYS.get(name)
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
    return {**about, "anyOf": [inner, _TEMPLATE]} if inner else about


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
        found["patternProperties"] = {_TEMPLATE["pattern"]: True}
    return found | ({"required": needed} if needed else {})


def _has_default(spec: ActionSpec, name: str) -> bool:
    rule = (spec.parameters.get("properties") or {}).get(name)
    return isinstance(rule, Mapping) and "default" in rule


def _by_ref(key: str, given: str, specs: Iterable[ActionSpec]) -> list[Json]:
    """For each action: if ``key`` names it, ``given`` must be what it is given."""
    rows = []
    for spec in specs:
        rule = _given(spec)
        then: Json = {"properties": {given: rule}} | ({"required": [given]} if "required" in rule else {})
        rows.append({"if": {"properties": {key: {"const": spec.ref}}, "required": [key]}, "then": then})
    return rows


def _choose(schema: Json, key: str, refs: Iterable[str], *, or_template: bool = False) -> None:
    names = {"enum": sorted(refs)}
    choice: Json = {"anyOf": [names, _TEMPLATE]} if or_template else names
    schema["properties"][key] = {"description": schema["properties"][key]["description"], **choice}


def _workflows(specs: Iterable[ActionSpec]) -> list[ActionSpec]:
    return [spec for spec in specs if spec.runner is Runner.WORKFLOW]


def _in_workflow(models: Mapping[str, Json], specs: list[ActionSpec]) -> None:
    task, workflows = models["TaskModel"], _workflows(specs)
    _choose(task, "action", (spec.ref for spec in specs), or_template=True)
    _choose(task, "workflow", (spec.ref for spec in workflows), or_template=True)
    task["allOf"] = _by_ref("action", "input", specs) + _by_ref("workflow", "input", workflows)


def _in_rule(models: Mapping[str, Json], specs: list[ActionSpec]) -> None:
    rule, workflows = models["RuleModel"], _workflows(specs)
    _choose(rule, "action", (spec.ref for spec in workflows))
    rule["allOf"] = _by_ref("action", "parameters", workflows)


def _in_sensor(models: Mapping[str, Json], specs: list[ActionSpec]) -> None:
    sensor = models["SensorModel"]
    _choose(sensor, "action", (spec.ref for spec in specs))
    sensor["allOf"] = _by_ref("action", "parameters", specs)


def _in_test(models: Mapping[str, Json], specs: list[ActionSpec]) -> None:
    for name in ("SuiteModel", "CaseModel"):
        _choose(models[name], "workflow", (spec.ref for spec in _workflows(specs)))
        _choose(models[name], "action", (spec.ref for spec in specs))


_WORKSPACE: Final[Mapping[str, Callable[[Mapping[str, Json], list[ActionSpec]], None]]] = MappingProxyType(
    {"workflow": _in_workflow, "rule": _in_rule, "sensor": _in_sensor, "test": _in_test}
)
