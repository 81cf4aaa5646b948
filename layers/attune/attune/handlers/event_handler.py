"""Events from the bus."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from attune.engine.ids import is_execution_id
from attune.execution.event_names import RETENTION_CONTINUED, SOURCE
from attune.execution.ports.queues import EventBus
from attune.execution.ports.retention import Retention, never
from attune.execution.rules import Rules
from attune.execution.sensor_polls import SensorResults
from attune.execution.waits import Waits
from attune.expressions.values import weigh, within_bounds
from attune.handlers.reporting import POLL, report


class EventHandler:
    """Events from the bus: rules may start something; the end of an execution starts its retention, a retry ends it."""

    def __init__(
        self,
        *,
        rules: Rules,
        waits: Waits,
        sensor_results: SensorResults,
        retention: Retention,
        bus: EventBus,
        log: Any,
    ) -> None:
        self._rules, self._waits, self._sensor_results = rules, waits, sensor_results
        self._retention, self._bus, self._log = retention, bus, log

    def deliver(self, event: Mapping[str, Any], out_of_time: Callable[[], bool] = never) -> dict[str, str]:
        """Returns the executions started, by rule. ``out_of_time``: the rest must be left for later.

        Raises Unavailable, and InvalidRequest for an event that is nested deeper than any value of ours may be.
        """
        with within_bounds("the event"):
            weigh(event)
        ours = event.get("source") == SOURCE and isinstance(event.get("detail"), Mapping)
        started = {} if ours and event.get("detail-type") == RETENTION_CONTINUED else self._handle(event)
        if ours:
            self._retain(event["detail"], out_of_time)
        return started

    def _handle(self, event: Mapping[str, Any]) -> dict[str, str]:
        self._waits.handle(event)
        report(self._sensor_results.handle(event), self._log, POLL)
        return report(self._rules.handle(event), self._log)

    def _retain(self, detail: Mapping[str, Any], out_of_time: Callable[[], bool]) -> None:
        """Anybody may say on the bus that something has ended, so what cannot be read is nothing."""
        ended_at, execution, after = detail.get("ended_at"), detail.get("execution_id"), detail.get("after", "")
        if not isinstance(execution, str) or not is_execution_id(execution) or not isinstance(after, str):
            return
        if ended_at is None:
            rest = self._retention.unmark(execution, after, out_of_time)
        else:
            try:
                ended = datetime.fromisoformat(ended_at).timestamp()
            except (TypeError, ValueError, OverflowError):
                return
            rest = self._retention.mark_expired(execution, ended, after, out_of_time)
        if rest is not None:
            then = None if rest.ended_at is None else ended_at
            left = {"execution_id": execution, "ended_at": then, "after": rest.after}
            self._bus.emit([{"source": SOURCE, "detail-type": RETENTION_CONTINUED, "detail": left}])
