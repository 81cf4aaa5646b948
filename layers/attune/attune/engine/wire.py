"""Messages as they travel: their JSON forms, and what is said of them in logs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

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


@dataclass(frozen=True, slots=True)
class Form:
    """How a kind of message travels: its name, how it is read, and which fields have another name on the way."""

    name: str
    read: Callable[[dict[str, Any]], Message]
    stored: Mapping[str, str] = field(default_factory=lambda: _STORED)


FORMS: Final[Mapping[type[Message], Form]] = {
    Start: Form("start", _start),
    TaskEnded: Form("task_ended", _task_ended),
    TimerFired: Form("timer", _timer),
    Cancel: Form("cancel", lambda data: Cancel(**data), _STORED_CANCEL),
    Answer: Form("answer", lambda data: Answer(**{**data, "attempt": _attempt(data)})),
    EventArrived: Form("event", lambda data: EventArrived(**{**data, "attempt": _attempt(data)})),
    Pause: Form("pause", lambda data: Pause(**data)),
    Resume: Form("resume", lambda data: Resume(**data)),
    RetryExecution: Form("retry", lambda data: RetryExecution(**{**data, "from_": tuple(data.get("from_", ()))})),
    StartChunk: Form("start_chunk", lambda data: StartChunk(**data)),
    ChunkEnded: Form("chunk_ended", lambda data: ChunkEnded(**data)),
    Dead: Form("dead", lambda data: Dead(**data)),
    Nudge: Form("nudge", _nudge),
}
"""Every kind of message; a test holds it against the union."""
_BY_NAME: Final[Mapping[str, Form]] = {form.name: form for form in FORMS.values()}


def encode(message: Message) -> dict[str, Any]:
    """The JSON form, with its ``type``."""
    form = FORMS[type(message)]
    return {"type": form.name, **{form.stored.get(name, name): value for name, value in asdict(message).items()}}


def decode(data: Mapping[str, Any]) -> Message:
    """Inverse of :func:`encode`; KeyError or TypeError when ``data`` is no message of ours."""
    form = _BY_NAME[data["type"]]
    names = {stored: name for name, stored in form.stored.items()}
    return form.read({names.get(name, name): value for name, value in data.items() if name != "type"})


def describe(message: Message) -> str:
    """The message in a few words, for logs: ``task_ended build#1#-#2 failed``."""
    about = (getattr(message, name, None) for name in ("kind", "attempt", "task", "number", "status", "reason"))
    return " ".join([FORMS[type(message)].name, *(str(part) for part in about if part not in (None, ""))])
