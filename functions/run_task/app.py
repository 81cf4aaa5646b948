"""run_task: runs attempts of actions.

Fed by the task queue (SQS standard), up to ten attempts a call, which run side by side in processes of their own.
On the hot path: imports neither pydantic nor PyYAML.
"""

from __future__ import annotations

from typing import Any

from attune.execution.worker import Lease
from attune.handlers.sqs_records import failures, tasks
from attune.wiring.functions import worker
from attune.wiring.process import log
from attune.wiring.storage import blobs

MARGIN = 5.0
"""Seconds kept back from the function's time to record and report what ran until the end."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the attempts that must come again."""
    readable, broken = tasks(event["Records"], blobs())
    lease = Lease(context.aws_request_id, max(context.get_remaining_time_in_millis() / 1000 - MARGIN, 1.0))
    try:
        again = worker().work([message for _, message in readable], lease)
    except Exception:
        log().exception("a batch of attempts broke off")
        again = list(range(len(readable)))
    return failures(broken + [readable[position][0] for position in again])
