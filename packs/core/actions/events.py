"""Events on Attune's bus."""

import json
import os
from typing import Any

from attune.actions import ActionError
from attune.actions.aws import aws_errors, client, warm

warm("events")


def emit_event(source: str, detail_type: str, detail: dict[str, Any]) -> dict[str, str]:
    """Put one event on the bus that ATTUNE_EVENT_BUS names; ``{event_id}``.

    EventBridge accepts 256 KB per event (quota "PutEvents request size") and may refuse an entry with status 200.
    """
    bus = os.environ.get("ATTUNE_EVENT_BUS")
    if not bus:
        raise ActionError("there is no event bus: ATTUNE_EVENT_BUS is not set", type="no_event_bus", retryable=False)
    entry = {
        "EventBusName": bus,
        "Source": source,
        "DetailType": detail_type,
        "Detail": json.dumps(detail, ensure_ascii=False),
    }
    with aws_errors():
        (answer,) = client("events").put_events(Entries=[entry])["Entries"]
    if "ErrorCode" in answer:
        raise ActionError(answer.get("ErrorMessage", "the event was refused"), type=answer["ErrorCode"])
    return {"event_id": answer["EventId"]}
