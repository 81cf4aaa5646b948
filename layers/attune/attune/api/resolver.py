"""Powertools' resolver, with our routes: it asks who may, and documents what they answer."""

from __future__ import annotations

from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.api_gateway import ResponseBuilder, Route
from aws_lambda_powertools.event_handler.openapi.models import OpenAPI

from attune.api.body import read_json
from attune.api.document import BEARER, complete
from attune.api.routing import OPEN, Endpoint, Routes

DOCS: Final = "/docs"
"""The page of Powertools that shows the API in a browser; it is open."""


class Resolver(APIGatewayHttpResolver):
    """Before it resolves a request, its context needs the ``caller``."""

    def __init__(self) -> None:
        super().__init__(enable_validation=True, json_body_deserializer=read_json)
        self.endpoints: dict[tuple[str, str], Endpoint] = {}
        """By method and path."""

    def include(self, routes: Routes, prefix: str) -> None:
        """Add these routes, their paths behind the prefix."""
        self.include_router(routes.router, prefix=prefix)
        self.endpoints |= {(method, f"{prefix}{path}"): found for (method, path), found in routes.endpoints.items()}

    @property
    def open_paths(self) -> frozenset[str]:
        """What needs no token."""
        return frozenset({DOCS} | {path for (_, path), endpoint in self.endpoints.items() if endpoint.needs is OPEN})

    def get_openapi_schema(self, **about: Any) -> OpenAPI:
        """The document as a model."""
        return complete(super().get_openapi_schema(**{**about, "security_schemes": BEARER}), self.endpoints)

    def _call_route(self, route: Route, route_arguments: dict[str, str]) -> ResponseBuilder[Any]:
        """Hold the caller to the route's need first; raises Forbidden.

        It cannot be a middleware: Powertools validates a request before it runs these. A caller without the permission
        would then be told what is wrong with his request.
        """
        if isinstance(route.func, Endpoint):
            route.func.check(self.context["caller"])
        return super()._call_route(route, route_arguments)
