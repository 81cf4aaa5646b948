"""Events that executions wait for, whichever of event and wait comes first.

Who takes an event in keeps it, then asks who waits. Who waits writes that down, then looks at what was kept. Both
reads are consistent, so one of the two finds the other; if both do, the second letter is dropped as a copy.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from attune.engine.facts import record_key, wait_key
from attune.engine.ids import AttemptId
from attune.engine.messages import EventArrived
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.clock import Clock
from attune.execution.ports.queues import Letter, Mailbox
from attune.execution.ports.store import ExecutionStore
from attune.execution.ports.triggers import Events
from attune.language.patterns import event_types, matches
from attune.language.status import TaskStatus

FIELDS = ("id", "source", "detail-type", "time", "detail")
"""What of an event's envelope becomes the waiting task's result."""
LEAST_KEPT = 3600.0
"""Seconds for which an event is kept at least: if the news of it is lost, ``sweep`` finds it there."""
REMEMBER = 30.0
"""Seconds for which the list of events to keep is not read again."""


class Waits:
    """Holds events against what executions wait for."""

    def __init__(self, events: Events, mailbox: Mailbox, catalog: Catalog, clock: Clock) -> None:
        self._events, self._mailbox, self._catalog, self._clock = events, mailbox, catalog, clock
        self._awaited: Mapping[str, float] = {}
        self._read_at = float("-inf")

    def handle(self, event: Mapping[str, Any]) -> int:
        """Tell everyone who waits for this event; returns how many that are."""
        kind = str(event.get("detail-type", ""))
        seconds = self._kept_for(kind)
        if seconds:
            self._events.keep(kind, event, self._clock.now(), max(seconds, LEAST_KEPT))
        waiting = self._events.waits(kind)
        letters = [_letter(who, attempt, event) for who, attempt, pattern in waiting if matches(pattern, event)]
        self._mailbox.post(letters)
        return len(letters)

    def _kept_for(self, kind: str) -> float:
        now = self._clock.now()
        if now - self._read_at > REMEMBER:
            self._awaited, self._read_at = self._catalog.awaited(), now
        return self._awaited.get(kind, 0.0)


class LookBack:
    """Finds events that came before somebody began to wait for them."""

    def __init__(self, store: ExecutionStore, events: Events) -> None:
        self._store, self._events = store, events

    def letters(self, execution: str, attempts: Sequence[AttemptId]) -> list[Letter]:
        """For each attempt that still waits, the first event kept for it, if there is one."""
        return [letter for _, letter in self.found(execution, attempts)]

    def found(self, execution: str, attempts: Sequence[AttemptId]) -> Iterator[tuple[AttemptId, Letter]]:
        """The same, by attempt."""
        for attempt in attempts:
            event = self._first(execution, attempt)
            if event is not None:
                yield attempt, _letter(execution, attempt, event)

    def _first(self, execution: str, attempt: AttemptId) -> Mapping[str, Any] | None:
        wait = self._store.facts(execution, [wait_key(attempt)])[wait_key(attempt)]
        if wait is None or not wait.get("within"):
            return None
        pattern, since = wait["pattern"], wait["since"] - wait["within"]
        kept = [row for kind in event_types({"pattern": pattern}) or () for row in self._events.kept(kind, since)]
        fitting = [event for event in kept if matches(pattern, event)]
        return next(iter(_after(fitting, self._had(execution, attempt))), None)

    def _had(self, execution: str, attempt: AttemptId) -> str | None:
        """The id of the event that an earlier visit of this task was given."""
        for visit in range(attempt.visit - 1, 0, -1):
            for record in self._records(execution, attempt, visit):
                if record["status"] == TaskStatus.COMPLETED:
                    return str(record["result"].get("id"))
        return None

    def _records(self, execution: str, attempt: AttemptId, visit: int) -> Iterator[Mapping[str, Any]]:
        for number in count(1):
            key = record_key(AttemptId(attempt.task, visit, attempt.index, number))
            record = self._store.facts(execution, [key])[key]
            if record is None:
                return
            yield record


def _letter(execution: str, attempt: AttemptId, event: Mapping[str, Any]) -> Letter:
    return Letter(execution, EventArrived(attempt, {name: event[name] for name in FIELDS if name in event}))


def _after(events: Sequence[Mapping[str, Any]], had: str | None) -> Sequence[Mapping[str, Any]]:
    """Those behind the last one with this id; all if it is not among them."""
    places = [place for place, event in enumerate(events) if str(event.get("id")) == had]
    return events[places[-1] + 1 :] if places else events
