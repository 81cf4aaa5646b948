"""Asking an execution that did not complete to go on: everything is checked here, before it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from attune.engine import retry_plan
from attune.engine.context import parameters_fact
from attune.engine.messages import RetryExecution
from attune.engine.state import State
from attune.exceptions import Conflict, InvalidParameters, NotFound
from attune.execution.execution_start import complete, seal_all
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.key_values import Sealer
from attune.execution.ports.queues import Envelope, Mailbox
from attune.expressions.values import nearest
from attune.model.graph import Graph

MOST_RETRIES = 100
"""Retries of one execution at most: each is remembered in its state."""

Version = int | Literal["latest"] | None


@dataclass(frozen=True, slots=True)
class Retried:
    """The number of the retry, from 1, and whether it was asked for before (same idempotency key)."""

    number: int
    existing: bool


class ExecutionRetrier:
    """Retries executions."""

    def __init__(
        self, *, store: ExecutionStore, catalog: Catalog, mailbox: Mailbox, clock: Clock, sealer: Sealer
    ) -> None:
        self._store, self._catalog, self._mailbox, self._clock = store, catalog, mailbox, clock
        self._sealer = sealer

    def retry(
        self,
        execution: str,
        *,
        names: Sequence[str] = (),
        version: Version = None,
        parameters: Mapping[str, Any] | None = None,
        by: str = "",
        idempotency_key: str | None = None,
    ) -> Retried:
        """Go on from what failed or was cancelled, or from the tasks with these ``names``; once per idempotency key.

        ``version`` is the version of the workflow to go on in; ``parameters`` replace those of the same name.

        Raises:
            NotFound: no such execution, or no such version.
            Conflict: it has not ended, it completed, or it was retried too often.
            InvalidParameters: a name is wrong, the version does not fit what has run, or the parameters do not fit.

        """
        state = self._store.load(execution)
        if state is None or not state.workflow:
            raise self._cannot_begin(execution)
        request_id = f"key.{idempotency_key}" if idempotency_key else f"api.{self._clock.now():.6f}"
        if request_id in state.retried:
            return Retried(state.retried.index(request_id) + 1, existing=True)
        _check_status(state)
        old = self._catalog.workflow(state.workflow, state.workflow_version).graph
        _check_names(old, state, names)
        number, new = self._version(state, old, version)
        if number is not None:
            _check_fit(old, new, state, names, number)
        values = self._parameters(state, new, parameters, moved=number is not None)
        message = RetryExecution(request_id, tuple(names), workflow_version=number, parameters=values, by=by)
        self._mailbox.post([Envelope(execution, message)])
        return Retried(len(state.retried) + 1, existing=False)

    def _cannot_begin(self, execution: str) -> Conflict | NotFound:
        if self._store.load_start(execution) is None:
            return NotFound(f"there is no execution '{execution}'", execution_id=execution)
        return Conflict(f"execution '{execution}' has not begun", hint="wait for its end", execution_id=execution)

    def _version(self, state: State, old: Graph, version: Version) -> tuple[int | None, Graph]:
        """The number of the version to go over to, None if it stays; and its graph."""
        if version is None or version == state.workflow_version:
            return None, old
        found = self._catalog.workflow(state.workflow, None if version == "latest" else version)
        return (None, old) if found.version == state.workflow_version else (found.version, found.graph)

    def _parameters(
        self, state: State, graph: Graph, given: Mapping[str, Any] | None, *, moved: bool
    ) -> dict[str, Any] | None:
        """All parameters from now on, checked; None if they stay as they are."""
        if not given and not moved:
            return None
        fact = parameters_fact(state)
        present = self._store.facts(state.execution, [fact])[fact]["parameters"]
        values = complete(state.workflow, {**present, **(given or {})}, graph, given or {})
        sealed = seal_all(self._sealer, graph.secrets, values, state.execution)
        return None if sealed == present else sealed


def _check_status(state: State) -> None:
    where = {"execution_id": state.execution, "status": str(state.status)}
    if not state.status.ended:
        hint = "wait for its end, or cancel it first"
        raise Conflict(f"execution '{state.execution}' has not ended ({state.status})", hint=hint, **where)
    if not retry_plan.can_retry(state):
        raise Conflict(f"execution '{state.execution}' has completed", hint="start a new one", **where)
    if len(state.retried) >= MOST_RETRIES:
        message = f"execution '{state.execution}' was retried {MOST_RETRIES} times, which is the most"
        raise Conflict(message, hint="start a new one", **where)


def _check_names(graph: Graph, state: State, names: Sequence[str]) -> None:
    begun = [task.name for task in graph.tasks if state.begun >> task.index & 1]
    wrong = [
        {"path": f"from.{place}", "message": _problem(graph, name, begun)}
        for place, name in enumerate(names)
        if name not in begun
    ]
    if wrong:
        raise InvalidParameters(f"cannot go on from there: {wrong[0]['message']}", wrong)


def _problem(graph: Graph, name: str, begun: Sequence[str]) -> str:
    if name in graph.by_name:
        return f"task '{name}' has not begun; name one that comes before it"
    hint = nearest(name, begun)
    return f"there is no task '{name}'" + (f"; {hint}" if hint else "")


def _check_fit(old: Graph, new: Graph, state: State, names: Sequence[str], number: int) -> None:
    wrong = [{"path": "workflow_version", "message": said} for said in retry_plan.misfits(old, new, state, names)]
    if wrong:
        raise InvalidParameters(f"version {number} does not fit what has run: {wrong[0]['message']}", wrong)
