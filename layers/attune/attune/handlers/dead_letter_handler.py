"""Where the dead-letter queues end: what comes is written down, then its execution is told.

Nothing may go round in a circle here, since nothing comes after: what cannot be read, or whose execution cannot be
told, is written down as such. Only where a service does not answer does a message come again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from attune.adapters.aws.blobs import owner_of
from attune.adapters.aws.sqs import body_to_attempt, body_to_envelope, body_to_task
from attune.adapters.aws.timers import ScheduleFired, body_to_timer
from attune.engine.ids import execution_id, time_of
from attune.engine.messages import Dead, Message
from attune.engine.wire import describe, encode
from attune.exceptions import AttuneError, InvalidRequest, Unavailable
from attune.execution.dead_letters import MOST_AGAIN, DeadLetters, news_of
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.dead_letters import DeadLetter, DeadLetterStore, Origin
from attune.handlers.undelivered import describe_event, event_of, why

SHORTEST_NAME, LONGEST_NAME = 26, 128
"""Characters of a mailbox's name: a ULID, and what a FIFO group's name may have (SQS's limit)."""

LONGEST_REASON = 2_000
"""Characters of a reason."""


def _nobody() -> None:
    """There is no execution to tell."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """A dead letter that was read: its queue, its execution, a sentence about it, and the message to its execution."""

    queue: Origin
    execution: str
    reason: str
    tell: Callable[[], None] = _nobody


class DeadLetterHandler:
    """``event_queue`` is the ARN of the queue for events; the others tell themselves by what lies on them."""

    def __init__(
        self, dead_letters: DeadLetters, dead_letter_store: DeadLetterStore, blobs: BlobStore, event_queue: str = ""
    ) -> None:
        self._dead_letters, self._dead_letter_store, self._blobs = dead_letters, dead_letter_store, blobs
        self._event_queue = event_queue

    def deliver(self, record: Mapping[str, Any]) -> None:
        """Once or several times; raises Unavailable, and whatever keeps it from being written down."""
        found = self._read(record)
        at = int(record["attributes"].get("SentTimestamp", 0)) / 1000
        name = execution_id(at, hashlib.sha256(str(record["messageId"]).encode()).digest())
        dead_letter = f"{name}.{found.execution}" if found.execution else name
        kept = DeadLetter(
            id=dead_letter,
            queue=found.queue,
            at=at,
            reason=_storable(found.reason),
            body=record["body"],
            execution=found.execution,
        )
        self._dead_letter_store.add(kept)
        try:
            found.tell()
        except Unavailable:
            raise
        except Exception as error:
            self._dead_letter_store.remove(kept.id)
            self._dead_letter_store.add(
                replace(kept, reason=kept.reason + _storable(f"; but that failed: {_brief(error)}"))
            )

    def _read(self, record: Mapping[str, Any]) -> _Reading:
        body, request_id = record["body"], str(record["messageId"])
        if record.get("eventSourceARN") == self._event_queue:
            return self._event(record)
        execution = record["attributes"].get("MessageGroupId")
        if execution is not None:
            return self._envelope(body, str(execution), request_id)
        problems = []
        for read in (self._timer, self._task):
            try:
                return read(body, request_id)
            except Unavailable:
                raise
            except Exception as error:
                problems.append(error)
        return self._unreadable_task(body, request_id, problems[-1])

    def _event(self, record: Mapping[str, Any]) -> _Reading:
        try:
            event = event_of(record["body"])
        except InvalidRequest as error:
            return _Reading(Origin.EVENT, "", f"nobody can read it: {error.message}")
        reasons = f": {said}" if (said := why(record)) else ""
        return _Reading(Origin.EVENT, "", f"{describe_event(event)} could not be taken in{reasons}")

    def _envelope(self, body: str, execution: str, request_id: str) -> _Reading:
        try:
            message = body_to_envelope(body, self._blobs).message
        except Unavailable:
            raise
        except Exception as error:
            return self._parked(Origin.ADVANCE, execution, f"a message could not be read: {_brief(error)}", request_id)
        if isinstance(message, Dead):
            return self._again(message, execution)
        reason = f"{describe(message)} could not be folded; its execution was asked to try once more"
        return _Reading(Origin.ADVANCE, execution, reason, self._telling(execution, message, request_id))

    def _again(self, dead: Dead, execution: str) -> _Reading:
        """The news of a dead letter died, too: a long outage, or an execution that cannot even be parked."""
        what = (dead.message or {}).get("type", "a message")
        following = news_of(dead, dead.request_id)
        if following is None:
            return _Reading(Origin.ADVANCE, execution, f"{what} could not be folded, {MOST_AGAIN} times over")
        reason = f"{what} could not be folded; its execution was asked to try yet again"
        return _Reading(Origin.ADVANCE, execution, reason, partial(self._dead_letters.tell, execution, following))

    def _timer(self, body: str, request_id: str) -> _Reading:
        timer = body_to_timer(body, self._blobs)
        if isinstance(timer, ScheduleFired):
            return _Reading(Origin.TIMER, "", f"the schedule of rule '{timer.rule}' could not start its workflow")
        execution, message = _checked(timer.envelope.execution), timer.envelope.message
        reason = f"{describe(message)} could not be delivered; its execution was told of it now"
        return _Reading(Origin.TIMER, execution, reason, self._telling(execution, message, request_id))

    def _task(self, body: str, request_id: str) -> _Reading:
        message = body_to_attempt(body, self._blobs)
        execution, missing = _checked(message.execution), self._missing(body)
        because = f" ({missing})" if missing else ""
        reason = f"no worker finished {message.attempt}{because}; it was recorded as worker_lost unless it had ended"
        tell = partial(self._dead_letters.task, message, request_id, missing)
        return _Reading(Origin.TASK, execution, reason, tell)

    def _missing(self, body: str) -> str:
        """Why the input of a task cannot be had; empty if it can."""
        try:
            body_to_task(body, self._blobs)
        except Unavailable:
            raise
        except Exception as error:
            return f"its input cannot be read: {_brief(error)}"
        return ""

    def _unreadable_task(self, body: str, request_id: str, error: Exception) -> _Reading:
        """Parks the execution that the body names. A body whose object is gone still names it in the object's key."""
        said = f"nobody can read it: {_brief(error)}"
        for execution in _named_in(body):
            return self._parked(Origin.TASK, execution, f"a task's message could not be read: {said}", request_id)
        return _Reading(Origin.TASK, "", said)

    def _parked(self, queue: Origin, execution: str, problem: str, request_id: str) -> _Reading:
        tell = partial(self._dead_letters.tell, execution, Dead(request_id, None, problem))
        return _Reading(queue, execution, f"{problem}; its execution was parked", tell)

    def _telling(self, execution: str, message: Message, request_id: str) -> Callable[[], None]:
        plain = json.loads(json.dumps(encode(message)))
        return partial(self._dead_letters.tell, execution, Dead(request_id, plain))


def _checked(execution: Any) -> str:
    """Raises InvalidRequest for what is no execution's name: nothing could be stored under it, nor anybody told."""
    if not isinstance(execution, str) or not _is_name(execution):
        raise InvalidRequest(f"'{str(execution)[:50]}' is no execution's id")
    return execution


def _is_name(execution: str) -> bool:
    try:
        return SHORTEST_NAME <= len(execution) <= LONGEST_NAME and execution.isascii() and time_of(execution) > 0
    except ValueError:
        return False


def _named_in(body: str) -> Iterator[str]:
    """The execution that an unreadable message was about."""
    try:
        data = None if (owner := owner_of(body)) else json.loads(body)
    except (ValueError, RecursionError):
        return
    named = data.get("execution") if isinstance(data, Mapping) else owner
    if isinstance(named, str) and _is_name(named):
        yield named


def _storable(text: str) -> str:
    """Names in it come from outside: they may be long, and JSON can spell what UTF-8 cannot."""
    short = text if len(text) <= LONGEST_REASON else f"{text[:LONGEST_REASON]}…"
    return short.encode("utf-8", "replace").decode()


def _brief(error: Exception) -> str:
    return (error.message if isinstance(error, AttuneError) else f"{type(error).__name__}: {error}")[:500]
