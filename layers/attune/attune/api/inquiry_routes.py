"""Routes of inquiries: what workflows ask people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from pydantic import BaseModel, ConfigDict

from attune.api.parameters import Cursor, Limit
from attune.api.reply import Accepted, Reply
from attune.api.routing import Routes
from attune.api.services import Services
from attune.execution.answers import PageOf
from attune.execution.caller import Permission
from attune.execution.inquiries import Answered, Inquiry

Assignee = Annotated[str, Query(description="Only those that ask this person by name", max_length=255)]
InquiryId = Annotated[str, Path(description="The inquiry's id", pattern="^[!-~]+$", max_length=300)]


class Response(BaseModel):
    """What somebody answers; the inquiry's schema decides what it may be."""

    model_config = ConfigDict(extra="forbid")
    response: Any


def inquiries(services: Callable[[], Services]) -> Routes:
    """Listing, reading, answering."""
    routes = Routes("inquiries")

    @routes.get("/inquiries", needs=Permission.INQUIRIES_READ, summary="Open inquiries")
    def list_inquiries(assignee: Assignee = "", limit: Limit = 50, cursor: Cursor = "") -> Reply[PageOf[Inquiry]]:
        return Reply(services().inquiries.open(limit, cursor, assignee), "inquiries")

    @routes.get("/inquiries/<inquiry>", needs=Permission.INQUIRIES_READ, summary="One inquiry")
    def get_inquiry(inquiry: InquiryId) -> Reply[Inquiry]:
        return Reply(services().inquiries.show(inquiry), "inquiry")

    @routes.post("/inquiries/<inquiry>/answer", needs=Permission.INQUIRIES_ANSWER, summary="Answer an inquiry")
    def answer(inquiry: InquiryId, body: Annotated[Response, Body()]) -> Accepted[Answered]:
        answered = services().inquiries.answer(inquiry, body.response, routes.caller.name)
        return Accepted(answered, "answer accepted")

    return routes
