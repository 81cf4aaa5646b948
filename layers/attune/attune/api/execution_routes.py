"""Routes of workflow executions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, ConfigDict, Field

from attune.api.reply import ACCEPTED, Reply, accepted, reply
from attune.api.services import Services
from attune.execution.control import Controlled
from attune.model.status import ExecutionStatus

ExecutionId = Annotated[str, Path(description="The execution's id", min_length=1, max_length=64)]
MAX_ROWS = 200
"""Rows of a page."""
MAX_REASON = 500
"""Characters of why somebody intervenes."""
Limit = Annotated[int, Query(description="Rows per page", ge=1, le=MAX_ROWS)]
Cursor = Annotated[str, Query(description="What the page before gave as its cursor", max_length=2048)]


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


def executions(services: Callable[[], Services]) -> APIGatewayHttpRouter:
    """Reading, cancelling, pausing, retrying."""
    router = APIGatewayHttpRouter()
    _add_reading(router, services)
    _add_control(router, services)
    _add_retry(router, services)
    return router


def _add_reading(router: APIGatewayHttpRouter, services: Callable[[], Services]) -> None:
    tags = ["executions"]

    @router.get("/workflow-executions", tags=tags, summary="List executions, newest first")
    def list_executions(
        workflow: Annotated[str, Query(description="Only of this workflow", max_length=255)] = "",
        status: Annotated[ExecutionStatus | None, Query(description="Only with this status")] = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Reply:
        return reply(services().reader.executions(workflow or None, status, limit, cursor), "executions")

    @router.get("/workflow-executions/<execution>", tags=tags, summary="One execution")
    def get_execution(execution: ExecutionId) -> Reply:
        return reply(services().reader.execution(execution), "execution")

    @router.get("/workflow-executions/<execution>/tasks", tags=tags, summary="The attempts at its tasks")
    def get_tasks(execution: ExecutionId, limit: Limit = 100, cursor: Cursor = "") -> Reply:
        return reply(services().reader.tasks(execution, limit, cursor), "tasks")

    @router.get("/workflow-executions/<execution>/graph", tags=tags, summary="Its graph, with where each task stands")
    def get_graph(execution: ExecutionId) -> Reply:
        return reply(services().reader.graph(execution), "graph")


def _add_control(router: APIGatewayHttpRouter, services: Callable[[], Services]) -> None:
    tags = ["executions"]

    def requested(told: Controlled, verb: str) -> Any:
        return accepted(told, f"{verb} requested")

    @router.post(
        "/workflow-executions/<execution>/cancel", tags=tags, summary="Cancel an execution", responses=ACCEPTED
    )
    def cancel_execution(execution: ExecutionId, body: Annotated[Reason | None, Body()] = None) -> Any:
        return requested(services().control.cancel(execution, reason=_reason(body)), "cancel")

    @router.post("/workflow-executions/<execution>/pause", tags=tags, summary="Pause an execution", responses=ACCEPTED)
    def pause_execution(execution: ExecutionId, body: Annotated[Reason | None, Body()] = None) -> Any:
        by = str(router.context.get("identity", ""))
        return requested(services().control.pause(execution, reason=_reason(body), by=by), "pause")

    @router.post(
        "/workflow-executions/<execution>/resume", tags=tags, summary="Resume an execution", responses=ACCEPTED
    )
    def resume_execution(execution: ExecutionId, body: Annotated[Reason | None, Body()] = None) -> Any:
        del body
        by = str(router.context.get("identity", ""))
        return requested(services().control.resume(execution, by=by), "resume")


def _reason(body: Reason | None) -> str:
    return body.reason if body else ""


def _add_retry(router: APIGatewayHttpRouter, services: Callable[[], Services]) -> None:
    @router.post(
        "/workflow-executions/<execution>/retry", tags=["executions"], summary="Retry an execution", responses=ACCEPTED
    )
    def retry_execution(execution: ExecutionId, body: Annotated[Again | None, Body()] = None) -> Any:
        wanted = body or Again.model_validate({})
        retried = services().retrier.retry(
            execution,
            names=wanted.from_,
            version=wanted.workflow_version,
            parameters=wanted.parameters,
            by=str(router.context.get("identity", "anonymous")),
            idempotency_key=wanted.idempotency_key,
        )
        return accepted(retried, "retry requested")
