"""Messages as they travel: their JSON forms, and what is said of them in logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from attune.engine.ids import AttemptId
from attune.engine.messages import (
    Answer,
    Cancel,
    ChunkEnded,
    Dead,
    EventArrived,
    Message,
    Nudge,
    Parent,
    Pause,
    Resume,
    RetryExecution,
    Start,
    StartChunk,
    TaskEnded,
    TimerFired,
    TimerKind,
)
from attune.model.status import TaskStatus

_STORED: dict[str, str] = {"resend_id": "salt", "request_id": "generation", "attempt_base": "base"}
"""Fields that travel under the names they had first: messages of an earlier release lie on the queues of a stack."""
_STORED_CANCEL = {**_STORED, "attempt_base": "run"}


def _names_of(kind: type) -> dict[str, str]:
    return _STORED_CANCEL if kind is Cancel else _STORED


def _task_ended(data: dict[str, Any]) -> TaskEnded:
    return TaskEnded(**{**data, "attempt": _attempt(data), "status": TaskStatus(data["status"])})


def _timer(data: dict[str, Any]) -> TimerFired:
    attempt = data.get("attempt") and _attempt(data)
    return TimerFired(TimerKind(data["kind"]), attempt, data.get("resend_id", ""))


def _start(data: dict[str, Any]) -> Start:
    parent = data.get("parent")
    return Start(**{**data, "parent": parent and Parent(**{**parent, "attempt": _attempt(parent)})})


def _attempt(data: Mapping[str, Any]) -> AttemptId:
    return AttemptId(**data["attempt"])


def _nudge(data: dict[str, Any]) -> Nudge:
    return Nudge(data["request_id"], tuple(AttemptId(**attempt) for attempt in data["attempts"]))


_KINDS: dict[str, tuple[type, Callable[[dict[str, Any]], Message]]] = {
    "start": (Start, _start),
    "task_ended": (TaskEnded, _task_ended),
    "timer": (TimerFired, _timer),
    "cancel": (Cancel, lambda data: Cancel(**data)),
    "answer": (Answer, lambda data: Answer(**{**data, "attempt": _attempt(data)})),
    "event": (EventArrived, lambda data: EventArrived(**{**data, "attempt": _attempt(data)})),
    "pause": (Pause, lambda data: Pause(**data)),
    "resume": (Resume, lambda data: Resume(**data)),
    "retry": (RetryExecution, lambda data: RetryExecution(**{**data, "from_": tuple(data.get("from_", ()))})),
    "start_chunk": (StartChunk, lambda data: StartChunk(**data)),
    "chunk_ended": (ChunkEnded, lambda data: ChunkEnded(**data)),
    "dead": (Dead, lambda data: Dead(**data)),
    "nudge": (Nudge, _nudge),
}
"""What each kind of message is called on its way, and how it is read."""
_NAMES: dict[type, str] = {kind: name for name, (kind, _) in _KINDS.items()}


def encode(message: Message) -> dict[str, Any]:
    """The JSON form, with its ``type``."""
    stored = _names_of(type(message))
    return {"type": _NAMES[type(message)], **{stored.get(name, name): value for name, value in asdict(message).items()}}


def decode(data: Mapping[str, Any]) -> Message:
    """Inverse of :func:`encode`; KeyError or TypeError when ``data`` is no message of ours."""
    kind, read = _KINDS[data["type"]]
    fields = {stored: name for name, stored in _names_of(kind).items()}
    return read({fields.get(name, name): value for name, value in data.items() if name != "type"})


def describe(message: Message) -> str:
    """The message in a few words, for logs: ``task_ended build#1#-#2 failed``."""
    about = (getattr(message, name, None) for name in ("kind", "attempt", "task", "number", "status", "reason"))
    return " ".join([_NAMES[type(message)], *(str(part) for part in about if part not in (None, ""))])
