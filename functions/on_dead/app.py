"""on_dead: writes down what ended in a dead-letter queue, and tells executions of their messages.

Fed by the dead-letter queues of the advance queue (FIFO), of the task and timer queues, and of events.
"""

from __future__ import annotations

from typing import Any

from attune.handlers.sqs_records import deliver_each
from attune.wiring.functions import dead_letter_handler
from attune.wiring.process import log


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns the messages that must come again."""
    return deliver_each(event["Records"], _deliver, log(), "a dead letter could not be told")


def _deliver(record: dict[str, Any]) -> None:
    log().error("dead letter", extra={"message_id": record["messageId"], "queue": record["eventSourceARN"]})
    dead_letter_handler().deliver(record)
