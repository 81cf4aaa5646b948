"""Routes of inquiries: what workflows ask people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, ConfigDict

from attune.api.execution_routes import Cursor, Limit
from attune.api.reply import ACCEPTED, Reply, accepted, reply
from attune.api.services import Services

Assignee = Annotated[str, Query(description="Only those that ask this person by name", max_length=255)]
InquiryId = Annotated[str, Path(description="The inquiry's id", pattern="^[!-~]+$", max_length=300)]


class Response(BaseModel):
    """What somebody answers; the inquiry's schema decides what it may be."""

    model_config = ConfigDict(extra="forbid")
    response: Any


def inquiries(services: Callable[[], Services]) -> APIGatewayHttpRouter:
    """Listing, reading, answering."""
    router = APIGatewayHttpRouter()
    tags = ["inquiries"]

    @router.get("/inquiries", tags=tags, summary="Open inquiries")
    def list_inquiries(assignee: Assignee = "", limit: Limit = 50, cursor: Cursor = "") -> Reply:
        return reply(services().inquiries.open(limit, cursor, assignee), "inquiries")

    @router.get("/inquiries/<inquiry>", tags=tags, summary="One inquiry")
    def get_inquiry(inquiry: InquiryId) -> Reply:
        return reply(services().inquiries.show(inquiry), "inquiry")

    @router.post("/inquiries/<inquiry>/answer", tags=tags, summary="Answer an inquiry", responses=ACCEPTED)
    def answer(inquiry: InquiryId, body: Annotated[Response, Body()]) -> Any:
        by = str(router.context.get("identity", "anonymous"))
        return accepted(services().inquiries.answer(inquiry, body.response, by), "answer accepted")

    return router
