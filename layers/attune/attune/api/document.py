"""The OpenAPI document: what Powertools makes of the routes, with the answers that all of them may give."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, OpenAPI, Operation

from attune.exceptions import AttuneError

BEARER = {"bearer": HTTPBearer(description="made by 'attune token create'")}
OPEN_PATHS = frozenset({"/api/v1/health", "/api/v1/openapi.json", "/docs"})
"""What needs no token."""

_METHODS = ("get", "put", "post", "delete", "patch")
_ENVELOPE = {
    "type": "object",
    "required": ["data", "message"],
    "properties": {"data": {}, "message": {"type": "string"}},
}
_ERROR = {
    "type": "object",
    "required": ["error", "code", "details"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}, "details": {"type": "object"}},
}


class Resolver(APIGatewayHttpResolver):
    """Powertools' resolver, which would document 200 and a 422 of its own, whatever the routes answer."""

    def get_openapi_schema(self, **about: Any) -> OpenAPI:
        """The document as a model."""
        document = super().get_openapi_schema(**{**about, "security_schemes": BEARER})
        for path, item in (document.paths or {}).items():
            for method in _METHODS:
                operation = getattr(item, method)
                if operation is not None:
                    _complete(operation, path)
        return document


def _complete(operation: Operation, path: str) -> None:
    operation.security = [] if path in OPEN_PATHS else [{"bearer": []}]
    good = 202 if 202 in (operation.responses or {}) else 200
    schema = {"type": "object"} if path.endswith("/openapi.json") else _ENVELOPE
    operation.responses = {good: _answer(good, schema)} | {status: _answer(status, _ERROR) for status in _refusals()}


def _refusals() -> list[int]:
    """The status of every error that the API tells on purpose."""
    kinds: list[type[AttuneError]] = AttuneError.__subclasses__()
    return sorted({kind.http_status for kind in kinds} - {500})


def _answer(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": schema}}}
