"""on_dead: writes down what ended in a dead-letter queue, and tells executions of their messages.

Fed by the dead-letter queues of the advance queue (FIFO), of the task and timer queues, and of events.
"""

from __future__ import annotations

from typing import Any

from attune.handlers.sqs_records import failures
from attune.wiring.functions import dead_letter_handler
from attune.wiring.process import log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the messages that must come again."""
    failed = []
    for record in event["Records"]:
        try:
            log().error("dead letter", extra={"message_id": record["messageId"], "queue": record["eventSourceARN"]})
            dead_letter_handler().deliver(record)
        except Exception:
            log().exception("a dead letter could not be told")
            failed.append(record)
    return failures(failed)
