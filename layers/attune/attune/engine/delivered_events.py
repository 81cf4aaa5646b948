"""Which events were given to which visits of a task: the bus may deliver one again when the next visit waits.

Copies are known by the event's id, which everything on EventBridge has.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine.ids import AttemptId, dedup_id
from attune.engine.state import State

MOST_DELIVERED_EVENTS = 16
"""Events that a state remembers, the latest."""
NAME = 8
"""Characters of each (32 bits): it stands in every state that is saved from then on."""


def note(state: State, attempt: AttemptId, event: Mapping[str, Any]) -> None:
    """Remember that the attempt is given this event."""
    if "id" in event:
        told = {**state.delivered_events, _name(attempt, event): attempt.visit}
        state.delivered_events = dict([*told.items()][-MOST_DELIVERED_EVENTS:])


def is_copy(state: State, attempt: AttemptId, event: Mapping[str, Any]) -> bool:
    """Whether another visit of the attempt's task was given the event."""
    return "id" in event and state.delivered_events.get(_name(attempt, event), attempt.visit) != attempt.visit


def forgets(state: State) -> bool:
    """Whether there were more events than are remembered, perhaps."""
    return len(state.delivered_events) == MOST_DELIVERED_EVENTS


def _name(attempt: AttemptId, event: Mapping[str, Any]) -> str:
    return dedup_id(attempt.task, event["id"])[:NAME]
