"""The HTTP API as one Powertools application: routing, validation and the OpenAPI document come from it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from attune import __version__
from attune.api.body import TOO_MUCH, as_json, check_size, fits, with_text
from attune.api.execution_routes import executions
from attune.api.inquiry_routes import inquiries
from attune.api.key_value_routes import secrets, values
from attune.api.log import logger
from attune.api.operation_routes import dead_letters, diagnoses, stack_checkup
from attune.api.pack_routes import packs
from attune.api.resolver import DOCS, Resolver
from attune.api.service_routes import service
from attune.api.services import Services
from attune.api.workflow_routes import workflows
from attune.exceptions import AttuneError, InvalidParameters, Unauthorized
from attune.execution.caller import ANONYMOUS, Caller, Role

BASE: Final = "/api/v1"
_ABOUT: Final[Mapping[str, Any]] = {
    "title": "Attune",
    "version": __version__,
    "description": "Start workflows, follow their executions, register packs.",
}
_PARTS = (workflows, executions, inquiries, packs, values, secrets, stack_checkup, diagnoses, dead_letters)


class Application:
    """Guards and answers requests. ``services`` is called when a request first needs them.

    ``roles`` are those of everybody whose token is known.
    """

    def __init__(self, services: Callable[[], Services], roles: frozenset[Role] = frozenset({Role.ADMIN})) -> None:
        self._services, self._roles = services, roles
        self.resolver = Resolver()
        self.resolver.enable_swagger(path=DOCS, **_ABOUT)
        for part in _PARTS:
            self.resolver.include(part(services), BASE)
        self.resolver.include(service(lambda: self.resolver.get_openapi_json_schema(**_ABOUT)), BASE)
        self._open_paths = self.resolver.open_paths
        _add_error_handlers(self.resolver)

    def answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer an HTTP API event (payload version 2.0): who may not ask is told so before anything is read."""
        try:
            check_size(event)
            self.resolver.append_context(caller=self._admit(event))
            answer = self.resolver.resolve(as_json(with_text(event)), context)
        except AttuneError as error:
            return _plain(_attune_error(error))
        return answer if fits(answer) else _plain(_attune_error(TOO_MUCH))

    def _admit(self, event: dict[str, Any]) -> Caller:
        """Who asks; raises Unauthorized."""
        path = str(event.get("rawPath", "")).rstrip("/")
        if path in self._open_paths:
            return ANONYMOUS
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        name = _token_name(self._services(), headers.get("authorization") or "")
        return Caller(name=name, roles=self._roles)


def _token_name(services: Services, header: str) -> str:
    scheme, _, token = header.partition(" ")
    name = services.directory.token_name(token.strip()) if scheme.lower() == "bearer" and token.strip() else None
    if name is None:
        hint = "send 'Authorization: Bearer <token>'; 'attune token create' makes one"
        raise Unauthorized("a valid bearer token is needed", hint=hint)
    return name


def _plain(answer: Response[str]) -> dict[str, Any]:
    """An answer that is given without the resolver."""
    headers = {"content-type": "application/json"}
    return {"statusCode": answer.status_code, "headers": headers, "body": answer.body}


def _add_error_handlers(app: APIGatewayHttpResolver) -> None:
    app.exception_handler(AttuneError)(_attune_error)
    app.exception_handler(RequestValidationError)(_validation_error)
    app.exception_handler(NotFoundError)(_no_route)
    app.exception_handler(ServiceError)(_service_error)
    app.exception_handler(Exception)(_bug)


def _attune_error(error: AttuneError) -> Response[str]:
    if error.http_status >= 500:
        logger.exception("request failed", code=error.code)
    return _answer(error.http_status, error.to_dict())


def _validation_error(error: RequestValidationError) -> Response[str]:
    rows = [{"path": ".".join(map(str, row["loc"])), "message": str(row["msg"])} for row in error.errors()]
    malformed = any(row["type"] == "json_invalid" for row in error.errors())
    if malformed:
        return _answer(400, {"error": "the body is not JSON", "code": "invalid_request", "details": {"errors": rows}})
    return _attune_error(InvalidParameters("the request is not valid", rows))


def _no_route(error: NotFoundError) -> Response[str]:
    del error
    return _answer(404, {"error": "there is nothing at this address", "code": "not_found", "details": {}})


def _service_error(error: ServiceError) -> Response[str]:
    return _answer(error.status_code, {"error": error.msg, "code": "invalid_request", "details": {}})


def _bug(error: Exception) -> Response[str]:
    logger.exception("unexpected error")
    del error
    return _answer(500, {"error": "something went wrong on our side", "code": "internal_error", "details": {}})


def _answer(status: int, body: dict[str, Any]) -> Response[str]:
    return Response(status, "application/json", json.dumps(body, default=str))
