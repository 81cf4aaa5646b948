"""Routes of workflows: what there is, and starting it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, ConfigDict, Field

from attune.api.execution_routes import Cursor, Limit
from attune.api.reply import ACCEPTED, Reply, accepted, reply
from attune.api.services import Services
from attune.model.status import ExecutionStatus

WorkflowRef = Annotated[str, Path(description="pack.workflow", min_length=1, max_length=255)]

MAX_KEY = 255
"""Characters of an idempotency key."""


class Execute(BaseModel):
    """What to start a workflow with."""

    model_config = ConfigDict(extra="forbid")
    parameters: dict[str, Any] = Field(default_factory=dict)
    idempotency_key: str | None = Field(None, min_length=1, max_length=MAX_KEY)


def workflows(services: Callable[[], Services]) -> APIGatewayHttpRouter:
    """Listing, reading, executing."""
    router = APIGatewayHttpRouter()
    tags = ["workflows"]

    @router.get("/workflows", tags=tags, summary="All workflows")
    def list_workflows() -> Reply:
        return reply(services().catalog.workflows(), "workflows")

    @router.get("/workflows/<workflow>", tags=tags, summary="One workflow, with its source")
    def get_workflow(workflow: WorkflowRef) -> Reply:
        return reply(services().catalog.workflow(workflow), "workflow")

    @router.get("/workflows/<workflow>/executions", tags=tags, summary="Its executions, newest first")
    def list_executions(
        workflow: WorkflowRef,
        status: Annotated[ExecutionStatus | None, Query(description="Only with this status")] = None,
        limit: Limit = 50,
        cursor: Cursor = "",
    ) -> Reply:
        return reply(services().reader.executions_of(workflow, status, limit, cursor), "executions")

    @router.post("/workflows/<workflow>/execute", tags=tags, summary="Start an execution", responses=ACCEPTED)
    def execute(workflow: WorkflowRef, body: Annotated[Execute | None, Body()] = None) -> Any:
        wanted = body or Execute(idempotency_key=None)
        identity = str(router.context.get("identity", "anonymous"))
        started = services().starter.start(
            workflow,
            wanted.parameters,
            trigger={"type": "api"},
            identity=identity,
            idempotency_key=wanted.idempotency_key,
        )
        return accepted(started, "execution requested")

    return router
