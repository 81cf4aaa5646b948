"""What can happen to an execution: the messages in its mailbox.

Each has a deterministic ``dedup`` id, and a JSON form for the queue (:mod:`attune.engine.wire`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Any

from attune.engine.ids import AttemptId, dedup_id
from attune.model.status import TaskStatus


@dataclass(frozen=True, slots=True)
class Parent:
    """Which attempt of which execution started this one, and how deep it is (1 for a child of a top one)."""

    execution: str
    attempt: AttemptId
    depth: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Begin. Everything that stays the same for the life of the execution.

    ``parameters`` have been checked and completed with their defaults. ``trigger`` says what started it
    (``{"type": "api" | "event" | "schedule" | "workflow" | "cli", …}``), ``identity`` who.
    """

    execution: str
    workflow: str
    workflow_version: int
    parameters: Mapping[str, Any]
    created_at: float
    trigger: Mapping[str, Any] = field(default_factory=dict)
    identity: str = "anonymous"
    parent: Parent | None = None

    @property
    def dedup(self) -> str:
        """One start per execution."""
        return dedup_id(self.execution, "start")


@dataclass(frozen=True, slots=True)
class TaskEnded:
    """An attempt is over: a worker's, or a child execution's (then ``result`` is the child's output).

    The attempt's record has been written before. ``result`` rides along when it is small
    (``has_result``); otherwise whoever needs it reads the record.
    """

    attempt: AttemptId
    status: TaskStatus
    result: Any = None
    _: KW_ONLY
    has_result: bool = True
    error: Mapping[str, Any] | None = None
    resend_id: str = ""

    @property
    def dedup(self) -> str:
        """One end per attempt; a repair's ``resend_id`` makes it fresh."""
        return dedup_id(self.attempt, "ended", self.resend_id)


class TimerKind(StrEnum):
    """What a timer was set for."""

    RETRY = "retry"
    SLEEP = "sleep"
    TASK_TIMEOUT = "task_timeout"
    WORKFLOW_TIMEOUT = "workflow_timeout"


@dataclass(frozen=True, slots=True)
class TimerFired:
    """The time for something has come; ``attempt`` is None for the workflow's own time-out."""

    kind: TimerKind
    attempt: AttemptId | None = None
    resend_id: str = ""

    @property
    def dedup(self) -> str:
        """One firing per timer; a repair's ``resend_id`` makes it fresh."""
        return dedup_id(self.kind, self.attempt or "", "timer", self.resend_id)


@dataclass(frozen=True, slots=True)
class Cancel:
    """Stop at once. ``request_id`` tells one request from the next (a parent passes its own down).

    A repair that cancels a chunk names its ``attempt_base``: a retry may have begun the chunk again meanwhile.
    """

    reason: str = ""
    request_id: str = "1"
    attempt_base: int | None = None

    @property
    def dedup(self) -> str:
        """One per request."""
        return dedup_id("cancel", self.request_id)


@dataclass(frozen=True, slots=True)
class Answer:
    """Somebody answered an inquiry; the first answer counts. ``by`` is who."""

    attempt: AttemptId
    response: Any
    by: str = ""

    @property
    def dedup(self) -> str:
        """One per answer: a second one is told apart, and ignored when it is folded."""
        return dedup_id("answer", self.attempt, self.by, json.dumps(self.response, sort_keys=True))


@dataclass(frozen=True, slots=True)
class EventArrived:
    """An event came that an attempt waits for; ``event`` is its whole envelope. The first counts."""

    attempt: AttemptId
    event: Mapping[str, Any]

    @property
    def dedup(self) -> str:
        """One per event."""
        return dedup_id("event", self.attempt, self.event.get("id", ""))


@dataclass(frozen=True, slots=True)
class Pause:
    """Start nothing new; what runs may finish. ``by`` is who asked: a person, or the parent execution's id."""

    reason: str = ""
    request_id: str = "1"
    by: str = ""

    @property
    def dedup(self) -> str:
        """One per request."""
        return dedup_id("pause", self.request_id)


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on after a pause. ``by`` is who asked, as with a pause."""

    request_id: str = "1"
    by: str = ""

    @property
    def dedup(self) -> str:
        """One per request."""
        return dedup_id("resume", self.request_id)


@dataclass(frozen=True, slots=True)
class RetryExecution:
    """Go on from where an execution failed, ended too late, or was cancelled.

    ``from_`` names tasks to go on from instead; ``workflow_version`` and ``parameters`` (all of them, checked) are
    the new ones, None where they stay. ``by`` is who asked.
    """

    request_id: str
    from_: tuple[str, ...] = ()
    _: KW_ONLY
    workflow_version: int | None = None
    parameters: Mapping[str, Any] | None = None
    by: str = ""

    @property
    def dedup(self) -> str:
        """One per request."""
        return dedup_id("retry", self.request_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartChunk:
    """Begin a chunk: go over the items of a visit from ``first`` up to but not ``stop``.

    At most ``window`` of them at a time (0: no bound). This message alone makes a chunk's state. With an
    ``attempt_base`` (the highest number that an attempt has had) a retry of the execution begins it again; it then
    goes over the items that have not succeeded, or over all of them if the ``whole`` is wanted.
    """

    task: str
    visit: int
    number: int
    first: int
    stop: int
    window: int = 0
    resend_id: str = ""
    attempt_base: int = 0
    whole: bool = False

    @property
    def dedup(self) -> str:
        """One per chunk; a repair's ``resend_id`` makes it fresh."""
        return dedup_id("chunk", self.task, self.visit, self.number, self.attempt_base, self.resend_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkEnded:
    """All items of a chunk have ended; ``failed`` elements in vain, ``indexes`` are the first of their items.

    ``attempt_base`` is that of the chunk's start: a report from before a retry is told apart.
    """

    task: str
    visit: int
    number: int
    failed: int = 0
    indexes: Sequence[int] = ()
    resend_id: str = ""
    attempt_base: int = 0

    @property
    def dedup(self) -> str:
        """One per chunk; a repair's ``resend_id`` makes it fresh."""
        return dedup_id("chunk ended", self.task, self.visit, self.number, self.attempt_base, self.resend_id)


@dataclass(frozen=True, slots=True)
class Dead:
    """A message of this execution ended in the dead-letter queue.

    The fold tries the message once more: it may never have been folded. Then it sends again every effect that the
    execution still waits for. Their ids contain ``request_id``: under its old id, a FIFO queue would drop a copy for
    five minutes, even if the first one was consumed. The service sets ``poison`` when folding ``message`` fails again;
    the execution is then parked with that text as the reason.
    """

    request_id: str
    message: Mapping[str, Any] | None = None
    poison: str | None = None

    @property
    def dedup(self) -> str:
        """One per dead message."""
        return dedup_id("dead", self.request_id)


@dataclass(frozen=True, slots=True)
class Nudge:
    """Somebody found that the execution has stopped moving: ask again for what it waits for.

    ``attempts`` are those that were lost (none: ask for everything). An execution that has ended tells its parent
    again. ``request_id`` makes the ids of what is sent again fresh.
    """

    request_id: str
    attempts: tuple[AttemptId, ...] = ()

    @property
    def dedup(self) -> str:
        """One per repair."""
        return dedup_id("nudge", self.request_id)


Message = (
    Start
    | TaskEnded
    | TimerFired
    | Answer
    | EventArrived
    | Cancel
    | Pause
    | Resume
    | RetryExecution
    | StartChunk
    | ChunkEnded
    | Dead
    | Nudge
)
