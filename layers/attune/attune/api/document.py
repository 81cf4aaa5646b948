"""The OpenAPI document: what Powertools makes of the routes, with what each needs and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler.openapi.models import HTTPBearer, OpenAPI, Operation

from attune.api.routing import OPEN, Endpoint
from attune.exceptions import AttuneError

BEARER: Final = {"bearer": HTTPBearer(description="made by 'attune token create'")}

_ERROR = {
    "type": "object",
    "required": ["error", "code", "details"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}, "details": {"type": "object"}},
}


def complete(document: OpenAPI, endpoints: Mapping[tuple[str, str], Endpoint]) -> OpenAPI:
    """The document with the answers and needs of all endpoints, which are named by method and path.

    Powertools would document 200 and a 422 of its own, whatever the routes answer.
    """
    paths = document.paths or {}
    for (method, path), endpoint in endpoints.items():
        operation = getattr(paths[re.sub(r"<(\w+)>", r"{\1}", path)], method.lower())
        _complete(operation, endpoint)
    return document


def _complete(operation: Operation, endpoint: Endpoint) -> None:
    operation.security = [] if endpoint.needs is OPEN else [{"bearer": [str(endpoint.needs)]}]
    good = _answer(endpoint.status, _good(endpoint))
    operation.responses = {endpoint.status: good} | {status: _answer(status, _ERROR) for status in _refusals()}


def _good(endpoint: Endpoint) -> dict[str, Any]:
    if endpoint.data is None:
        return {"type": "object"}
    properties = {"data": {}, "message": {"type": "string"}}
    return {"type": "object", "required": ["data", "message"], "properties": properties}


def _refusals() -> list[int]:
    """The status of every error that the API tells on purpose."""
    kinds: list[type[AttuneError]] = AttuneError.__subclasses__()
    return sorted({kind.http_status for kind in kinds} - {500})


def _answer(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": schema}}}
