"""Where single messages from outside are taken in: timers, dead letters, events."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from jinja2 import TemplateRuntimeError

from attune.adapters.dynamodb.retention import Retention
from attune.adapters.payloads import Payloads
from attune.adapters.sqs import SqsMailbox, body_to_letter, body_to_task
from attune.adapters.timers import AwsTimers, ScheduleFired, body_to_timer
from attune.engine.ids import execution_id
from attune.engine.messages import Dead, Message, describe, encode
from attune.exceptions import InvalidRequest, NotFound
from attune.execution.dead_letters import MOST_AGAIN, DeadLetter, DeadLetterBook, DeadLetters, Origin, news_of
from attune.execution.ports import Clock
from attune.execution.rules import SCHEDULE_SOURCE, Fired, Rules
from attune.execution.sensors import Polls, Sightings
from attune.execution.waits import Waits
from attune.language.values import weigh

EARLY = 0.5
"""Seconds by which a timer may come early without being delayed again."""


class EventDesk:
    """Events from the bus: rules may start something; the end of an execution starts its retention, a retry ends it."""

    def __init__(self, rules: Rules, waits: Waits, sightings: Sightings, retention: Retention, log: Any) -> None:
        self._rules, self._waits, self._sightings = rules, waits, sightings
        self._retention, self._log = retention, log

    def deliver(self, event: Mapping[str, Any]) -> dict[str, str]:
        """Returns the executions started, by rule.

        Raises Unavailable, and InvalidRequest for an event that is nested deeper than any value of ours may be.
        """
        _check_depth(event)
        if event.get("source") == "attune" and isinstance(event.get("detail"), Mapping):
            self._retain(event["detail"])
        self._waits.handle(event)
        report(self._sightings.handle(event), self._log, POLL)
        return report(self._rules.handle(event), self._log)

    def _retain(self, detail: Mapping[str, Any]) -> None:
        """Anybody may say on the bus that something has ended, so what cannot be read is nothing."""
        ended_at, execution = detail.get("ended_at"), detail.get("execution_id")
        if not isinstance(execution, str):
            return
        if ended_at is None:
            self._retention.keep(execution)
            return
        try:
            ended = datetime.fromisoformat(ended_at).timestamp()
        except (TypeError, ValueError, OverflowError):
            return
        self._retention.expire(execution, ended)


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


class DeadLetterDesk:
    """The dead-letter queues: what comes is written down, then its execution is told."""

    def __init__(self, dead_letters: DeadLetters, book: DeadLetterBook, payloads: Payloads) -> None:
        self._dead_letters, self._book, self._payloads = dead_letters, book, payloads

    def deliver(self, record: Mapping[str, Any]) -> None:
        """Once or several times; raises Unavailable."""
        queue, execution, reason, tell = self._read(record)
        at = int(record["attributes"].get("SentTimestamp", 0)) / 1000
        name = execution_id(at, hashlib.sha256(str(record["messageId"]).encode()).digest())
        kept = DeadLetter(f"{name}.{execution}", queue, at, reason, record["body"], execution)
        self._book.add(kept)
        tell()

    def _read(self, record: Mapping[str, Any]) -> tuple[Origin, str, str, Callable[[], None]]:
        """Where it comes from, whose it is, what to say of it, and how to tell its execution."""
        body, generation = record["body"], str(record["messageId"])
        execution = record["attributes"].get("MessageGroupId")
        if execution is not None:
            return self._letter(body, str(execution), generation)
        for read in (self._task, self._timer):
            try:
                return read(body, generation)
            except (InvalidRequest, NotFound):
                continue
        return Origin.TASK, "", "nobody can read it", lambda: None

    def _letter(self, body: str, execution: str, generation: str) -> tuple[Origin, str, str, Callable[[], None]]:
        try:
            message = body_to_letter(body, self._payloads).message
        except (InvalidRequest, NotFound):
            dead = Dead(generation, None, "a message could not be read")
            tell = partial(self._dead_letters.letter, execution, dead)
            return Origin.ADVANCE, execution, "nobody can read it; its execution was parked", tell
        if isinstance(message, Dead):
            return self._again(message, execution)
        reason = f"{describe(message)} could not be folded; its execution was asked to try once more"
        tell = partial(self._dead_letters.letter, execution, Dead(generation, _plain(message)))
        return Origin.ADVANCE, execution, reason, tell

    def _again(self, dead: Dead, execution: str) -> tuple[Origin, str, str, Callable[[], None]]:
        """The news of a dead letter died, too: a long outage, or an execution that cannot even be parked."""
        what = (dead.message or {}).get("type", "a message")
        following = news_of(dead, dead.generation)
        if following is None:
            return Origin.ADVANCE, execution, f"{what} could not be folded, {MOST_AGAIN} times over", lambda: None
        reason = f"{what} could not be folded; its execution was asked to try yet again"
        return Origin.ADVANCE, execution, reason, partial(self._dead_letters.letter, execution, following)

    def _task(self, body: str, generation: str) -> tuple[Origin, str, str, Callable[[], None]]:
        message = body_to_task(body, self._payloads)
        reason = f"no worker finished {message.attempt}; it was recorded as worker_lost unless it had ended"
        return Origin.TASK, message.execution, reason, partial(self._dead_letters.task, message, generation)

    def _timer(self, body: str, generation: str) -> tuple[Origin, str, str, Callable[[], None]]:
        timer = body_to_timer(body, self._payloads)
        if isinstance(timer, ScheduleFired):
            return Origin.TIMER, "", f"the schedule of rule '{timer.rule}' could not start its workflow", lambda: None
        execution, message = timer.letter.execution, timer.letter.message
        reason = f"{describe(message)} could not be delivered; its execution was told of it now"
        tell = partial(self._dead_letters.letter, execution, Dead(generation, _plain(message)))
        return Origin.TIMER, execution, reason, tell


def _plain(message: Message) -> dict[str, Any]:
    """A message as a letter carries it within another."""
    return json.loads(json.dumps(encode(message)))  # type: ignore[no-any-return]
