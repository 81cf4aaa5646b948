"""Events that executions wait for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine.messages import EventArrived
from attune.execution.ports import Directory, Letter, Mailbox
from attune.language.patterns import matches

FIELDS = ("id", "source", "detail-type", "time", "detail")
"""What of an event's envelope becomes the waiting task's result."""


class Waits:
    """Holds events against what executions wait for."""

    def __init__(self, directory: Directory, mailbox: Mailbox) -> None:
        self._directory, self._mailbox = directory, mailbox

    def handle(self, event: Mapping[str, Any]) -> int:
        """Tell everyone who waits for this event; returns how many that are."""
        shown = {name: event[name] for name in FIELDS if name in event}
        waiting = self._directory.waits(str(event.get("detail-type", "")))
        letters = [
            Letter(e, EventArrived(attempt, shown)) for e, attempt, pattern in waiting if matches(pattern, event)
        ]
        self._mailbox.post(letters)
        return len(letters)
