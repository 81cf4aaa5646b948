"""What the API shows of executions: read, never written here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from attune.engine.context import needs_record
from attune.engine.facts import OutputFact, RetryFact
from attune.engine.ids import home_of, is_chunk
from attune.engine.messages import Start
from attune.engine.state import State
from attune.engine.visits import Chunks, Items
from attune.exceptions import NotFound
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.directory import Directory
from attune.execution.ports.execution_store import ExecutionStore
from attune.model.graph import Graph, Task, Transition
from attune.model.secrets import public
from attune.model.status import ExecutionStatus, TaskStatus

_RECORDED = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.TIMED_OUT})
"""How tasks stand whose attempts have left a record, if they leave one."""
MOST_SHOWN = 2 * 1024 * 1024
"""Bytes of JSON up to which an execution is shown with its parameters, and with its output."""


class Reader:
    """Answers questions about executions."""

    def __init__(self, store: ExecutionStore, directory: Directory, catalog: Catalog) -> None:
        self._store, self._directory, self._catalog = store, directory, catalog

    def execution(self, execution: str) -> dict[str, Any]:
        """Everything about one execution but its tasks; raises NotFound."""
        start, state = self._both(execution)
        wanted = _more_facts(state) if state else []
        more = self._store.facts(execution, wanted) if wanted else {}
        retries = [more[fact] for fact in wanted if isinstance(fact, RetryFact)]
        given = retries[state.given - 1] if state and state.given else asdict(start) if start else {}
        parameters = public(given.get("parameters", {}))
        shown = {"parameters": parameters, "output": (more.get(OutputFact(len(retries))) or {}).get("output")}
        return {
            **_summary(execution, start, state),
            **shown,
            **self._put_aside(execution, shown),
            "tasks": _counts(state) if state else {},
            "retries": [_retry_row(row) for row in retries],
        }

    def _put_aside(self, execution: str, shown: Mapping[str, Any]) -> dict[str, Any]:
        """What is too large to be shown is null, and ``stored`` has the key of the S3 object that it lies in."""
        large = [name for name, value in shown.items() if len(json.dumps(value)) > MOST_SHOWN]
        keys = self._directory.stored(execution) if large else {}
        return {**dict.fromkeys(large), "stored": {name: keys[name] for name in large if name in keys}}

    def executions(
        self, workflow: str | None, status: ExecutionStatus | None, limit: int, cursor: str
    ) -> dict[str, Any]:
        """A page of summaries, newest first."""
        page = self._directory.executions(workflow=workflow, status=status, limit=limit, cursor=cursor)
        found = zip(page.executions, self._store.load_all(page.executions), strict=True)
        rows = [_summary(execution, *both) for execution, both in found]
        return {"items": rows, "cursor": page.cursor}

    def tasks(self, execution: str, limit: int, cursor: str) -> dict[str, Any]:
        """A page of attempts; the first page begins with what has no record (skipped, held, not yet claimed)."""
        _, state = self._both(execution)
        rows, following = self._directory.attempts(execution, limit=limit, cursor=cursor)
        shown = [_attempt_row(row) for row in rows]
        if state is not None and state.workflow and not cursor:
            graph = self._graph(state)
            recorded = {(row["task"], row["visit"]) for row in shown}
            bare = _without_record(graph, state, recorded, all_read=following is None)
            shown = [*bare, *shown]
        return {"items": shown, "cursor": following}

    def graph(self, execution: str) -> dict[str, Any]:
        """The workflow as nodes and edges, each node with where it stands."""
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


def _retry_row(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "number": row["number"],
        "at": iso(row["at"]),
        "by": row["by"],
        "from": list(row["from_"]),
        "workflow_version": row["workflow_version"],
        "changed_parameters": row["parameters"] is not None,
    }


def _pinned(start: Start | None) -> tuple[str, int]:
    return (start.workflow, start.workflow_version) if start else ("", 0)


def iso(seconds: float | None) -> str | None:
    """Epoch seconds as ISO 8601 in UTC."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _summary(execution: str, start: Start | None, state: State | None) -> dict[str, Any]:
    ref, version = (state.workflow, state.workflow_version) if state and state.workflow else _pinned(start)
    created = start.created_at if start else (state.created_at if state else None)
    ended = state.ended_at if state is not None else None
    parent = start.parent if start else None
    return {
        "id": execution,
        "workflow": ref,
        "workflow_version": version,
        "status": str(state.status if state else ExecutionStatus.REQUESTED),
        "state_version": state.version if state else 0,
        "error": state.error if state else None,
        "trigger": start.trigger if start else {},
        "identity": start.identity if start else "",
        "parent": {"execution": home_of(parent.execution), "task": parent.attempt.task} if parent else None,
        "created_at": iso(created),
        "updated_at": iso(state.updated_at if state else created),
        "ended_at": iso(ended),
        "duration": None if ended is None or created is None else round(ended - created, 3),
    }


