"""Looking at executions from outside: what ``sweep`` and ``doctor`` see, and the ports through which they do.

A :class:`Case` is all that is known of one execution at one moment; :mod:`attune.execution.symptoms` makes findings
of it. Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from attune.engine.ids import AttemptId, chunk_id
from attune.engine.messages import Start, StartChunk
from attune.engine.state import Active, State
from attune.execution.dead_letters import DeadLetter
from attune.execution.ports.queues import Letter
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus

Marks = Mapping[str, float]
"""When an attempt was first seen without a worker, or last asked for again; see :func:`mark_of`."""


def mark_of(execution: str, attempt: AttemptId) -> str:
    """The key of an attempt among the marks."""
    return f"{execution} {attempt}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """What stands in an attempt's record: who holds its lease until when, and how and when it ended."""

    holder: str = ""
    lease_until: float = 0.0
    started_at: float = 0.0
    status: str = ""
    """Empty while it has not ended."""
    ended_at: float | None = None


@dataclass(frozen=True, slots=True)
class Child:
    """A sub-workflow's execution as its parent's doctor sees it; ``story`` says where it stands, if that was asked."""

    exists: bool
    state: State | None = None
    story: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """One execution. ``generation`` names the look at it, for the ids of what is repaired.

    ``arrived`` are letters with events that came for attempts that still wait. ``marks`` are those of all executions.
    ``backlog`` is how many messages wait in the task queue. ``wanted`` is False when the parent no longer waits for
    this execution.
    """

    execution: str
    now: float
    generation: str
    start: Start | None = None
    state: State | None = None
    awaited: Mapping[AttemptId, Active] = field(default_factory=dict)
    records: Mapping[AttemptId, Recorded] = field(default_factory=dict)
    children: Mapping[str, Child] = field(default_factory=dict)
    arrived: Mapping[AttemptId, Letter] = field(default_factory=dict)
    parent: State | None = None
    wanted: bool = True
    marks: Marks = field(default_factory=dict)
    backlog: int = 0
    terms: Mapping[AttemptId, Mapping[str, Any]] = field(default_factory=dict)
    dead: Sequence[DeadLetter] = ()
    chunk: StartChunk | None = None
    """Of a chunk of an execution's items: what it is started with. Its home is its ``parent``. None of one that
    its home does not wait for."""

    def mark(self, attempt: AttemptId) -> float | None:
        """The mark of an attempt of this execution, if there is one."""
        return self.marks.get(mark_of(self.execution, attempt))


def awaited(state: State, names: Sequence[str]) -> Iterator[tuple[AttemptId, Active]]:
    """Every attempt that the state waits for; ``names`` are the tasks' by their number."""
    for visit in state.active.values():
        for index, active in visit.attempts():
            yield AttemptId(names[visit.task], visit.number, index, active.number), active


def chunks_of(state: State, names: Sequence[str]) -> Iterator[tuple[str, StartChunk]]:
    """The chunks that the state waits for: their ids, and what they are started with."""
    for visit in state.active.values():
        if (chunks := visit.chunks) is None:
            continue
        name = names[visit.task]
        for number, window in chunks.running.items():
            bounds = chunks.bounds(number)
            start = StartChunk(name, visit.number, number, *bounds, window, base=visit.base, whole=chunks.whole)
            yield chunk_id(state.execution, name, visit.number, number), start


@dataclass(frozen=True, slots=True)
class SweepNotes:
    """What one sweep leaves for the next.

    ``at`` is when it ran. ``status`` and ``after`` are where it stopped for want of time (empty: it saw all).
    ``started`` is the time up to which starts were looked for, ``late`` are those that had not arrived. ``marks`` are
    those of :class:`Case`.
    """

    at: float = 0.0
    status: str = ""
    after: str = ""
    started: float = 0.0
    late: Sequence[str] = ()
    marks: Marks = field(default_factory=dict)


class Inspector(Protocol):
    """Reads across executions; the states and records that it gives are read consistently."""

    def live(self, status: ExecutionStatus, after: str, before: str, limit: int) -> list[str]:
        """Ids between the two (exclusive) of executions with this status, oldest first."""
        ...

    def chunks(self, after: str, before: str, limit: int) -> list[str]:
        """Ids between the two (exclusive) of chunks that have not ended, those of the oldest execution first."""
        ...

    def workflows(self) -> list[str]:
        """Refs of the workflows that can be started."""
        ...

    def started(self, workflow: str, after: str, before: str, limit: int) -> list[str]:
        """Ids between the two of executions of a workflow, oldest first, whether they have a state or not."""
        ...

    def states(self, executions: Iterable[str]) -> dict[str, State]:
        """Those of the states that exist."""
        ...

    def records(self, execution: str, attempts: Iterable[AttemptId]) -> dict[AttemptId, Recorded]:
        """Those of the records that exist."""
        ...

    def terms(self, execution: str, attempt: AttemptId, kind: WaitKind) -> Mapping[str, Any]:
        """What an attempt waits for from outside: ``{prompt, schema}`` or ``{pattern}``; empty if it is not known."""
        ...

    def notes(self) -> SweepNotes:
        """What the last sweep left."""
        ...

    def keep(self, notes: SweepNotes) -> None:
        """Leave this for the next sweep."""
        ...
