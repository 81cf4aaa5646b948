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
    Retry,
    Start,
    StartChunk,
    TaskEnded,
    TimerFired,
    TimerKind,
)
from attune.model.status import TaskStatus


def _task_ended(data: dict[str, Any]) -> TaskEnded:
    return TaskEnded(**{**data, "attempt": _attempt(data), "status": TaskStatus(data["status"])})


def _timer(data: dict[str, Any]) -> TimerFired:
    attempt = data.get("attempt") and _attempt(data)
    return TimerFired(TimerKind(data["kind"]), attempt, data.get("salt", ""))


def _start(data: dict[str, Any]) -> Start:
    parent = data.get("parent")
    return Start(**{**data, "parent": parent and Parent(**{**parent, "attempt": _attempt(parent)})})


def _attempt(data: Mapping[str, Any]) -> AttemptId:
    return AttemptId(**data["attempt"])


_DECODERS: dict[str, Callable[[dict[str, Any]], Message]] = {
    "start": _start,
    "task_ended": _task_ended,
    "timer": _timer,
    "cancel": lambda data: Cancel(**data),
    "answer": lambda data: Answer(**{**data, "attempt": _attempt(data)}),
    "event": lambda data: EventArrived(**{**data, "attempt": _attempt(data)}),
    "pause": lambda data: Pause(**data),
    "resume": lambda data: Resume(**data),
    "retry": lambda data: Retry(**{**data, "from_": tuple(data.get("from_", ()))}),
    "start_chunk": lambda data: StartChunk(**data),
    "chunk_ended": lambda data: ChunkEnded(**data),
    "dead": lambda data: Dead(**data),
    "nudge": lambda data: Nudge(data["generation"], tuple(AttemptId(**attempt) for attempt in data["attempts"])),
}
_NAMES: dict[type, str] = {
    Start: "start",
    TaskEnded: "task_ended",
    TimerFired: "timer",
    Cancel: "cancel",
    Answer: "answer",
    EventArrived: "event",
    Pause: "pause",
    Resume: "resume",
    Retry: "retry",
    StartChunk: "start_chunk",
    ChunkEnded: "chunk_ended",
    Dead: "dead",
    Nudge: "nudge",
}


def encode(message: Message) -> dict[str, Any]:
    """The JSON form, with its ``type``."""
    return {"type": _NAMES[type(message)], **asdict(message)}


def decode(data: Mapping[str, Any]) -> Message:
    """Inverse of :func:`encode`; KeyError or TypeError when ``data`` is no message of ours."""
    body = dict(data)
    return _DECODERS[body.pop("type")](body)


def describe(message: Message) -> str:
    """The message in a few words, for logs: ``task_ended build#1#-#2 failed``."""
    about = (getattr(message, name, None) for name in ("kind", "attempt", "task", "number", "status", "reason"))
    return " ".join([_NAMES[type(message)], *(str(part) for part in about if part not in (None, ""))])
