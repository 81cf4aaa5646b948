"""Routes of workflows: what there is, and starting it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from attune.api.parameters import Cursor, Limit
from attune.api.reply import Accepted, Reply
from attune.api.routing import Routes
from attune.api.services import Services
from attune.execution.answers import AllOf, PageOf
from attune.execution.caller import Permission
from attune.execution.catalog_queries import WorkflowDetails, WorkflowSummary
from attune.execution.execution_start import Started
from attune.execution.queries import ExecutionSummary
from attune.model.status import ExecutionStatus

WorkflowRef = Annotated[str, Path(description="pack.workflow", min_length=1, max_length=255)]

MAX_KEY = 255
"""Characters of an idempotency key."""


class Execute(BaseModel):
    """What to start a workflow with."""

    model_config = ConfigDict(extra="forbid")
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = Field(None, min_length=1, max_length=MAX_KEY)


def workflows(services: Callable[[], Services]) -> Routes:
    """Listing, reading, executing."""
    routes = Routes("workflows")
    _add_reading(routes, services)
    _add_start(routes, services)
    return routes


def _add_reading(routes: Routes, services: Callable[[], Services]) -> None:
    @routes.get("/workflows", needs=Permission.WORKFLOWS_READ, summary="All workflows")
    def list_workflows() -> Reply[AllOf[WorkflowSummary]]:
        return Reply(services().catalog.workflows(), "workflows")

    @routes.get("/workflows/<workflow>", needs=Permission.WORKFLOWS_READ, summary="One workflow, with its source")
    def get_workflow(workflow: WorkflowRef) -> Reply[WorkflowDetails]:
        return Reply(services().catalog.workflow(workflow), "workflow")

    @routes.get(
        "/workflows/<workflow>/executions", needs=Permission.EXECUTIONS_READ, summary="Its executions, newest first"
    )
    def list_executions(
        workflow: WorkflowRef,
        status: Annotated[ExecutionStatus | None, Query(description="Only with this status")] = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Reply[PageOf[ExecutionSummary]]:
        return Reply(services().reader.executions_of(workflow, status, limit, cursor), "executions")


def _add_start(routes: Routes, services: Callable[[], Services]) -> None:
    @routes.post("/workflows/<workflow>/execute", needs=Permission.WORKFLOWS_EXECUTE, summary="Start an execution")
    def execute(workflow: WorkflowRef, body: Annotated[Execute | None, Body()] = None) -> Accepted[Started]:
        wanted = body or Execute(idempotency_key=None)
        started = services().starter.start(
            workflow,
            wanted.parameters,
            trigger={"type": "api"},
            identity=routes.caller.name,
            idempotency_key=wanted.idempotency_key,
        )
        return Accepted(started, "execution requested")
