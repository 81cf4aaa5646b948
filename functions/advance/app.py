"""advance: folds the mailboxes of executions into their states.

Fed by the advance queue (SQS FIFO, message group = execution), up to ten messages a call, possibly of several
executions. On the hot path: imports neither pydantic nor PyYAML.
"""

from __future__ import annotations

from typing import Any

from attune.engine.ids import home_of
from attune.handlers.sqs_records import by_group, failures, received
from attune.wiring.functions import advancer
from attune.wiring.process import log
from attune.wiring.storage import blobs


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the messages that must come again; in one group, that is everything from the first that failed."""
    failed: list[dict[str, Any]] = []
    for execution, records in by_group(event["Records"]).items():
        try:
            done = advancer().deliver(execution, received(records, blobs()))
        except Exception:
            where = {"execution_id": home_of(execution), "mailbox": execution}
            log().exception("messages could not be folded", extra=where)
            done = 0
        failed += records[done:]
    return failures(failed)
