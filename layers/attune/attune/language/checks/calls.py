"""Which action each task calls, and whether what it hands over can be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.expressions.templates import is_template
from attune.expressions.values import nearest
from attune.language.checks import built_in_check
from attune.language.dialects.native.models import TaskModel
from attune.language.draft import Draft, Node, has_wrong_type, writes
from attune.language.findings import Findings
from attune.language.source import Path
from attune.model.graph import ActionSpec, Runner
from attune.model.schema import mismatches


def resolve(node: Node, actions: Mapping[str, ActionSpec], findings: Findings) -> ActionSpec | None:
    """The action that the task names; None if a template names it, or with an error if there is none."""
    task, path = node.task, node.path
    if task.is_group or has_wrong_type(findings, node):
        return None
    key = "workflow" if task.type == "workflow" and task.workflow is not None else "action"
    name = named_action(task)
    if name is None:
        if not writes(findings, path, "action") and not writes(findings, path, "workflow"):
            findings.error("missing-action", path, f"task {task.name!r} has no 'action'")
    elif is_template(name):
        return None
    elif name not in actions:
        kind = "workflow" if key == "workflow" else "action"
        findings.error("unknown-action", (*path, key), f"there is no {kind} {name!r}", nearest(name, actions))
    else:
        return _of_the_right_type(task, (*path, key), actions[name], findings)
    return None


def named_action(task: TaskModel) -> str | None:
    """What the task runs, as it is written."""
    return task.workflow if task.type == "workflow" and task.workflow is not None else task.action


def _of_the_right_type(task: TaskModel, path: Path, spec: ActionSpec, findings: Findings) -> ActionSpec:
    if task.type == "workflow" and spec.runner is not Runner.WORKFLOW:
        findings.error("not-a-workflow", path, f"{spec.ref!r} is an action, not a workflow")
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
    if spec.runner is Runner.ENGINE:
        built_in_check.check_input(findings, path, values, spec)


def _rule(properties: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    rule = properties.get(name)
    return rule if isinstance(rule, Mapping) else {}


def _known(properties: Mapping[str, Any]) -> str:
    return f"its inputs: {', '.join(properties)}" if properties else "it takes none"


def _names_vary(values: Mapping[str, Any]) -> bool:
    return any(is_template(name) for name in values)


def _check_value(findings: Findings, path: Path, spec: ActionSpec, value: Any, rule: Mapping[str, Any]) -> None:
    if built_in_check.has_template(value):
        return
    for row in mismatches(value, rule):
        below = row["path"].removeprefix("$")
        findings.error("bad-input", path, f"{spec.ref}: input {path[-1]!r}{below}: {row['message']}")
