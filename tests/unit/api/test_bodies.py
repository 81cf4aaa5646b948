"""Bodies of requests: JSON is read whatever its content type says, and nothing else is."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.api.test_routes import directory

from attune.api.application import Application

EXECUTE = "/api/v1/workflows/a.b/execute"
APPLICATION = Application(lambda: SimpleNamespace(directory=directory()))
JSON = [None, "", "application/json", "Application/JSON", "application/json; charset=utf-8", "application/vnd.api+json"]
OTHERS = [
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data",
    "multipart/form-data; boundary=x",
    "application/octet-stream",
    "application/jsonp",
    "json",
    "ä" * 2000,
    ";",
]


def post(content_type: str | None, body: str, encoded: bool = False) -> tuple[int, dict[str, Any]]:
    request = {"http": {"method": "POST", "path": EXECUTE}, "stage": "$default"}
    headers = {"Authorization": "Bearer token"} | ({} if content_type is None else {"Content-Type": content_type})
    event = {"version": "2.0", "rawPath": EXECUTE, "headers": headers, "requestContext": request, "body": body}
    answer = APPLICATION.answer({**event, "isBase64Encoded": encoded}, None)
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("encoded", [False, True])
@pytest.mark.parametrize("content_type", [*JSON, *OTHERS])
def test_what_is_json_is_read(content_type, encoded):
    body = '{"parameters": 5}'
    status, answer = post(content_type, base64.b64encode(body.encode()).decode() if encoded else body, encoded)
    assert (status, answer["details"]["errors"][0]["path"]) == (422, "body.parameters")


@pytest.mark.parametrize("content_type", JSON)
def test_what_is_said_to_be_json_and_is_not_is_malformed(content_type):
    assert post(content_type, "a=b")[0] == 400


@pytest.mark.parametrize("content_type", OTHERS[:-1])
def test_what_is_neither_is_of_an_unsupported_type(content_type):
    status, answer = post(content_type, "a=b")
    assert (status, answer["code"]) == (415, "unsupported_media_type")
    assert content_type.partition(";")[0][:100] in answer["error"]


@pytest.mark.parametrize("body", ['{"a": NaN}', "1e999", "[" * 5000 + "]" * 5000])
def test_the_bounds_hold_for_every_type(body):
    assert post("text/plain", body)[0] == 400
