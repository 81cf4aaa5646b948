"""The words for where an execution or a task stands."""

from __future__ import annotations

from enum import StrEnum


class ExecutionStatus(StrEnum):
    """requested → scheduling → running ⇄ waiting / paused → completed | failed | cancelled | timed_out."""

    REQUESTED = "requested"
    SCHEDULING = "scheduling"
    RUNNING = "running"
    WAITING = "waiting"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"

    @property
    def ended(self) -> bool:
        """True when nothing will happen any more (short of a retry)."""
        return self in ENDED_EXECUTION


class TaskStatus(StrEnum):
    """A task that has not begun is pending; ``held`` is one that an unhandled failure keeps from running."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    WAITING = "waiting"
    RETRYING = "retrying"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    HELD = "held"

    @property
    def failed(self) -> bool:
        """A time-out is a failure too."""
        return self in FAILED_TASK


ENDED_EXECUTION = frozenset(
    {ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED, ExecutionStatus.TIMED_OUT}
)
FAILED_TASK = (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
