"""Routes of workflow executions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Body, Query
from pydantic import BaseModel, ConfigDict, Field

from attune.api.parameters import Cursor, ExecutionId, Limit
from attune.api.reply import Accepted, Reply
from attune.api.routing import Routes
from attune.api.services import Services
from attune.execution.answers import PageOf
from attune.execution.attempt_rows import AttemptRow
from attune.execution.caller import Permission
from attune.execution.control import Controlled
from attune.execution.graph_view import GraphView
from attune.execution.queries import ExecutionDetails, ExecutionSummary
from attune.execution.retrier import Retried
from attune.model.status import ExecutionStatus

MAX_REASON = 500
"""Characters of why somebody intervenes."""


class Reason(BaseModel):
    """Why somebody intervenes."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field("", max_length=MAX_REASON)


class Again(BaseModel):
    """How an execution is to go on."""

    model_config = ConfigDict(extra="forbid")
    from_: list[str] = Field(default_factory=list, alias="from", max_length=100)
    workflow_version: Annotated[int, Field(ge=1)] | Literal["latest"] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = Field(None, min_length=1, max_length=255)


def executions(services: Callable[[], Services]) -> Routes:
    """Reading, cancelling, pausing, retrying."""
    routes = Routes("executions")
    _add_reading(routes, services)
    _add_control(routes, services)
    _add_retry(routes, services)
    return routes


def _add_reading(routes: Routes, services: Callable[[], Services]) -> None:
    needs = Permission.EXECUTIONS_READ

    @routes.get("/workflow-executions", needs=needs, summary="List executions, newest first")
    def list_executions(
        workflow: Annotated[str, Query(description="Only of this workflow", max_length=255)] = "",
        status: Annotated[ExecutionStatus | None, Query(description="Only with this status")] = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Reply[PageOf[ExecutionSummary]]:
        return Reply(services().reader.executions(workflow or None, status, limit, cursor), "executions")

    @routes.get("/workflow-executions/<execution>", needs=needs, summary="One execution")
    def get_execution(execution: ExecutionId) -> Reply[ExecutionDetails]:
        return Reply(services().reader.execution(execution), "execution")

    @routes.get("/workflow-executions/<execution>/tasks", needs=needs, summary="The attempts at its tasks")
    def get_tasks(execution: ExecutionId, limit: Limit = 100, cursor: Cursor = "") -> Reply[PageOf[AttemptRow]]:
        return Reply(services().reader.tasks(execution, limit, cursor), "tasks")

    @routes.get("/workflow-executions/<execution>/graph", needs=needs, summary="Its graph, with where each task stands")
    def get_graph(execution: ExecutionId) -> Reply[GraphView]:
        return Reply(services().reader.graph(execution), "graph")


def _add_control(routes: Routes, services: Callable[[], Services]) -> None:
    needs = Permission.EXECUTIONS_WRITE

    @routes.post("/workflow-executions/<execution>/cancel", needs=needs, summary="Cancel an execution")
    def cancel_execution(execution: ExecutionId, body: Annotated[Reason | None, Body()] = None) -> Accepted[Controlled]:
        told = services().control.cancel(execution, reason=_reason(body))
        return Accepted(told, "cancel requested")

    @routes.post("/workflow-executions/<execution>/pause", needs=needs, summary="Pause an execution")
    def pause_execution(execution: ExecutionId, body: Annotated[Reason | None, Body()] = None) -> Accepted[Controlled]:
        told = services().control.pause(execution, reason=_reason(body), by=routes.caller.name)
        return Accepted(told, "pause requested")

    @routes.post("/workflow-executions/<execution>/resume", needs=needs, summary="Resume an execution")
    def resume_execution(execution: ExecutionId, body: Annotated[Reason | None, Body()] = None) -> Accepted[Controlled]:
        del body
        return Accepted(services().control.resume(execution, by=routes.caller.name), "resume requested")


def _reason(body: Reason | None) -> str:
    return body.reason if body else ""


def _add_retry(routes: Routes, services: Callable[[], Services]) -> None:
    @routes.post(
        "/workflow-executions/<execution>/retry", needs=Permission.EXECUTIONS_WRITE, summary="Retry an execution"
    )
    def retry_execution(execution: ExecutionId, body: Annotated[Again | None, Body()] = None) -> Accepted[Retried]:
        wanted = body or Again.model_validate({})
        retried = services().retrier.retry(
            execution,
            names=wanted.from_,
            version=wanted.workflow_version,
            parameters=wanted.parameters,
            by=routes.caller.name,
            idempotency_key=wanted.idempotency_key,
        )
        return Accepted(retried, "retry requested")
