"""From a workflow file of the native dialect to a :class:`WorkflowDraft`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from attune.language import flat
from attune.language.dialects.native.models import MAX_ITERATIONS, RetryModel, TaskModel, WorkflowModel
from attune.language.dialects.native.sugar import arrows, published
from attune.language.dialects.native.written import has_wrong_type, writes
from attune.language.findings import Findings
from attune.language.parsing import parse
from attune.language.refs import ref_of
from attune.language.source import Path
from attune.language.task_draft import Aspect, Places, TaskDraft, TaskKind, WorkflowDraft
from attune.model.action import ActionSpec, workflow_as_action
from attune.model.graph import Join, JoinKind, Loop, RetryPolicy

_KEYS: Final[dict[Aspect, str]] = {
    Aspect.NAME: "name",
    Aspect.INPUT: "input",
    Aspect.WHEN: "when",
    Aspect.WITH_ITEMS: "with_items",
    Aspect.TIMEOUT: "timeout",
    Aspect.JOIN: "join",
    Aspect.ON_SKIP: "on_skip",
    Aspect.TASKS: "tasks",
}
"""Where aspects of a task are written, for those that have one key of their own."""
_SEVERAL_KEYS: Final[dict[Aspect, tuple[str, str]]] = {
    Aspect.CALL: ("action", "workflow"),
    Aspect.LOOP_CONDITION: ("while", "until"),
}
_HEAD: Final[dict[Aspect, Path]] = {
    Aspect.TASKS: ("tasks",),
    Aspect.VARS: ("vars",),
    Aspect.OUTPUT_MAP: ("output_map",),
    Aspect.FAIL_FAST: ("fail_fast",),
}


_VARS: Final = frozenset({Aspect.VARS})


def interface(findings: Findings, pack: str) -> ActionSpec:
    """What others need to know to call the workflow, even if the rest of its file is wrong."""
    declared = findings.source.data.get("parameters")
    schema = flat.to_schema(declared if isinstance(declared, dict) else None, ("parameters",), findings)
    return workflow_as_action(ref_of(findings, pack), pack, schema)


def read(findings: Findings, pack: str) -> WorkflowDraft | None:
    """The workflow of the findings' file; None if it is too far from one."""
    ref = ref_of(findings, pack)
    workflow = parse(WorkflowModel, findings)
    if workflow is None:
        return None
    rows = list(_flat(workflow.tasks, ("tasks",), None, 0))
    models = [model for model, _, _ in rows]
    return WorkflowDraft(
        ref=ref,
        tasks=[_task(model, path, group, workflow, findings) for model, path, group in rows],
        label=workflow.label,
        description=workflow.description,
        version=workflow.version,
        parameters=flat.to_schema(workflow.parameters, ("parameters",), findings),
        output=None if workflow.output is None else flat.to_schema(workflow.output, ("output",), findings),
        vars=workflow.vars,
        output_map=workflow.output_map,
        enabled=workflow.enabled,
        timeout=workflow.timeout,
        fail_fast=workflow.fail_fast,
        places=_HEAD,
        words={Aspect.CALL: "action"},
        unreadable=frozenset() if isinstance(findings.source.data.get("vars") or {}, dict) else _VARS,
        origin=models,
    )


def _flat(
    tasks: Sequence[TaskModel], path: Path, group: int | None, first: int
) -> Iterator[tuple[TaskModel, Path, int | None]]:
    """All tasks with their paths and groups, members of groups included, numbered from ``first`` on."""
    number = first
    for position, task in enumerate(tasks):
        here, own = (*path, position), number
        yield task, here, group
        number += 1
        for row in _flat((task.tasks or []) if task.is_group else [], (*here, "tasks"), own, number):
            yield row
            number += 1


def _task(model: TaskModel, path: Path, group: int | None, workflow: WorkflowModel, findings: Findings) -> TaskDraft:
    is_workflow = model.type == "workflow" and model.workflow is not None
    call_key = "workflow" if is_workflow else "action"
    retry = model.retry or (None if model.is_group else workflow.retry)
    return TaskDraft(
        name=model.name,
        path=path,
        kind=TaskKind(model.type),
        call=model.workflow if is_workflow else model.action,
        names_workflow=is_workflow,
        input=model.input,
        when=model.when,
        with_items=model.with_items,
        batch_size=model.batch_size,
        concurrency=(model.concurrency or workflow.concurrency) if model.with_items is not None else None,
        tolerate_failures=model.tolerate_failures,
        retry=_retry(retry),
        timeout=model.timeout,
        publish=published(model.publish, (*path, "publish")),
        publish_on_failure=published(model.publish_on_failure, (*path, "publish_on_failure")),
        arrows=tuple(arrows(model, path)),
        join=_join(model.join),
        max_visits=model.max_visits or workflow.max_visits,
        loop=_loop(model),
        group=group,
        places=_places(model, path, call_key),
        written=_written(findings, path),
        undecided=has_wrong_type(findings, path, model),
    )


def _places(model: TaskModel, path: Path, call_key: str) -> Places:
    own: dict[Aspect, Path] = {aspect: (*path, key) for aspect, key in _KEYS.items()}
    own[Aspect.CALL] = (*path, call_key)
    own[Aspect.LOOP_CONDITION] = (*path, "until" if model.until is not None else "while")
    own[Aspect.RETRY_CONDITION] = (*(path if model.retry else ()), "retry", "on_error")
    return own


def _written(findings: Findings, path: Path) -> frozenset[Aspect]:
    found = {aspect for aspect, key in _KEYS.items() if writes(findings, path, key)}
    for aspect, keys in _SEVERAL_KEYS.items():
        if any(writes(findings, path, key) for key in keys):
            found.add(aspect)
    return frozenset(found)


def _retry(model: RetryModel | None) -> RetryPolicy | None:
    return RetryPolicy(**model.model_dump()) if model else None


def _join(written: Any) -> Join:
    if isinstance(written, int):
        return Join(JoinKind.COUNT, written)
    return Join(JoinKind(written)) if written else Join()


def _loop(task: TaskModel) -> Loop | None:
    if task.type != "loop":
        return None
    until = task.until is not None
    condition, most = task.until or task.while_ or "", task.max_iterations or MAX_ITERATIONS
    return Loop(condition=condition, negated=until, after=until, max_iterations=most)
