"""Events that ``on_event`` could not take: how they come to its dead-letter queue, and how they are handed to it again.

Two services put them there, each in its own words: Lambda's destination for failures wraps the event and says how the
function failed; EventBridge, which could not invoke it at all, sends the bare event and says why in attributes.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.failures import calling
from attune.exceptions import InvalidRequest

LONGEST_WHY = 500
"""Characters of what a service says of a failure."""


def event_of(body: str) -> Mapping[str, Any]:
    """The event in a dead letter's body, wrapped or bare; raises InvalidRequest when there is none."""
    try:
        whole = json.loads(body)
    except (ValueError, RecursionError):
        raise InvalidRequest("it holds no event: it is no JSON", hint="drop it", body=body[:200]) from None
    event = whole.get("requestPayload", whole) if isinstance(whole, Mapping) else None
    if not isinstance(event, Mapping) or not all(
        isinstance(event.get(name), str) for name in ("source", "detail-type")
    ):
        hint = "drop it; an event has a 'source' and a 'detail-type'"
        raise InvalidRequest("it holds no event that could be delivered again", hint=hint, body=body[:200])
    return event


def describe_event(event: Mapping[str, Any]) -> str:
    """Its id, its type, and where it comes from."""
    return f"event {event.get('id', 'without an id')} ('{event['detail-type']}' of {event['source']})"[:LONGEST_WHY]


def why(record: Mapping[str, Any]) -> str:
    """What Lambda or EventBridge says of the failure; empty where they say nothing."""
    attributes = record.get("messageAttributes") or {}
    by_eventbridge = [attributes[name].get("stringValue") for name in _SAID if name in attributes]
    return ": ".join(map(str, filter(None, by_eventbridge or _by_lambda(record["body"]))))[:LONGEST_WHY]


_SAID = ("ERROR_CODE", "ERROR_MESSAGE")


def _by_lambda(body: str) -> list[Any]:
    try:
        answer = json.loads(body)["responsePayload"]
        return [answer.get("errorType"), answer.get("errorMessage")]
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        return []


class OnEvent:
    """The function ``on_event``, invoked as EventBridge does it: it tries three times, and what fails comes back."""

    def __init__(self, client: Any, function: str) -> None:
        self._client, self._function = client, function

    def deliver(self, event: Mapping[str, Any]) -> None:
        """Returns when Lambda has taken it over. The event keeps its id, so no rule starts anything for it twice.

        Raises Unavailable, and PayloadTooLarge.
        """
        with calling("Lambda"):
            self._client.invoke(FunctionName=self._function, InvocationType="Event", Payload=to_text(event).encode())
