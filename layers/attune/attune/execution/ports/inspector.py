"""Looking across executions, for ``sweep`` and ``doctor``. Times are epoch seconds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from attune.engine.ids import AttemptId
from attune.engine.state import State
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus

Marks = Mapping[str, float]
"""When an attempt was first seen without a worker, or last sent again; by :func:`attune.execution.cases.mark_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What stands in an attempt's record: who holds its lease until when, and how and when it ended."""

    holder: str = ""
    lease_until: float = 0.0
    started_at: float = 0.0
    status: str = ""
    """Empty while it has not ended."""
    ended_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepNotes:
    """What one sweep leaves for the next.

    ``at`` is when it ran. ``status`` and ``after`` are where it stopped for want of time (empty: it saw all).
    ``started`` is the time up to which starts were looked for, ``late`` are those that had not arrived. ``marks`` are
    those of :class:`attune.execution.cases.Case`.
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

    def save_notes(self, notes: SweepNotes) -> None:
        """Leave this for the next sweep."""
        ...
