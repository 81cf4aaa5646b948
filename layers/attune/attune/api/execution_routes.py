"""Routes of workflow executions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, ConfigDict, Field

from attune.api.reply import ACCEPTED, Reply, accepted, reply
from attune.api.services import Services
from attune.engine.messages import Cancel, Message, Pause, Resume
from attune.exceptions import Conflict
from attune.execution.ports.queues import Envelope
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
    def post(execution: str, make: Callable[[str, str], Message], verb: str) -> Any:
        """Nothing that has ended can be told anything any more."""
        found, now = services(), services().clock.now()
        status = found.reader.status(execution)
        if status.ended:
            raise Conflict(f"execution '{execution}' has ended ({status})", execution_id=execution, status=str(status))
        found.mailbox.post([Envelope(execution, make(f"api.{now:.6f}", str(router.context.get("identity", ""))))])
        return accepted({"id": execution, "status": str(status)}, f"{verb} requested")

    _add_verb(router, "cancel", lambda reason, request_id, by: Cancel(reason, request_id), post)
    _add_verb(router, "pause", Pause, post)
    _add_verb(router, "resume", lambda reason, request_id, by: Resume(request_id, by), post)


def _add_verb(router: APIGatewayHttpRouter, verb: str, make: Callable[[str, str, str], Message], post: Any) -> None:
    def handle(execution: ExecutionId, body: Annotated[Reason | None, Body()] = None) -> Any:
        reason = body.reason if body else ""
        return post(execution, lambda request_id, by: make(reason, request_id, by), verb)

    handle.__name__ = f"{verb}_execution"
    path = f"/workflow-executions/<execution>/{verb}"
    router.post(path, tags=["executions"], summary=f"{verb.capitalize()} an execution", responses=ACCEPTED)(handle)


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
        data = {"id": execution, "retry": retried.number, "existing": retried.existing}
        return accepted(data, "retry requested")
