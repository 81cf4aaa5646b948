"""Which action each task calls, and whether what it hands over can be right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.expressions.templates import is_template
from attune.expressions.values import nearest
from attune.language.checks import built_in_check
from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.source import Path
from attune.language.task_draft import Aspect, TaskDraft, TaskKind, WorkflowDraft
from attune.model.action import ActionSpec, Runner
from attune.model.schema import mismatches


def resolve(
    task: TaskDraft, workflow: WorkflowDraft, actions: Mapping[str, ActionSpec], findings: Findings
) -> ActionSpec | None:
    """The action that the task names; None if a template names it, or with an error if there is none."""
    if task.is_group or task.undecided:
        return None
    place = task.place(Aspect.CALL)
    if task.call is None:
        if Aspect.CALL not in task.written:
            findings.error("missing-action", task.path, f"task {task.name!r} has no {workflow.word(Aspect.CALL)!r}")
    elif is_template(task.call):
        return None
    elif task.call not in actions:
        kind = "workflow" if task.names_workflow else "action"
        findings.error("unknown-action", place, f"there is no {kind} {task.call!r}", nearest(task.call, actions))
    else:
        return _of_the_right_kind(task, actions[task.call], findings)
    return None


def _of_the_right_kind(task: TaskDraft, spec: ActionSpec, findings: Findings) -> ActionSpec:
    if task.kind is TaskKind.WORKFLOW and spec.runner is not Runner.WORKFLOW:
        findings.error("not-a-workflow", task.place(Aspect.CALL), f"{spec.ref!r} is an action, not a workflow")
    return spec


def check_inputs(draft: Draft) -> None:
    """Inputs that are missing, unknown, or written out and of the wrong type."""
    for number, (task, spec) in enumerate(zip(draft.tasks, draft.specs, strict=True)):
        if spec is not None:
            check_input(draft.findings, draft.place(number, Aspect.INPUT), task.input, spec)


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
