"""The JSON Schema of a workflow in the native dialect."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from attune.language.dialects.native.key_descriptions import KEYS
from attune.language.dialects.native.models import WorkflowModel
from attune.language.editor_schema import TEMPLATE, TEXTS, FileKind, Models, by_ref, choose, workflows_among
from attune.model.action import ActionSpec


def _in_workspace(models: Models, specs: list[ActionSpec]) -> None:
    task, workflows = models["TaskModel"], workflows_among(specs)
    choose(task, "action", (spec.ref for spec in specs), or_template=True)
    choose(task, "workflow", (spec.ref for spec in workflows), or_template=True)
    task["allOf"] = by_ref("action", "input", specs) + by_ref("workflow", "input", workflows)


WORKFLOW: Final = FileKind(
    name="workflow",
    model=WorkflowModel,
    keys=KEYS,
    written=MappingProxyType(
        {
            "_one_or_more": {"anyOf": [{"type": "string"}, TEXTS]},
            "_published": {
                "anyOf": [
                    {"type": ["object", "string"]},
                    {"type": "array", "items": {"type": ["object", "string"]}},
                ]
            },
            "_items": {"anyOf": [{"type": ["array", "object"]}, TEMPLATE]},
            "_join": {"anyOf": [{"enum": ["all", "each"]}, {"type": "integer", "minimum": 1}]},
            "_tolerance": {
                "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^\d+(\.\d+)?%$"}],
            },
        }
    ),
    fields=(("WorkflowModel", "parameters"), ("WorkflowModel", "output")),
    workspace=_in_workspace,
)
