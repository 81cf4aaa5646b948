"""From a recorded end of an attempt to the message that tells of it."""

from __future__ import annotations

import json

from attune.engine.ids import AttemptId
from attune.engine.messages import TaskEnded
from attune.execution.ports.execution_store import Record
from attune.model.status import TaskStatus

INLINE_RESULT = 16 * 1024
"""Results up to this many bytes of JSON ride along in the message, which spares ``advance`` a read. Ten messages of
this size still fit into one batch of SQS (256 KB)."""


def ended_message(attempt: AttemptId, record: Record, resend_id: str = "") -> TaskEnded:
    """The message for a recorded end; a large result stays in its record, a large error is cut."""
    small = len(json.dumps(record.result)) <= INLINE_RESULT
    error = dict(record.error) if record.error else None
    if error is not None and len(json.dumps(error)) > INLINE_RESULT:
        error = {**error, "message": str(error.get("message"))[:2000], "details": None}
    return TaskEnded(
        attempt,
        TaskStatus(record.status),
        record.result if small else None,
        has_result=small,
        error=error,
        resend_id=resend_id,
    )
