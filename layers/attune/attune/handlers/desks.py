"""Where single messages from outside are taken in: timers and events."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import TemplateRuntimeError

from attune.adapters.aws.blobs import Payloads
from attune.adapters.aws.dynamodb.retention import Retention, never
from attune.adapters.aws.event_bus import SOURCE
from attune.adapters.aws.sqs import SqsMailbox
from attune.adapters.aws.timers import AwsTimers, ScheduleFired, body_to_timer
from attune.engine.ids import is_execution_id
from attune.exceptions import InvalidRequest
from attune.execution.ports.clock import Clock
from attune.execution.ports.queues import EventBus
from attune.execution.rules import SCHEDULE_SOURCE, Fired, Rules
from attune.execution.sensor_polls import Polls, Sightings
from attune.execution.waits import Waits
from attune.expressions.values import weigh

EARLY = 0.5
"""Seconds by which a timer may come early without being delayed again."""


CONTINUED = "Workflow Execution Retention Continued"
"""What the desk tells itself, over the bus, of a retention that it had no time to finish; no rule sees it."""


class EventDesk:
    """Events from the bus: rules may start something; the end of an execution starts its retention, a retry ends it."""

    def __init__(
        self, rules: Rules, waits: Waits, sightings: Sightings, retention: Retention, bus: EventBus, log: Any
    ) -> None:
        self._rules, self._waits, self._sightings = rules, waits, sightings
        self._retention, self._bus, self._log = retention, bus, log

    def deliver(self, event: Mapping[str, Any], enough: Callable[[], bool] = never) -> dict[str, str]:
        """Returns the executions started, by rule. ``enough``: there is just time left to leave the rest for later.

        Raises Unavailable, and InvalidRequest for an event that is nested deeper than any value of ours may be.
        """
        _check_depth(event)
        ours = event.get("source") == SOURCE and isinstance(event.get("detail"), Mapping)
        started = {} if ours and event.get("detail-type") == CONTINUED else self._handle(event)
        if ours:
            self._retain(event["detail"], enough)
        return started

    def _handle(self, event: Mapping[str, Any]) -> dict[str, str]:
        self._waits.handle(event)
        report(self._sightings.handle(event), self._log, POLL)
        return report(self._rules.handle(event), self._log)

    def _retain(self, detail: Mapping[str, Any], enough: Callable[[], bool]) -> None:
        """Anybody may say on the bus that something has ended, so what cannot be read is nothing."""
        ended_at, execution, after = detail.get("ended_at"), detail.get("execution_id"), detail.get("after", "")
        if not isinstance(execution, str) or not is_execution_id(execution) or not isinstance(after, str):
            return
        if ended_at is None:
            rest = self._retention.keep(execution, after, enough)
        else:
            try:
                ended = datetime.fromisoformat(ended_at).timestamp()
            except (TypeError, ValueError, OverflowError):
                return
            rest = self._retention.expire(execution, ended, after, enough)
        if rest is not None:
            then = None if rest.ended_at is None else ended_at
            left = {"execution_id": execution, "ended_at": then, "after": rest.after}
            self._bus.emit([{"source": SOURCE, "detail-type": CONTINUED, "detail": left}])


def _check_depth(event: Mapping[str, Any]) -> None:
    try:
        weigh(event)
    except TemplateRuntimeError as error:
        raise InvalidRequest(f"the event cannot be used: {error}") from None


RULE = "a rule could not start its workflow"
POLL = "a sensor's poll could not be started or read"


def report(fired: list[Fired], log: Any, wrong: str = RULE) -> dict[str, str]:
    """Log what went wrong; returns the executions started, by rule."""
    for one in fired:
        if one.error is not None:
            log.error(wrong, extra={"rule": one.rule, **one.error.to_dict()})
    return {one.rule: one.started.execution for one in fired if one.started is not None}


class TimerDesk:
    """The timer queue: timers of executions, and the schedules of rules and sensors."""

    def __init__(
        self,
        timers: AwsTimers,
        mailbox: SqsMailbox,
        rules: Rules,
        polls: Polls,
        payloads: Payloads,
        clock: Clock,
        log: Any,
    ) -> None:
        self._timers, self._mailbox, self._rules, self._polls = timers, mailbox, rules, polls
        self._payloads, self._clock, self._log = payloads, clock, log

    def deliver(self, record: Mapping[str, Any]) -> None:
        """Pass on what is due, delay again what came early; raises InvalidRequest and Unavailable."""
        timer, now = body_to_timer(record["body"], self._payloads), self._clock.now()
        if isinstance(timer, ScheduleFired):
            self._start(timer, record)
        elif timer.due - now > EARLY:
            self._timers.post([timer], now)
        else:
            self._mailbox.post([timer.letter])

    def _start(self, fired: ScheduleFired, record: Mapping[str, Any]) -> None:
        """``time`` names the occasion; where the scheduler doesn't give it, the moment of sending does."""
        time = fired.time or str(record["attributes"]["SentTimestamp"])
        detail = {"rule": fired.rule, "time": time}
        event = {"id": record["messageId"], "source": SCHEDULE_SOURCE, "detail-type": "Schedule", "detail": detail}
        report(self._rules.handle(event), self._log)
        report(self._polls.handle(event), self._log, POLL)
