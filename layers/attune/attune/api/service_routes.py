"""Routes that are open to everybody: is the API there, and what can it do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aws_lambda_powertools.event_handler import Response

from attune import __version__
from attune.api.reply import Reply
from attune.api.routing import OPEN, Routes


@dataclass(frozen=True, kw_only=True, slots=True)
class Health:
    """``status`` is always ``ok``: who is not there does not answer."""

    status: str
    version: str


def service(document: Callable[[], str]) -> Routes:
    """``document`` gives the OpenAPI document as JSON."""
    routes = Routes("service")

    @routes.get("/health", needs=OPEN, summary="Is the API there?")
    def health() -> Reply[Health]:
        return Reply(Health(status="ok", version=__version__), "ok")

    @routes.get("/openapi.json", needs=OPEN, summary="This API as an OpenAPI document")
    def openapi() -> Response[str]:
        return Response(200, "application/json", document())

    return routes
