"""From a workflow file to the graph the engine runs, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attune.exceptions import Problem
from attune.language import flat
from attune.language.checks import built_in_check, calls, validator
from attune.language.dialects.native.models import MAX_ITERATIONS, RetryModel, TaskModel, WorkflowModel
from attune.language.dialects.native.sugar import FAIL, Arrow, Published, published
from attune.language.draft import Draft, flatten
from attune.language.findings import Findings
from attune.language.parsing import parse
from attune.language.refs import ref_of
from attune.language.source import Source
from attune.model.graph import ActionSpec, Graph, Join, JoinKind, Loop, RetryPolicy, Runner, Task, Transition
from attune.model.reachability import bits, predecessors


@dataclass(frozen=True, slots=True)
class Compiled:
    """A graph, the warnings about it, and whether the workflow may be started."""

    graph: Graph
    problems: tuple[Problem, ...] = ()
    enabled: bool = True


def compile_workflow(
    source: Source,
    *,
    pack: str,
    actions: Mapping[str, ActionSpec],
    pack_config: Mapping[str, Any] | None = None,
) -> Compiled:
    """Compile one workflow; ``actions`` are all that its tasks may call, workflows among them.

    Raises:
        InvalidDefinition: With all problems, warnings too, if any of them is an error.

    """
    findings = Findings(source)
    draft = _draft(findings, pack, actions, pack_config or {})
    findings.raise_errors()
    assert draft is not None, "a file without errors has a model"  # noqa: S101
    graph = _graph(draft, pack)
    return Compiled(graph, tuple(findings.sorted()), draft.workflow.enabled)


def workflow_as_action(ref: str, pack: str, parameters: Mapping[str, Any]) -> ActionSpec:
    """How a workflow stands among the actions; ``parameters`` is its JSON Schema."""
    return ActionSpec(ref, pack, runner=Runner.WORKFLOW, entry_point=ref, parameters=parameters)


def interface(source: Source, pack: str) -> ActionSpec:
    """What others need to know to call the workflow, even if the rest of its file is wrong."""
    findings = Findings(source)
    declared = source.data.get("parameters")
    schema = flat.to_schema(declared if isinstance(declared, dict) else None, ("parameters",), findings)
    return workflow_as_action(ref_of(findings, pack), pack, schema)


def _draft(
    findings: Findings, pack: str, actions: Mapping[str, ActionSpec], pack_config: Mapping[str, Any]
) -> Draft | None:
    """The checked draft; None if the file is too far from a workflow to look at it any further."""
    ref = ref_of(findings, pack)
    workflow = parse(WorkflowModel, findings)
    nodes = [] if workflow is None else flatten(workflow)
    if workflow is None or not validator.check_size(nodes, findings):
        return None
    parameters = flat.to_schema(workflow.parameters, ("parameters",), findings)
    output = None if workflow.output is None else flat.to_schema(workflow.output, ("output",), findings)
    specs = tuple(calls.resolve(node, actions, findings) for node in nodes)
    draft = Draft(ref, workflow, findings, parameters, output, nodes, specs, pack_config)
    validator.check(draft)
    return draft


def _graph(draft: Draft, pack: str) -> Graph:
    workflow = draft.workflow
    success_sources = predecessors(draft.success_successors)
    return Graph(
        ref=draft.ref,
        pack=pack,
        label=workflow.label or draft.ref,
        tasks=tuple(_task(draft, number, success_sources[number]) for number in range(len(draft.tasks))),
        entry=tuple(bits(draft.entries)),
        description=workflow.description,
        version=workflow.version,
        parameters=draft.parameters,
        output=draft.output,
        vars=tuple(workflow.vars.items()),
        output_map=workflow.output_map,
        timeout=workflow.timeout,
        fail_fast=workflow.fail_fast,
        pack_config=draft.pack_config,
    )


def _task(draft: Draft, number: int, success_sources: int) -> Task:
    task, workflow, reach = draft.tasks[number], draft.workflow, draft.reach[number]
    return Task(
        index=number,
        name=task.name,
        action=calls.named_action(task) or "",
        spec=draft.specs[number],
        input=built_in_check.compiled_input(task.input, draft.specs[number], draft.findings),
        when=task.when,
        with_items=task.with_items,
        batch_size=task.batch_size,
        concurrency=_concurrency(task, workflow),
        tolerate_failures=task.tolerate_failures,
        retry=_retry(task.retry or (None if task.is_group else workflow.retry)),
        timeout=task.timeout,
        publish=_pairs(published(task.publish, ())),
        publish_on_failure=_pairs(published(task.publish_on_failure, ())),
        transitions=tuple(_transition(draft, number, arrow) for arrow in draft.arrows[number]),
        join=_join(task.join),
        max_visits=_max_visits(draft, number),
        group=draft.nodes[number].group,
        members=tuple(bits(draft.levels.get(number, 0))),
        starts=tuple(bits(draft.starts(number))) if task.is_group else (),
        loop=_loop(task),
        sources=reach.sources,
        success_sources=success_sources,
        blockers=reach.blockers,
        cycle_body=reach.cycle_body,
        back_sources=reach.back_sources,
    )


def _concurrency(task: TaskModel, workflow: WorkflowModel) -> int | None:
    """The workflow's default is for tasks with items only."""
    return (task.concurrency or workflow.concurrency) if task.with_items is not None else None


def _max_visits(draft: Draft, number: int) -> int:
    """A member may run as often as asked for in each round of each visit of its group."""
    task, group = draft.tasks[number], draft.nodes[number].group
    own = task.max_visits or draft.workflow.max_visits
    if group is None:
        return own
    loop = _loop(draft.tasks[group])
    return own * (loop.max_iterations if loop else 1) * _max_visits(draft, group)


def _loop(task: TaskModel) -> Loop | None:
    if task.type != "loop":
        return None
    until = task.until is not None
    return Loop(task.until or task.while_ or "", until, until, task.max_iterations or MAX_ITERATIONS)


def _retry(model: RetryModel | None) -> RetryPolicy | None:
    return RetryPolicy(**model.model_dump()) if model else None


def _join(written: str | int | None) -> Join:
    if isinstance(written, int):
        return Join(JoinKind.COUNT, written)
    return Join(JoinKind(written)) if written else Join()


def _transition(draft: Draft, number: int, arrow: Arrow) -> Transition:
    level = draft.levels[draft.nodes[number].group]
    targets = dict.fromkeys(draft.index[target.name] for target in arrow.targets if target.name in draft.index)
    return Transition(
        ends=arrow.ends,
        targets=tuple(target for target in targets if level >> target & 1),
        when=arrow.when,
        publish=_pairs(arrow.publish),
        decision=arrow.decision,
        handles=arrow.handles,
        by_success=arrow.by_success,
        fail=any(target.name == FAIL for target in arrow.targets),
    )


def _pairs(entries: tuple[Published, ...]) -> tuple[tuple[str, Any], ...]:
    return tuple((entry.name, entry.value) for entry in entries)
