"""Sensors at work: a poll is an execution; what it found that is new becomes events.

Events are sent before it is remembered that their items were seen: a crash in between sends them again, and rules,
which take the sensor and the item's key for the occasion, start nothing twice.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attune.engine.facts import OutputFact
from attune.exceptions import AttuneError, Conflict, InvalidRequest, Unavailable
from attune.execution.event_names import COMPLETED, SENSOR_SOURCE, SOURCE
from attune.execution.execution_start import Starter
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.queues import EventBus
from attune.execution.ports.triggers import SensorMemory, SensorStore
from attune.execution.remembered import Remembered
from attune.execution.rules import Fired
from attune.expressions import templates
from attune.expressions.bounds import is_wide
from attune.model.sensor import Sensor

MOST_ITEMS = 1000
"""Items that one poll may give."""
MOST_SEEN = 2000
"""Keys of items that a sensor remembers, the ones seen last; as digests they take 30 KB."""
MOST_BYTES = 200_000
"""Of an item's JSON that an event carries (EventBridge takes 256 KB); a larger one's event names its execution."""
LONGEST_KEY = 1000
"""Characters of a key that an event carries; in place of a longer one (a whole item, say) it has its SHA-256."""
MAX_ROUNDS = 10
"""How often a memory that others change as well is read anew."""


class SensorPoller:
    """Starts a poll when a sensor's time has come."""

    def __init__(self, catalog: Catalog, memories: SensorStore, starter: Starter) -> None:
        self._catalog, self._memories, self._starter = catalog, memories, starter

    def handle(self, event: Mapping[str, Any]) -> list[Fired]:
        """Start what a schedule's event asks for, once for each time; raises Unavailable."""
        detail = event["detail"]
        due = (sensor for sensor in self._catalog.sensors() if sensor.enabled and sensor.ref == detail["rule"])
        return [self._start(sensor, str(detail["time"])) for sensor in due]

    def _start(self, sensor: Sensor, time: str) -> Fired:
        cursor = self._memories.load(sensor.ref).cursor
        try:
            started = self._starter.start(
                sensor.ref,
                templates.render(dict(sensor.parameters), {"cursor": cursor}),
                trigger={"type": "schedule", "sensor": sensor.ref},
                identity=f"sensor:{sensor.ref}",
                idempotency_key=f"sensor/{sensor.ref}/{time}",
            )
        except Conflict:  # the schedule's message came twice, and the cursor has moved since the first
            return Fired(sensor.ref)
        except AttuneError as error:
            if error.http_status >= 500:
                raise
            return Fired(sensor.ref, error=error)
        return Fired(sensor.ref, started)


@dataclass(frozen=True, slots=True)
class _Item:
    key: str
    value: Any

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.key.encode()).hexdigest()

    @property
    def digest(self) -> str:
        """12 characters: two of 2,000 keys have the same once in 100 million sensors."""
        return self.sha256[:12]


class SensorResults:
    """Turns what a poll gave into events."""

    def __init__(
        self, *, catalog: Catalog, store: ExecutionStore, memories: SensorStore, bus: EventBus, clock: Clock
    ) -> None:
        self._store, self._memories, self._bus = store, memories, bus
        self._sensors = Remembered(lambda: {sensor.ref: sensor for sensor in catalog.sensors()}, clock)

    def handle(self, event: Mapping[str, Any]) -> list[Fired]:
        """If the event announces that a poll completed, send an event for each new item; raises Unavailable."""
        detail = event.get("detail")
        if event.get("source") != SOURCE or event.get("detail-type") != COMPLETED or not isinstance(detail, Mapping):
            return []
        sensor = self._sensors().get(str(detail.get("workflow")))
        if sensor is None:
            return []
        try:
            self._see(sensor, str(detail["execution_id"]))
        except AttuneError as error:
            if error.http_status >= 500:
                raise
            return [Fired(sensor.ref, error=error)]
        return [Fired(sensor.ref)]

    def _see(self, sensor: Sensor, execution: str) -> None:
        state = self._store.load(execution)
        fact = OutputFact(len(state.retried) if state else 0)
        ended = self._store.facts(execution, [fact])[fact] or {}
        scope = {"result": (ended.get("output") or {}).get("result")}
        found = _items(sensor, scope)
        cursor = templates.render(sensor.cursor, scope) if sensor.cursor is not None else None
        told: set[str] = set()
        for _ in range(MAX_ROUNDS):
            memory = self._memories.load(sensor.ref)
            new = {item.digest: item for item in found if item.digest not in memory.seen}
            untold = [item for digest, item in new.items() if digest not in told]
            self._bus.emit([_event(sensor, execution, item) for item in untold])
            told |= new.keys()
            if not new and cursor == memory.cursor:
                return
            after = SensorMemory(_remembered(memory.seen, found), cursor, memory.version)
            if self._memories.save(sensor.ref, after):
                return
        raise Unavailable(f"what sensor '{sensor.ref}' has seen is being changed by others all the time")


def _items(sensor: Sensor, scope: Mapping[str, Any]) -> list[_Item]:
    """What a poll gave; raises TemplateError and InvalidRequest."""
    found = templates.render(sensor.items, scope)
    if not isinstance(found, list):
        raise InvalidRequest(f"the items of sensor '{sensor.ref}' are no list", hint="look at its 'items'")
    if len(found) > MOST_ITEMS:
        message = f"a poll of sensor '{sensor.ref}' gave {len(found)} items; {MOST_ITEMS} is the most"
        raise InvalidRequest(message, hint="ask for less at once, with a 'cursor'")
    return list(_keyed(sensor, found, scope))


def _keyed(sensor: Sensor, found: Sequence[Any], scope: Mapping[str, Any]) -> Iterator[_Item]:
    for value in found:
        key = templates.render(sensor.key, {**scope, "item": value})
        if key is None or key == "":
            raise InvalidRequest(f"an item of sensor '{sensor.ref}' has no key", hint="look at its 'key'")
        yield _Item(key if isinstance(key, str) else json.dumps(key, sort_keys=True), value)


def _remembered(seen: Sequence[str], found: Sequence[_Item]) -> tuple[str, ...]:
    """What was seen last comes last, and stays longest."""
    now = dict.fromkeys(item.digest for item in found)
    return (*(digest for digest in seen if digest not in now), *now)[-MOST_SEEN:]


def _event(sensor: Sensor, execution: str, item: _Item) -> dict[str, Any]:
    fits = len(json.dumps(item.value)) <= MOST_BYTES and not is_wide(item.value)
    key = item.key if len(item.key) <= LONGEST_KEY else item.sha256
    detail = {"sensor": sensor.ref, "key": key, "item": item.value if fits else None, "execution_id": execution}
    return {"source": SENSOR_SOURCE, "detail-type": sensor.event_type, "detail": detail}
