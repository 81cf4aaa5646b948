"""What is shown of executions: read, never written here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from attune.engine.facts import OutputFact, RetryFact
from attune.engine.ids import home_of, is_chunk
from attune.engine.messages import Parent, Start
from attune.engine.state import State
from attune.exceptions import NotFound
from attune.execution.answers import PageOf, extended
from attune.execution.attempt_rows import AttemptRow, of_record, without_record
from attune.execution.graph_view import GraphView, nodes_and_edges, task_status
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.directory import Directory
from attune.execution.ports.execution_store import ExecutionStore
from attune.model.graph import Graph
from attune.model.secrets import public
from attune.model.status import ExecutionStatus
from attune.model.timestamps import iso

MOST_SHOWN = 2 * 1024 * 1024
"""Bytes of JSON up to which an execution is shown with its parameters, and with its output."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ParentTask:
    """The task of another execution that an execution was started by."""

    execution: str
    task: str


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionSummary:
    """An execution in a list. ``state_version`` is how often its state was saved, ``identity`` who started it."""

    id: str
    workflow: str
    workflow_version: int
    status: ExecutionStatus
    state_version: int
    error: Mapping[str, Any] | None
    trigger: Mapping[str, Any]
    identity: str
    parent: ParentTask | None
    created_at: str | None
    updated_at: str | None
    ended_at: str | None
    duration: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryRow:
    """A retry of an execution: who asked for it, and from which tasks it went on (none: from what had failed)."""

    number: int
    at: str | None
    by: str
    from_: tuple[str, ...]
    workflow_version: int
    changed_parameters: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class ExecutionDetails(ExecutionSummary):
    """One execution. ``parameters`` are the present ones; ``tasks`` counts its tasks by status.

    Parameters or an output that are too large to be shown are null; ``stored`` has the keys of the S3 objects that
    they lie in.
    """

    parameters: Mapping[str, Any] | None
    output: Any
    stored: Mapping[str, str]
    tasks: Mapping[str, int]
    retries: tuple[RetryRow, ...]


