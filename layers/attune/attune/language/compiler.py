"""From a workflow file to the graph the engine runs, or to everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from attune.exceptions import Problem
from attune.language.checks import built_in_check, calls, validator
from attune.language.dialect import Dialect
from attune.language.dialects.native.dialect import NATIVE
from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.source import Source
from attune.language.task_draft import FAIL, Arrow, Published
from attune.model.action import ActionSpec
from attune.model.graph import Graph, Task, Transition
from attune.model.reachability import bits, predecessors

DIALECTS: Final = (NATIVE,)
"""The dialects there are."""


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
    dialects: Sequence[Dialect] = DIALECTS,
) -> Compiled:
    """Compile one workflow; ``actions`` are all that its tasks may call, workflows among them.

    It is read in the first of the ``dialects`` that recognises it.

    Raises:
        InvalidDefinition: With all problems, warnings too, if any of them is an error.

    """
    dialect = dialect_of(source, dialects)
    findings = Findings(source, dialect.advice)
    draft = _draft(dialect, findings, pack, actions, pack_config or {})
    findings.raise_errors()
    assert draft is not None, "a file without errors has a draft"  # noqa: S101
    graph = _graph(draft, pack)
    return Compiled(graph, tuple(findings.sorted()), draft.workflow.enabled)


def interface(source: Source, pack: str, dialects: Sequence[Dialect] = DIALECTS) -> ActionSpec:
    """What others need to know to call the workflow, even if the rest of its file is wrong."""
    return dialect_of(source, dialects).interface(Findings(source), pack)


def dialect_of(source: Source, dialects: Sequence[Dialect] = DIALECTS) -> Dialect:
    """The first dialect that recognises the file. If none does, the last one: it says what is missing."""
    return next((dialect for dialect in dialects if dialect.recognises(source.data)), dialects[-1])


def _draft(
    dialect: Dialect,
    findings: Findings,
    pack: str,
    actions: Mapping[str, ActionSpec],
    pack_config: Mapping[str, Any],
) -> Draft | None:
    """The checked draft; None if the file is too far from a workflow to look at it any further."""
    workflow = dialect.read(findings, pack)
    if workflow is None or not validator.check_size(workflow, findings):
        return None
    specs = tuple(calls.resolve(task, workflow, actions, findings) for task in workflow.tasks)
    draft = Draft(workflow, findings, specs, pack_config)
    validator.check(draft)
    dialect.check(draft)
    return draft


def _graph(draft: Draft, pack: str) -> Graph:
    workflow = draft.workflow
    success_sources = predecessors(draft.success_successors)
    return Graph(
        ref=workflow.ref,
        pack=pack,
        label=workflow.label or workflow.ref,
        tasks=tuple(_task(draft, number, success_sources[number]) for number in range(len(draft.tasks))),
        entry=tuple(bits(draft.entries)),
        description=workflow.description,
        version=workflow.version,
        parameters=workflow.parameters,
        output=workflow.output,
        vars=tuple(workflow.vars.items()),
        output_map=workflow.output_map,
        timeout=workflow.timeout,
        fail_fast=workflow.fail_fast,
        pack_config=draft.pack_config,
        scope=workflow.scope,
    )


def _task(draft: Draft, number: int, success_sources: int) -> Task:
    task, spec, reach = draft.tasks[number], draft.specs[number], draft.reach[number]
    return Task(
        index=number,
        name=task.name,
        action=task.call or "",
        spec=spec,
        input=built_in_check.compiled_input(task.input, spec, draft.findings),
        when=task.when,
        with_items=task.with_items,
        batch_size=task.batch_size,
        concurrency=task.concurrency,
        tolerate_failures=task.tolerate_failures,
        retry=task.retry,
        timeout=task.timeout,
        publish=_pairs(task.publish),
        publish_on_failure=_pairs(task.publish_on_failure),
        transitions=tuple(_transition(draft, number, arrow) for arrow in task.arrows),
        join=task.join,
        max_visits=_max_visits(draft, number),
        group=task.group,
        members=tuple(bits(draft.levels.get(number, 0))),
        starts=tuple(bits(draft.starts(number))) if task.is_group else (),
        loop=task.loop,
        sources=reach.sources,
        success_sources=success_sources,
        blockers=reach.blockers,
        cycle_body=reach.cycle_body,
        back_sources=reach.back_sources,
    )


def _max_visits(draft: Draft, number: int) -> int:
    """A member may run as often as asked for in each round of each visit of its group."""
    task = draft.tasks[number]
    if task.group is None:
        return task.max_visits
    loop = draft.tasks[task.group].loop
    return task.max_visits * (loop.max_iterations if loop else 1) * _max_visits(draft, task.group)


def _transition(draft: Draft, number: int, arrow: Arrow) -> Transition:
    level = draft.levels[draft.tasks[number].group]
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
