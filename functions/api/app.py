"""api: the HTTP API."""

from __future__ import annotations

from typing import Any

from attune.api.application import Application
from attune.wiring.functions import services

application = Application(services)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``event`` is an API Gateway HTTP API event, payload version 2.0."""
    return application.answer(event, context)
