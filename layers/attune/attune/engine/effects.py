"""What a fold asks the world to do, as data.

*Writes* go with a state and are done before it is saved, under names that the saved state points to. Each says which
``fact`` it makes known; a fold writes a fact once.
*Effects* are sent after the save. The state keeps a short reference to each (the outbox), from which
:func:`attune.engine.outbox.rebuild` makes the same effect again if the sender died.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Any

from attune.engine.facts import (
    ItemsFact,
    OutputFact,
    RecordFact,
    RetryFact,
    ScopeFact,
    VarsFact,
    VerdictFact,
    WaitFact,
    scope_fact,
)
from attune.engine.ids import AttemptId
from attune.engine.messages import Message, Parent, StartChunk, TimerKind
from attune.model.action import ActionSpec
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus, TaskStatus


class Control(StrEnum):
    """What an execution tells its children."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"


@dataclass(frozen=True, slots=True)
class RunTask:
    """Put an attempt on the task queue. ``timeout`` in seconds; ``resend_id`` makes a repair's id fresh.

    ``sealed`` is what the worker is to render in the input, see :mod:`attune.engine.sealing`.
    """

    attempt: AttemptId
    spec: ActionSpec
    input: Mapping[str, Any]
    _: KW_ONLY
    timeout: float | None = None
    resend_id: str = ""
    sealed: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Post a ``TimerFired(kind, attempt)`` at ``due`` (epoch seconds)."""

    kind: TimerKind
    due: float
    attempt: AttemptId | None = None
    resend_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartChild:
    """Create the execution ``child`` of ``workflow`` if it is absent, and send its start in any case."""

    child: str
    workflow: str
    parameters: Mapping[str, Any]
    parent: Parent
    resend_id: str = ""


@dataclass(frozen=True, slots=True)
class TellChild:
    """Pass a control message (cancel, pause, resume) down; ``request_id`` tells one from the next."""

    child: str
    reason: str
    request_id: str
    control: Control = Control.CANCEL


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyParent:
    """Record this execution's end as the result of the parent's attempt, and tell the parent."""

    parent: Parent
    status: ExecutionStatus
    output: Any
    error: Mapping[str, Any] | None
    resend_id: str = ""


@dataclass(frozen=True, slots=True)
class StartChunks:
    """Send these chunks of a visit's items their starts."""

    task: str
    visit: int
    starts: Sequence[StartChunk]


@dataclass(frozen=True, slots=True, kw_only=True)
class TellChunks:
    """Pass a control message down to these chunks of a visit's items."""

    task: str
    visit: int
    numbers: Sequence[int]
    reason: str
    request_id: str
    control: Control = Control.CANCEL


@dataclass(frozen=True, slots=True)
class TellHome:
    """A chunk's word to the execution that it belongs to."""

    message: Message


@dataclass(frozen=True, slots=True)
class Announce:
    """Put an event about this execution on the bus."""

    status: ExecutionStatus
    error: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SeekEvent:
    """Look whether the event that an attempt waits for came before it began to wait."""

    attempt: AttemptId


Effect = (
    RunTask
    | SetTimer
    | StartChild
    | TellChild
    | NotifyParent
    | StartChunks
    | TellChunks
    | TellHome
    | Announce
    | SeekEvent
)


@dataclass(frozen=True, slots=True)
class WriteVars:
    """The workflow's variables, under their number."""

    number: int
    values: Mapping[str, Any]

    @property
    def fact(self) -> VarsFact:
        """What it makes known."""
        return VarsFact(self.number)


@dataclass(frozen=True, slots=True)
class WriteRecord:
    """The record of an attempt that no worker recorded: its input could not be rendered, or it was answered."""

    attempt: AttemptId
    status: TaskStatus
    result: Any = None
    error: Mapping[str, Any] | None = None

    @property
    def fact(self) -> RecordFact:
        """What it makes known."""
        return RecordFact(self.attempt)


@dataclass(frozen=True, slots=True)
class WriteWait:
    """Something an attempt waits for from outside, open until it comes or nobody waits any more.

    ``terms`` are ``{prompt, schema, assignees}`` of an inquiry, ``{pattern, within}`` of an event (``within``: how
    many seconds before the wait it may have come); ``limit`` (epoch seconds) is when the task times out; ``closed``
    says why it is no longer open.
    """

    attempt: AttemptId
    kind: WaitKind
    _: KW_ONLY
    terms: Mapping[str, Any] = field(default_factory=dict)
    since: float = 0.0
    limit: float | None = None
    closed: str | None = None

    @property
    def fact(self) -> WaitFact:
        """What it makes known."""
        return WaitFact(self.attempt)


@dataclass(frozen=True, slots=True)
class WriteVerdict:
    """A visit that failed after its attempt ended well: its ``publish`` cannot be rendered, too many items failed."""

    task: str
    visit: int
    error: Mapping[str, Any]

    @property
    def fact(self) -> VerdictFact:
        """What it makes known."""
        return VerdictFact(self.task, self.visit)


@dataclass(frozen=True, slots=True)
class WriteItems:
    """The list a ``with_items`` goes over, one entry per item or batch; of a long one, the part of one ``chunk``."""

    task: str
    visit: int
    values: Sequence[Any]
    chunk: int | None = None

    @property
    def fact(self) -> ItemsFact:
        """What it makes known."""
        return ItemsFact(self.task, self.visit, self.chunk)


@dataclass(frozen=True, slots=True)
class WriteScope:
    """What the chunks of a visit's items have in common: how many items there are, and where their execution stood.

    ``scope`` is made by :func:`attune.engine.chunk_owner.scope_of`: what the templates of every item see, whenever its
    chunk begins.
    """

    task: str
    visit: int
    scope: Mapping[str, Any]
    attempt_base: int = 0

    @property
    def fact(self) -> ItemsFact | ScopeFact:
        """What it makes known."""
        return scope_fact(self.task, self.visit, self.attempt_base)


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRetry:
    """A retry of the execution (counted from 1): who asked for what, and when (epoch seconds).

    ``parameters`` are all that the execution has from here on, None if they stay.
    """

    number: int
    at: float
    by: str
    from_: Sequence[str]
    workflow_version: int
    parameters: Mapping[str, Any] | None

    @property
    def fact(self) -> RetryFact:
        """What it makes known."""
        return RetryFact(self.number)


@dataclass(frozen=True, slots=True)
class WriteOutput:
    """What the execution returns, or why it ended otherwise; at its end after so many ``retries``."""

    output: Any
    error: Mapping[str, Any] | None
    retries: int = 0

    @property
    def fact(self) -> OutputFact:
        """What it makes known."""
        return OutputFact(self.retries)


Write = WriteVars | WriteRecord | WriteWait | WriteVerdict | WriteItems | WriteScope | WriteRetry | WriteOutput