class Reader:
    """Answers questions about executions."""

    def __init__(self, store: ExecutionStore, directory: Directory, catalog: Catalog) -> None:
        self._store, self._directory, self._catalog = store, directory, catalog

    def execution(self, execution: str) -> ExecutionDetails:
        """Everything about one execution but its tasks; raises NotFound."""
        start, state = self._both(execution)
        wanted = _more_facts(state) if state else []
        more = self._store.facts(execution, wanted) if wanted else {}
        retries = [more[fact] for fact in wanted if isinstance(fact, RetryFact)]
        given = retries[state.given - 1] if state and state.given else asdict(start) if start else {}
        parameters = public(given.get("parameters", {}))
        output = (more.get(OutputFact(len(retries))) or {}).get("output")
        return extended(
            ExecutionDetails,
            _summary(execution, start, state),
            **self._shown(execution, {"parameters": parameters, "output": output}),
            tasks=_counts(state) if state else {},
            retries=tuple(_retry_row(row) for row in retries),
        )

    def _shown(self, execution: str, values: Mapping[str, Any]) -> dict[str, Any]:
        """What is too large to be shown is null, and ``stored`` has the key of the S3 object that it lies in."""
        large = [name for name, value in values.items() if len(json.dumps(value)) > MOST_SHOWN]
        keys = self._directory.stored(execution) if large else {}
        return {**values, **dict.fromkeys(large), "stored": {name: keys[name] for name in large if name in keys}}

    def executions(
        self, workflow: str | None, status: ExecutionStatus | None, limit: int, cursor: str
    ) -> PageOf[ExecutionSummary]:
        """A page of summaries, newest first; raises InvalidRequest for a cursor that is none of ours."""
        page = self._directory.executions(workflow=workflow, status=status, limit=limit, cursor=cursor)
        found = zip(page.executions, self._store.load_all(page.executions), strict=True)
        return PageOf(items=tuple(_summary(execution, *both) for execution, both in found), cursor=page.cursor)

    def executions_of(
        self, workflow: str, status: ExecutionStatus | None, limit: int, cursor: str
    ) -> PageOf[ExecutionSummary]:
        """The same of a workflow that can be started; raises NotFound for any other."""
        self._catalog.workflow(workflow)
        return self.executions(workflow, status, limit, cursor)

    def tasks(self, execution: str, limit: int, cursor: str) -> PageOf[AttemptRow]:
        """A page of attempts; the first page begins with what has no record (skipped, held, not yet claimed).

        Raises NotFound, and InvalidRequest for a cursor that is none of ours.
        """
        _, state = self._both(execution)
        records, following = self._directory.attempts(execution, limit=limit, cursor=cursor)
        rows = tuple(of_record(record) for record in records)
        if state is not None and state.workflow and not cursor:
            rows = (*without_record(self._graph(state), state, rows, all_read=following is None), *rows)
        return PageOf(items=rows, cursor=following)

    def graph(self, execution: str) -> GraphView:
        """The workflow as nodes and edges, each node with where it stands; raises NotFound."""
        start, state = self._both(execution)
        ref, version = (state.workflow, state.workflow_version) if state else _pinned(start)
        graph = (
            self._catalog.workflow(ref, version).graph if ref else Graph(ref="", pack="", label="", tasks=(), entry=())
        )
        return nodes_and_edges(graph, state)

    def status(self, execution: str) -> ExecutionStatus:
        """Where it stands; raises NotFound."""
        _, state = self._both(execution)
        return state.status if state else ExecutionStatus.REQUESTED

    def _both(self, execution: str) -> tuple[Start | None, State | None]:
        if is_chunk(execution):
            raise NotFound(f"there is no execution '{execution}'", execution_id=execution)
        ((start, state),) = self._store.load_all([execution])
        if start is None and state is None:
            raise NotFound(f"there is no execution '{execution}'", execution_id=execution)
        return start, state

    def _graph(self, state: State) -> Graph:
        return self._catalog.workflow(state.workflow, state.workflow_version).graph


def _more_facts(state: State) -> list[RetryFact | OutputFact]:
    """What is read besides start and state: the retries, and the output of what has ended."""
    retries = [RetryFact(number + 1) for number in range(len(state.retried))]
    return [*retries, OutputFact(len(retries))] if state.status.ended else [*retries]


def _retry_row(row: Mapping[str, Any]) -> RetryRow:
    return RetryRow(
        number=row["number"],
        at=iso(row["at"]),
        by=row["by"],
        from_=tuple(row["from_"]),
        workflow_version=row["workflow_version"],
        changed_parameters=row["parameters"] is not None,
    )


def _pinned(start: Start | None) -> tuple[str, int]:
    return (start.workflow, start.workflow_version) if start else ("", 0)


def _summary(execution: str, start: Start | None, state: State | None) -> ExecutionSummary:
    ref, version = (state.workflow, state.workflow_version) if state and state.workflow else _pinned(start)
    created = start.created_at if start else (state.created_at if state else None)
    ended = state.ended_at if state is not None else None
    return ExecutionSummary(
        id=execution,
        workflow=ref,
        workflow_version=version,
        status=state.status if state else ExecutionStatus.REQUESTED,
        state_version=state.version if state else 0,
        error=state.error if state else None,
        trigger=start.trigger if start else {},
        identity=start.identity if start else "",
        parent=_parent(start.parent) if start else None,
        created_at=iso(created),
        updated_at=iso(state.updated_at if state else created),
        ended_at=iso(ended),
        duration=None if ended is None or created is None else round(ended - created, 3),
    )


def _parent(parent: Parent | None) -> ParentTask | None:
    return ParentTask(execution=home_of(parent.execution), task=parent.attempt.task) if parent else None


def _counts(state: State) -> dict[str, int]:
    return dict(Counter(str(task_status(state, index)) for index in range(state.size)))
