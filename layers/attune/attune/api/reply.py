"""The shape of every good answer: ``{"data": …, "message": …}``."""

from __future__ import annotations

import json
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.openapi.types import OpenAPIResponse

from attune.execution.answers import to_json

Reply = dict[str, Any]
ACCEPTED: dict[int, OpenAPIResponse] = {202: {"description": "Accepted"}}
"""For routes that answer with :func:`accepted`."""


def reply(data: Any, message: str) -> Reply:
    """200 with the envelope."""
    return {"data": to_json(data), "message": message}


def accepted(data: Any, message: str) -> Response[str]:
    """202 with the envelope: it will be done."""
    return Response(202, "application/json", json.dumps(reply(data, message), default=str))
