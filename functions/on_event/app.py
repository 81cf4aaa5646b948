"""on_event: starts what rules ask for when an event comes over the bus, or a schedule's time has come."""

from __future__ import annotations

from typing import Any

from attune.wiring.functions import event_handler

MARGIN = 10_000
"""Milliseconds kept back from the function's time: for what is under way, and to leave the rest for later."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """``event`` is an EventBridge event; returns the executions started, by rule.

    Raises when a service does not answer: Lambda then tries again, and at last the event is a dead letter.
    """
    return {"started": event_handler().deliver(event, lambda: context.get_remaining_time_in_millis() < MARGIN)}
