"""The API function as a WSGI application: API Gateway's part, without a network."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from http import HTTPStatus
from types import ModuleType
from typing import Any
from urllib.parse import parse_qsl

from tests.integration.stack import Context

TEXT = ("application/json", "text/", "application/xml", "application/javascript")
"""Bodies of these types come as text, all others in base64 (as API Gateway does)."""


class Gateway:
    """Turns WSGI requests into HTTP API events (payload version 2.0), and answers into WSGI's."""

    def __init__(self, function: ModuleType) -> None:
        self._function = function

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        answer = self._function.handler(self._event(environ), Context())
        status = answer["statusCode"]
        headers = dict(answer.get("headers") or {})
        for name, values in (answer.get("multiValueHeaders") or {}).items():
            headers[name] = values[0]
        body = answer.get("body") or ""
        data = base64.b64decode(body) if answer.get("isBase64Encoded") else body.encode()
        phrase = HTTPStatus(status).phrase
        start_response(f"{status} {phrase}", [(name, str(value)) for name, value in headers.items()])
        return [data]

    def _event(self, environ: dict[str, Any]) -> dict[str, Any]:
        path = environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
        query = environ.get("QUERY_STRING", "")
        headers = {name[5:].replace("_", "-").lower(): v for name, v in environ.items() if name.startswith("HTTP_")}

        if environ.get("CONTENT_TYPE"):
            headers["content-type"] = environ["CONTENT_TYPE"]
        return {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "queryStringParameters": _joined(query),
            "headers": headers,
            "requestContext": {
                "http": {"method": environ["REQUEST_METHOD"], "path": path},
                "stage": "$default",
                "requestId": "r",
            },
            **_body(environ, headers.get("content-type", "")),
        }


def _joined(query: str) -> dict[str, str] | None:
    """A parameter that is given twice comes once, its values joined by commas."""
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined or None


def _body(environ: dict[str, Any], content_type: str) -> dict[str, Any]:
    data = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    if not data:
        return {"isBase64Encoded": False}
    try:
        if content_type.startswith(TEXT):
            return {"isBase64Encoded": False, "body": data.decode()}
    except UnicodeDecodeError:
        pass
    return {"isBase64Encoded": True, "body": base64.b64encode(data).decode()}
