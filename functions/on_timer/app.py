"""on_timer: puts timers that are due into the mailboxes of their executions.

Fed by the timer queue (SQS standard): delayed messages, and one-time schedules for what is further away than the
15 minutes that SQS can delay.
"""

from __future__ import annotations

from typing import Any

from attune.handlers.sqs_records import deliver_each
from attune.wiring.functions import timer_handler
from attune.wiring.process import log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the timers that must come again."""
    return deliver_each(event["Records"], timer_handler().deliver, log(), "a timer could not be delivered")
