"""Events that executions wait for, whichever of event and wait comes first.

``on_event`` keeps an event, then looks for waits. A task that waits writes its wait, then looks for kept events. Both
reads are consistent, so at least one finds the other. If both do, the second message is a copy, and is dropped.

Where no wait looks back, an event is kept only if somebody waits for it. It is kept before the message to him is
posted: should that be lost, ``sweep`` sends it again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count
from typing import Any

from attune.engine import delivered_events
from attune.engine.facts import RecordFact, WaitFact
from attune.engine.ids import AttemptId
from attune.engine.messages import EventArrived
from attune.engine.state import State
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.queues import Envelope, Mailbox
from attune.execution.ports.triggers import ANY_TYPE, Events, KeptEvents
from attune.execution.remembered import Remembered
from attune.model.patterns import event_types, matches
from attune.model.status import TaskStatus

FIELDS = ("id", "source", "detail-type", "time", "detail")
"""What of an event's envelope becomes the waiting task's result."""
LEAST_KEPT = 3600.0
"""Seconds for which an event is kept at least: if the news of it is lost, ``sweep`` finds it there."""


class Waits:
    """Holds events against what executions wait for."""

    def __init__(self, events: Events, mailbox: Mailbox, catalog: Catalog, clock: Clock) -> None:
        self._events, self._mailbox, self._clock = events, mailbox, clock
        self._awaited = Remembered(catalog.awaited, clock)

    def handle(self, event: Mapping[str, Any]) -> int:
        """Tell everyone who waits for this event; returns how many that are."""
        kind = str(event.get("detail-type", ""))
        seconds = self._awaited().get(kind, 0.0)
        if seconds:
            self._keep(kind, event, seconds)
        found = [wait for wait in self._events.waits(kind) if matches(wait[2], event)]
        for place in {_place(pattern, kind) for _, _, pattern in found} - ({kind} if seconds else set()):
            self._keep(place, event, LEAST_KEPT)
        self._mailbox.post([_envelope(execution, attempt, event) for execution, attempt, _ in found])
        return len(found)

    def _keep(self, place: str, event: Mapping[str, Any], seconds: float) -> None:
        self._events.keep(place, event, self._clock.now(), max(seconds, LEAST_KEPT))


class LookBack:
    """Finds an event that a wait missed: it came before the wait began, or the message about it was lost.

    For a wait without ``within``, it looks at events since ``horizon`` (epoch seconds).
    """

    def __init__(self, store: ExecutionStore, events: KeptEvents, horizon: float = 0.0) -> None:
        self._store, self._events, self._horizon = store, events, horizon

    def round(self, now: float) -> LookBack:
        """One to look for many waits with, that reads the events of a type once."""
        return LookBack(self._store, _ReadOnce(self._events), now - LEAST_KEPT)

    def may_find(self, given: Mapping[str, Any]) -> bool:
        """Whether there can be anything for a wait with this input, as far as that is known without its terms."""
        types = event_types(given)
        if types is None or given.get("within"):
            return True
        return any(any(self._events.kept(name, self._horizon)) for name in types)

    def envelopes(self, state: State, attempts: Sequence[AttemptId]) -> list[Envelope]:
        """For each attempt that still waits, the first event that was kept for it, if there is one."""
        return [envelope for _, envelope in self.found(state, attempts)]

    def found(self, state: State, attempts: Sequence[AttemptId]) -> Iterator[tuple[AttemptId, Envelope]]:
        """The same, by attempt."""
        for attempt in attempts:
            event = next(iter(self._new(state, attempt)), None)
            if event is not None:
                yield attempt, _envelope(state.execution, attempt, event)

    def _new(self, state: State, attempt: AttemptId) -> list[Mapping[str, Any]]:
        """What fits and no earlier visit was given."""
        fitting = self._fitting(state.execution, attempt)
        if fitting and delivered_events.forgets(state):
            fitting = _after(fitting, self._had(state.execution, attempt))
        return [event for event in fitting if not delivered_events.is_copy(state, attempt, event)]

    def _fitting(self, execution: str, attempt: AttemptId) -> list[Mapping[str, Any]]:
        fact = WaitFact(attempt)
        wait = self._store.facts(execution, [fact])[fact]
        if wait is None:
            return []
        pattern, within = wait["pattern"], wait.get("within")
        since = wait["since"] - within if within else max(wait["since"], self._horizon)
        places = event_types({"pattern": pattern}) or (ANY_TYPE,)
        kept = [event for place in places for _, event in self._events.kept(place, since)]
        return _without_copies(event for event in kept if matches(pattern, event))

    def _had(self, execution: str, attempt: AttemptId) -> str | None:
        """The id of the event that an earlier visit of this task was given."""
        for visit in range(attempt.visit - 1, 0, -1):
            for record in self._records(execution, attempt, visit):
                if record["status"] == TaskStatus.COMPLETED:
                    return str(record["result"].get("id"))
        return None

    def _records(self, execution: str, attempt: AttemptId, visit: int) -> Iterator[Mapping[str, Any]]:
        for number in count(1):
            fact = RecordFact(AttemptId(attempt.task, visit, attempt.index, number))
            record = self._store.facts(execution, [fact])[fact]
            if record is None:
                return
            yield record


class _ReadOnce:
    """Remembers what was kept of each type."""

    def __init__(self, events: KeptEvents) -> None:
        self._events = events
        self._read: dict[str, tuple[float, list[tuple[float, Mapping[str, Any]]]]] = {}

    def kept(self, detail_type: str, since: float) -> list[tuple[float, Mapping[str, Any]]]:
        """See the port."""
        begun, rows = self._read.get(detail_type, (float("inf"), []))
        if since < begun:
            begun, rows = self._read[detail_type] = since, list(self._events.kept(detail_type, since))
        first = int(since * 1000) / 1000
        return [row for row in rows if row[0] >= first]


def _envelope(execution: str, attempt: AttemptId, event: Mapping[str, Any]) -> Envelope:
    return Envelope(execution, EventArrived(attempt, {name: event[name] for name in FIELDS if name in event}))


def _place(pattern: Mapping[str, Any], kind: str) -> str:
    """Where a wait with this pattern looks for an event of this kind."""
    return kind if event_types({"pattern": pattern}) else ANY_TYPE


def _without_copies(events: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Each where it first came: the bus may deliver it again."""
    first: dict[Any, Mapping[str, Any]] = {}
    for event in events:
        first.setdefault(event.get("id", len(first)), event)
    return list(first.values())


def _after(events: list[Mapping[str, Any]], had: str | None) -> list[Mapping[str, Any]]:
    """Those behind the last one with this id; all if it is not among them."""
    places = [place for place, event in enumerate(events) if str(event.get("id")) == had]
    return events[places[-1] + 1 :] if places else events
