"""The HTTP API as one Powertools application: routing, validation and the OpenAPI document come from it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError, ServiceError
from aws_lambda_powertools.event_handler.openapi.exceptions import RequestValidationError

from attune import __version__
from attune.api.body import TOO_MUCH, check_size, fits, read_json, with_text
from attune.api.document import OPEN_PATHS, Resolver
from attune.api.execution_routes import executions
from attune.api.inquiry_routes import inquiries
from attune.api.key_value_routes import secrets, values
from attune.api.log import logger
from attune.api.operation_routes import operations
from attune.api.pack_routes import packs
from attune.api.reply import Reply, reply
from attune.api.services import Services
from attune.api.workflow_routes import workflows
from attune.exceptions import AttuneError, InvalidParameters, Unauthorized


class Application:
    """Guards and answers requests. ``services`` is called when a request first needs them."""

    def __init__(self, services: Callable[[], Services]) -> None:
        self._services = services
        self.resolver = Resolver(enable_validation=True, json_body_deserializer=read_json)
        self.resolver.enable_swagger(path="/docs", title="Attune", version=__version__, description=_DESCRIPTION)
        for make in (workflows, executions, inquiries, packs, values, secrets, operations):
            self.resolver.include_router(make(services), prefix="/api/v1")
        _add_open_routes(self.resolver)
        _add_error_handlers(self.resolver)

    def answer(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """Answer an HTTP API event (payload version 2.0): who may not ask is told so before anything is read."""
        try:
            check_size(event)
            self.resolver.append_context(identity=self._admit(event))
            readable = with_text(event)
        except AttuneError as error:
            return _plain(_attune_error(error))
        answer = self.resolver.resolve(readable, context)
        return answer if fits(answer) else _plain(_attune_error(TOO_MUCH))

    def _admit(self, event: dict[str, Any]) -> str:
        """Whose request this is; raises Unauthorized."""
        path = str(event.get("rawPath", "")).rstrip("/")
        if path in OPEN_PATHS:
            return "anonymous"
        headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        return _identity(self._services(), headers.get("authorization") or "")


_DESCRIPTION = "Start workflows, follow their executions, register packs."


def _add_open_routes(app: APIGatewayHttpResolver) -> None:
    @app.get("/api/v1/health", tags=["service"], summary="Is the API there?")
    def health() -> Reply:
        return reply({"status": "ok", "version": __version__}, "ok")

    @app.get("/api/v1/openapi.json", tags=["service"], summary="This API as an OpenAPI document")
    def openapi() -> Response[str]:
        document = app.get_openapi_json_schema(title="Attune", version=__version__, description=_DESCRIPTION)
        return Response(200, "application/json", document)


def _identity(services: Services, header: str) -> str:
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
