"""What ``sweep`` and ``doctor`` see of executions.

A :class:`Case` is all that is known of one execution at one moment; :mod:`attune.execution.symptoms` makes findings
of it. Times are epoch seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from attune.engine.ids import AttemptId, chunk_id
from attune.engine.messages import Start, StartChunk
from attune.engine.state import State
from attune.engine.visits import Active
from attune.execution.ports.dead_letters import DeadLetter
from attune.execution.ports.inspector import Marks, Recorded
from attune.execution.ports.queues import Envelope


def mark_of(execution: str, attempt: AttemptId) -> str:
    """The key of an attempt among the marks."""
    return f"{execution} {attempt}"


@dataclass(frozen=True, slots=True)
class Child:
    """A sub-workflow's execution as its parent's doctor sees it; ``story`` says where it stands, if that was asked."""

    exists: bool
    state: State | None = None
    story: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One execution. ``request_id`` names the look at it, for the ids of what is repaired.

    ``arrived`` are messages with events that came for attempts that still wait. ``marks`` are those of all executions.
    ``backlog`` is how many messages wait in the task queue. ``wanted`` is False when the parent no longer waits for
    this execution.
    """

    execution: str
    now: float
    request_id: str
    start: Start | None = None
    state: State | None = None
    awaited: Mapping[AttemptId, Active] = field(default_factory=dict)
    records: Mapping[AttemptId, Recorded] = field(default_factory=dict)
    children: Mapping[str, Child] = field(default_factory=dict)
    arrived: Mapping[AttemptId, Envelope] = field(default_factory=dict)
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
            first, stop = chunks.bounds(number)
            start = StartChunk(
                task=name,
                visit=visit.number,
                number=number,
                first=first,
                stop=stop,
                window=window,
                attempt_base=visit.attempt_base,
                whole=chunks.whole,
            )
            yield chunk_id(state.execution, name, visit.number, number), start
