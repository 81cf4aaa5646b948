"""The JSON Schemas of all kinds of files, for editors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from attune.language.dialects.native.dialect import NATIVE
from attune.language.editor_schema import (
    DURATION,
    TEXTS,
    FileKind,
    Json,
    Models,
    by_ref,
    choose,
    editor_schema,
    workflows_among,
)
from attune.language.files.key_descriptions import KEYS
from attune.language.files.models import ActionModel, PackModel, RuleModel, SensorModel
from attune.language.files.suite_file import SuiteModel
from attune.model.action import ActionSpec


def _in_rule(models: Models, specs: list[ActionSpec]) -> None:
    rule, workflows = models["RuleModel"], workflows_among(specs)
    choose(rule, "action", (spec.ref for spec in workflows))
    rule["allOf"] = by_ref("action", "parameters", workflows)


def _in_sensor(models: Models, specs: list[ActionSpec]) -> None:
    sensor = models["SensorModel"]
    choose(sensor, "action", (spec.ref for spec in specs))
    sensor["allOf"] = by_ref("action", "parameters", specs)


def _in_test(models: Models, specs: list[ActionSpec]) -> None:
    for name in ("SuiteModel", "CaseModel"):
        choose(models[name], "workflow", (spec.ref for spec in workflows_among(specs)))
        choose(models[name], "action", (spec.ref for spec in specs))


_TEST: Final = FileKind(
    name="test",
    model=SuiteModel,
    keys=KEYS,
    written=MappingProxyType(
        {
            "_real": {"anyOf": [{"type": "boolean"}, TEXTS]},
            "_reason": {"anyOf": [{"const": True}, {"type": "string"}]},
        }
    ),
    short_forms=MappingProxyType({"_from_length": DURATION}),
    workspace=_in_test,
)
_OTHERS: Final[Mapping[str, FileKind]] = MappingProxyType(
    {
        "action": FileKind(name="action", model=ActionModel, keys=KEYS, fields=(("ActionModel", "parameters"),)),
        "pack": FileKind(name="pack", model=PackModel, keys=KEYS, fields=(("PackModel", "config"),)),
        "rule": FileKind(name="rule", model=RuleModel, keys=KEYS, workspace=_in_rule),
        "sensor": FileKind(name="sensor", model=SensorModel, keys=KEYS, workspace=_in_sensor),
        "test": _TEST,
    }
)

KINDS: Final = ("workflow", *_OTHERS)
"""The kinds of files."""


def json_schema(kind: str, actions: Iterable[ActionSpec] | None = None) -> Json:
    """The schema of one of :data:`KINDS`, knowing these actions and workflows if they are given."""
    return NATIVE.schema(actions) if kind == "workflow" else editor_schema(_OTHERS[kind], actions)
