"""The bus: what is announced or found goes over it to the real ``on_event``, for waits, sensors and rules."""

from __future__ import annotations

import itertools
import json
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from attune.adapters.aws.blobs import S3BlobStore
from attune.adapters.aws.dynamodb.retention import DynamoRetention
from attune.adapters.aws.event_bus import EventBridgeBus
from attune.adapters.memory.sensor_store import MemorySensors
from attune.execution.ports.catalog import WorkflowVersion
from attune.execution.ports.triggers import SensorStore
from attune.execution.rules import Rules
from attune.execution.sensor_polls import SensorPoller, SensorResults
from attune.handlers.event_handler import EventHandler
from attune.handlers.timer_handler import TimerHandler
from attune.language.files.rule_file import compile_rule
from attune.language.files.sensor_file import compile_polling, compile_sensor
from attune.language.source import load
from tests.conftest import ACTIONS
from tests.explore.workflows.scenario import Scenario

if TYPE_CHECKING:
    from tests.explore.run import FaultyWorld

LOG = logging.getLogger(__name__)
BLOBS = S3BlobStore(None, "")
KEPT_FOR_EVER = 0.0
"""Days: no item is marked for deletion."""


class Bus:
    """Takes the place of the bus of a world that has rules and sensors."""

    def __init__(self, world: FaultyWorld, scenario: Scenario) -> None:
        self._world, self._numbers = world, itertools.count(1)
        _register(world, scenario)
        ports, clock = world.ports, world.clock
        memories: SensorStore = world.faults.around("sensors", MemorySensors())
        rules = Rules(ports.catalog, world.starter, clock)
        sensor_results = SensorResults(
            catalog=ports.catalog, store=ports.store, memories=memories, bus=ports.bus, clock=clock
        )
        retention = DynamoRetention(None, BLOBS, KEPT_FOR_EVER, clock)  # type: ignore[arg-type]
        world.cloud.on_event = EventHandler(
            rules=rules, waits=world.waits, sensor_results=sensor_results, retention=retention, bus=ports.bus, log=LOG
        ).deliver
        poller = SensorPoller(ports.catalog, memories, world.starter)
        self.timer_handler = TimerHandler(
            timers=None, mailbox=None, rules=rules, poller=poller, blobs=BLOBS, clock=clock, log=LOG
        )  # type: ignore[arg-type]
        adapter = EventBridgeBus(self, "bus")
        world.cloud.announce = _both(world.cloud.announce, adapter.announce)  # type: ignore[method-assign]
        world.cloud.emit = _both(world.cloud.emit, adapter.emit)  # type: ignore[method-assign]

    def put_events(self, Entries: Sequence[Any]) -> dict[str, Any]:  # noqa: N803
        """As EventBridge's client has it; every event gets an id."""
        for entry in Entries:
            event = {"id": f"e-{next(self._numbers)}", "source": entry["Source"], "detail-type": entry["DetailType"]}
            self._world.cloud.publish({**event, "detail": json.loads(entry["Detail"])})
        return {"Entries": [{} for _ in Entries]}


def _register(world: FaultyWorld, scenario: Scenario) -> None:
    catalog = world.catalog
    catalog.put_rules("t", [compile_rule(load(text, "rule.yaml"), pack="t") for text in scenario.rules])
    sources = [load(text, "sensor.yaml") for text in scenario.sensors]
    sensors = [compile_sensor(source, pack="t") for source in sources]
    catalog.put_sensors("t", sensors)
    for source, sensor in zip(sources, sensors, strict=True):
        graph = compile_polling(source, sensor, ACTIONS, {}).graph
        catalog.add_version(WorkflowVersion(sensor.ref, 1, graph))


def _both(first: Callable[..., None], second: Callable[..., None]) -> Callable[..., None]:
    def call(*args: Any) -> None:
        first(*args)
        second(*args)

    return call
