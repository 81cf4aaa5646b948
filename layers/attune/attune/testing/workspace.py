"""The packs that tests run in: their workflows compiled once, and changed where a case mocks what the engine runs."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final

from attune.adapters.memory.catalog import MemoryCatalog
from attune.exceptions import InvalidDefinition, NotFound
from attune.execution.ports.catalog import PackRecord, WorkflowVersion
from attune.expressions.values import nearest
from attune.language.compiler import compile_workflow
from attune.language.files.suite_file import Case
from attune.language.source import load
from attune.model.action import ActionSpec, Runner
from attune.model.graph import Graph, Task
from attune.packs.pack import Pack, catalogue, compile_pack

_NOT_WORKERS: Final = frozenset({Runner.WORKFLOW, Runner.ENGINE})
"""Who runs an action without a worker, so that no runner could answer for it."""
ONLY_TASK: Final = "action"
"""The name of the task in the workflow around an action that is tested by itself."""


class Workspace:
    """``home`` is the folder in which the packs lie, for actions that run for real."""

    def __init__(self, packs: Sequence[Pack], home: Path) -> None:
        self.packs, self.home = packs, home
        self.actions = catalogue(packs)

    @cached_property
    def workflows(self) -> dict[str, Graph | InvalidDefinition]:
        """Every workflow by ref: its graph, or what is wrong with it."""
        found: dict[str, Graph | InvalidDefinition] = {}
        for pack in self.packs:
            for ref, compiled in compile_pack(pack, self.actions):
                found[ref] = compiled if isinstance(compiled, InvalidDefinition) else compiled.graph
        return found

    def subject(self, case: Case) -> Graph:
        """What the case tests; an action stands in a workflow of one task.

        Raises:
            NotFound: there is no such workflow or action.
            InvalidDefinition: the workflow is wrong, or the action can't be given these parameters.

        """
        known: Mapping[str, object] = self.actions if case.action else self.workflows
        if case.subject not in known:
            noun = "action" if case.action else "workflow"
            raise NotFound(f"there is no {noun} {case.subject!r}", hint=nearest(case.subject, known))
        if case.action:
            return self._around(case.action, case.parameters)
        found = self.workflows[case.subject]
        if isinstance(found, InvalidDefinition):
            raise found
        return found

    def catalog(self, subject: Graph, mocked: Iterable[str]) -> MemoryCatalog:
        """All packs, with a worker in the place of the workflows and built-ins that are mocked.

        ``mocked`` are refs of actions and names of the subject's tasks.
        """
        names, catalog = frozenset(mocked), MemoryCatalog()
        valid = [graph for graph in self.workflows.values() if isinstance(graph, Graph)]
        graphs = {graph.ref: graph for graph in (*valid, subject)}
        for graph in graphs.values():
            tasks = names if graph.ref == subject.ref else frozenset[str]()
            catalog.add_version(WorkflowVersion(graph.ref, 1, _mocked(graph, names, tasks)))
        for pack in self.packs:
            catalog.put_pack(
                PackRecord(pack.ref, pack.label, pack.version, description=pack.description, config=pack.config)
            )
            catalog.put_actions(pack.ref, [_on_worker(spec, names) for spec in pack.actions.values()])
        return catalog

    def _around(self, ref: str, parameters: Mapping[str, object]) -> Graph:
        spec = self.actions[ref]
        values = {key: f"{{{{ parameters[{key!r}] }}}}" for key in parameters}
        text = {
            "ref": f"{ref}-by-itself",
            "parameters": {key: {} for key in parameters},
            "tasks": [{"name": ONLY_TASK, "action": ref, "input": values}],
            "output_map": f"{{{{ task.{ONLY_TASK}.result }}}}",
        }
        source = load(json.dumps(text), f"(a workflow around {ref})")
        config = next((pack.config for pack in self.packs if pack.ref == spec.pack), {})
        return compile_workflow(source, pack=spec.pack, actions=self.actions, pack_config=config).graph


def _mocked(graph: Graph, refs: frozenset[str], tasks: frozenset[str]) -> Graph:
    if not any(task.spec and task.spec.runner in _NOT_WORKERS for task in graph.tasks):
        return graph
    return replace(graph, tasks=tuple(_mocked_task(task, refs, tasks) for task in graph.tasks))


def _mocked_task(task: Task, refs: frozenset[str], tasks: frozenset[str]) -> Task:
    if task.spec is None:
        return task
    return replace(task, spec=_on_worker(task.spec, refs if task.name not in tasks else refs | {task.spec.ref}))


def _on_worker(spec: ActionSpec, refs: frozenset[str]) -> ActionSpec:
    is_mocked = spec.ref in refs and spec.runner in _NOT_WORKERS
    return replace(spec, runner=Runner.PYTHON) if is_mocked else spec
