"""The timer queue: timers of executions, and the schedules of rules and sensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.adapters.aws.sqs import SqsMailbox
from attune.adapters.aws.timers import AwsTimers, ScheduleFired, body_to_timer
from attune.execution.event_names import SCHEDULE, SCHEDULE_SOURCE
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.clock import Clock
from attune.execution.rules import Rules
from attune.execution.sensor_polls import SensorPoller
from attune.handlers.reporting import POLL, report

EARLY = 0.5
"""Seconds by which a timer may come early without being delayed again."""


class TimerHandler:
    """The timer queue: timers of executions, and the schedules of rules and sensors."""

    def __init__(
        self,
        *,
        timers: AwsTimers,
        mailbox: SqsMailbox,
        rules: Rules,
        poller: SensorPoller,
        blobs: BlobStore,
        clock: Clock,
        log: Any,
    ) -> None:
        self._timers, self._mailbox, self._rules, self._poller = timers, mailbox, rules, poller
        self._blobs, self._clock, self._log = blobs, clock, log

    def deliver(self, record: Mapping[str, Any]) -> None:
        """Pass on what is due, delay again what came early; raises InvalidRequest and Unavailable."""
        timer, now = body_to_timer(record["body"], self._blobs), self._clock.now()
        if isinstance(timer, ScheduleFired):
            self._start(timer, record)
        elif timer.due - now > EARLY:
            self._timers.post([timer], now)
        else:
            self._mailbox.post([timer.envelope])

    def _start(self, fired: ScheduleFired, record: Mapping[str, Any]) -> None:
        """``time`` names the occasion; where the scheduler doesn't give it, the moment of sending does."""
        time = fired.time or str(record["attributes"]["SentTimestamp"])
        detail = {"rule": fired.rule, "time": time}
        event = {"id": record["messageId"], "source": SCHEDULE_SOURCE, "detail-type": SCHEDULE, "detail": detail}
        report(self._rules.handle(event), self._log)
        report(self._poller.handle(event), self._log, POLL)