def task_status(state: State | None, index: int) -> TaskStatus:
    """Where a task stands: what it is doing now, else how its latest visit ended."""
    if state is None:
        return TaskStatus.PENDING
    doing = [visit for (task, _), visit in state.active.items() if task == index]
    if not doing:
        return state.latest(index)
    attempts = [active.status for visit in doing for _, active in visit.attempts()]
    if any(visit.round for visit in doing):
        return TaskStatus.RUNNING
    return attempts[0] if attempts else TaskStatus.RUNNING


def _counts(state: State) -> dict[str, int]:
    return dict(Counter(str(task_status(state, index)) for index in range(state.size)))


def _attempt_row(row: Mapping[str, Any]) -> dict[str, Any]:
    started, ended = row.get("started_at"), row.get("ended_at")
    both = started is not None and ended is not None
    return {
        "task": row["task"],
        "visit": row["visit"],
        "index": row["index"],
        "attempt": row["attempt"],
        "status": row.get("status") or str(TaskStatus.RUNNING),
        "action": row.get("action"),
        "input": row.get("input"),
        "result": row.get("result"),
        "error": row.get("error"),
        "started_at": iso(started),
        "ended_at": iso(ended),
        "duration": round(float(ended) - float(started), 3) if both else None,  # type: ignore[arg-type]
        "child": row.get("child") or None,
        "stored": row.get("stored"),
    }


def _without_record(
    graph: Graph, state: State, recorded: set[tuple[str, int]], *, all_read: bool
) -> Iterator[dict[str, Any]]:
    for task in graph.tasks:
        visit = state.visits_of(task.index)
        status = task_status(state, task.index)
        if not all_read and status in _RECORDED and needs_record(task):
            continue  # its record comes on a later page
        if status is not TaskStatus.PENDING and (task.name, visit) not in recorded:
            bare = {"task": task.name, "visit": visit, "index": None, "attempt": 1, "action": task.action}
            yield _attempt_row({**bare, "status": str(status), "child": _child(state, task.index)})


def _child(state: State, index: int) -> str | None:
    actives = (active for (task, _), visit in state.active.items() if task == index for _, active in visit.attempts())
    return next((active.child for active in actives if active.child), None)


def nodes_and_edges(graph: Graph, state: State | None = None) -> dict[str, Any]:
    """A graph as JSON, each node with where it stands (pending without a state)."""
    nodes = [_node(graph, task, state) for task in graph.tasks]
    return {"nodes": nodes, "edges": [edge for task in graph.tasks for edge in _edges(graph, task)]}


def _node(graph: Graph, task: Task, state: State | None) -> dict[str, Any]:
    return {
        "name": task.name,
        "action": task.action,
        "type": _type(task),
        "status": str(task_status(state, task.index)),
        "visits": state.visits_of(task.index) if state else 0,
        "items": _items(task, state),
        "group": None if task.group is None else graph.tasks[task.group].name,
    }


def _type(task: Task) -> str:
    if task.members:
        return "loop" if task.loop else "parallel"
    return str(task.spec.runner) if task.spec else "action"


def _items(task: Task, state: State | None) -> dict[str, int] | None:
    if state is None or task.with_items is None:
        return None
    parts = (visit.items or visit.chunks for (index, _), visit in state.active.items() if index == task.index)
    under_way = [part for part in parts if part]
    if under_way:
        return _progress(under_way[-1])
    total, failed = state.item_counts.get(task.index, (0, 0))
    return {"total": total, "done": total, "failed": failed}


def _progress(under_way: Items | Chunks) -> dict[str, int]:
    """Of a list in chunks, what is in chunks that have ended."""
    if isinstance(under_way, Chunks):
        return {"total": under_way.total, "done": under_way.ended_items(), "failed": under_way.failed}
    done = under_way.next - len(under_way.active) - len(under_way.again)
    return {"total": under_way.total, "done": done, "failed": len(under_way.failed)}


def _edges(graph: Graph, task: Task) -> Iterator[dict[str, Any]]:
    for transition in task.transitions:
        targets = [graph.tasks[index].name for index in transition.targets] + (["fail"] if transition.fail else [])
        for target in targets:
            yield {"from": task.name, "to": target, "on": kind(transition), "when": transition.when}


def kind(transition: Transition) -> str:
    """On what it fires, in a word: decision, success, failure, timeout, skip or complete."""
    if transition.decision:
        return "decision"
    ends = set(transition.ends)
    names = {
        frozenset({TaskStatus.COMPLETED}): "success",
        frozenset({TaskStatus.FAILED, TaskStatus.TIMED_OUT}): "failure",
        frozenset({TaskStatus.FAILED}): "failure",
        frozenset({TaskStatus.TIMED_OUT}): "timeout",
        frozenset({TaskStatus.SKIPPED}): "skip",
    }
    return names.get(frozenset(ends), "complete")
