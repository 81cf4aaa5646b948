"""Which action each task calls, and whether what it hands over can be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.graph import ActionSpec, Runner
from attune.language.models import TaskModel
from attune.language.schema import mismatches
from attune.language.source import Path
from attune.language.templates import is_template
from attune.language.values import nearest


def resolve(task: TaskModel, path: Path, actions: Mapping[str, ActionSpec], findings: Findings) -> ActionSpec | None:
    """The action that the task names; None, and an error, if there is none."""
    here = (*path, "action")
    if task.type == "parallel":
        findings.error("not-supported", (*path, "type"), "tasks of type 'parallel' are not supported yet")
    elif task.action is None:
        if findings.source.data["tasks"][path[-1]].get("action") is None:
            findings.error("missing-action", path, f"task {task.name!r} has no 'action'")
    elif is_template(task.action):
        findings.error("not-supported", here, "an action named by a template is not supported yet")
    elif task.action not in actions:
        hint = nearest(task.action, actions)
        findings.error("unknown-action", here, f"there is no action {task.action!r}", hint)
    else:
        return _of_the_right_type(task, path, actions[task.action], findings)
    return None


def _of_the_right_type(task: TaskModel, path: Path, spec: ActionSpec, findings: Findings) -> ActionSpec:
    if task.type == "workflow" and spec.runner is not Runner.WORKFLOW:
        findings.error("not-a-workflow", (*path, "action"), f"{spec.ref!r} is an action, not a workflow")
    return spec


def check_inputs(draft: Draft) -> None:
    """Inputs that are missing, unknown, or written out and of the wrong type."""
    for number, (task, spec) in enumerate(zip(draft.tasks, draft.specs, strict=True)):
        if spec is not None:
            check_input(draft.findings, (*draft.path(number), "input"), task.input, spec)


def check_input(findings: Findings, path: Path, values: Mapping[str, Any], spec: ActionSpec) -> None:
    """The same for one call of ``spec`` with ``values``, written at ``path``."""
    properties: Mapping[str, Any] = spec.parameters.get("properties") or {}
    missing = [name for name in spec.parameters.get("required") or () if name not in values]
    for name in missing if not _names_vary(values) else ():
        if "default" not in _rule(properties, name):
            findings.error("missing-input", path, f"{spec.ref} needs the input {name!r}", key=True)
    for name, value in values.items():
        if name in properties:
            _check_value(findings, (*path, name), spec, value, _rule(properties, name))
        elif spec.parameters.get("additionalProperties") is False and not is_template(name):
            hint = nearest(name, properties) or _known(properties)
            findings.error("unknown-input", (*path, name), f"{spec.ref} has no input {name!r}", hint, key=True)


def _rule(properties: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    rule = properties.get(name)
    return rule if isinstance(rule, Mapping) else {}


def _known(properties: Mapping[str, Any]) -> str:
    return f"its inputs: {', '.join(properties)}" if properties else "it takes none"


def _names_vary(values: Mapping[str, Any]) -> bool:
    return any(is_template(name) for name in values)


def _check_value(findings: Findings, path: Path, spec: ActionSpec, value: Any, rule: Mapping[str, Any]) -> None:
    if has_template(value):
        return
    for row in mismatches(value, rule):
        below = row["path"].removeprefix("$")
        findings.error("bad-input", path, f"{spec.ref}: input {path[-1]!r}{below}: {row['message']}")


def has_template(value: Any) -> bool:
    """Whether there is a template anywhere in the value."""
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, dict):
        return any(has_template(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(has_template(part) for part in value)
