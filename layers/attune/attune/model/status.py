"""The words for where an execution or a task stands, and which may follow which.

``MOVES`` and ``TASK_MOVES`` are the whole truth about that; every fold of every random run of the tests is held
against them. An execution is ``requested → running ⇄ waiting / paused → completed | failed | cancelled | timed_out``;
a retry takes it back from an end that is not ``completed``. A task goes the way of its latest visit:
``pending → scheduled | waiting ⇄ retrying → completed | failed | timed_out | skipped | cancelled``, and a further
visit, or a retry of the execution, begins the way again.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ExecutionStatus(StrEnum):
    """Where an execution stands; a chunk of its items is never waiting or paused."""

    REQUESTED = "requested"
    """Its start is on the way."""
    RUNNING = "running"
    """Something of it is being worked on."""
    WAITING = "waiting"
    """It has nothing to do but wait: for timers, child executions, answers, events."""
    PAUSED = "paused"
    """Nothing new begins; what runs may still end."""
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    """The workflow's own time-out has passed."""

    @property
    def ended(self) -> bool:
        """True when nothing will happen any more (short of a retry)."""
        return self in ENDED_EXECUTION


class TaskStatus(StrEnum):
    """Where a task, a visit of it, or one of its attempts stands."""

    PENDING = "pending"
    """It has not begun."""
    SCHEDULED = "scheduled"
    """A worker was asked for it."""
    RUNNING = "running"
    """Some items of its list are under way. (That a worker has claimed an attempt, only the attempt's record says.)"""
    WAITING = "waiting"
    """It waits for a timer, a child execution, an answer, an event or the members of its group."""
    RETRYING = "retrying"
    """An attempt failed, and the next begins later."""
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    """Its ``when`` was false."""
    CANCELLED = "cancelled"
    """The execution, or its group, ended around it."""
    HELD = "held"
    """An unhandled failure keeps it from running."""

    @property
    def failed(self) -> bool:
        """A time-out is a failure too."""
        return self in FAILED_TASK


ENDED_EXECUTION: Final = frozenset(
    {ExecutionStatus.COMPLETED, ExecutionStatus.FAILED, ExecutionStatus.CANCELLED, ExecutionStatus.TIMED_OUT}
)
FAILED_TASK: Final = (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
"""A tuple: two comparisons cost less than the hash of an enum."""

_LIVE = frozenset({ExecutionStatus.RUNNING, ExecutionStatus.WAITING, ExecutionStatus.PAUSED})
_AGAIN = frozenset({ExecutionStatus.RUNNING})
MOVES: Final[Mapping[ExecutionStatus, frozenset[ExecutionStatus]]] = MappingProxyType(
    {
        ExecutionStatus.REQUESTED: frozenset(
            {ExecutionStatus.RUNNING, ExecutionStatus.CANCELLED, ExecutionStatus.FAILED}
        ),
        ExecutionStatus.RUNNING: _LIVE - {ExecutionStatus.RUNNING} | ENDED_EXECUTION,
        ExecutionStatus.WAITING: _LIVE - {ExecutionStatus.WAITING} | ENDED_EXECUTION,
        ExecutionStatus.PAUSED: _LIVE - {ExecutionStatus.PAUSED} | ENDED_EXECUTION,
        ExecutionStatus.COMPLETED: frozenset(),
        ExecutionStatus.FAILED: _AGAIN,
        ExecutionStatus.CANCELLED: _AGAIN,
        ExecutionStatus.TIMED_OUT: _AGAIN,
    }
)
"""Which status may follow each, step by step: one fold may go several steps. A start that cannot be folded fails."""

_ENDS = frozenset({TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.TIMED_OUT, TaskStatus.CANCELLED})
TASK_MOVES: Final[Mapping[TaskStatus, frozenset[TaskStatus]]] = MappingProxyType(
    {
        TaskStatus.PENDING: frozenset(TaskStatus) - {TaskStatus.PENDING, TaskStatus.TIMED_OUT},
        TaskStatus.SCHEDULED: _ENDS | {TaskStatus.RETRYING},
        TaskStatus.RUNNING: _ENDS - {TaskStatus.TIMED_OUT},
        TaskStatus.WAITING: _ENDS | {TaskStatus.RETRYING},
        TaskStatus.RETRYING: _ENDS - {TaskStatus.TIMED_OUT} | {TaskStatus.SCHEDULED, TaskStatus.WAITING},
        TaskStatus.COMPLETED: frozenset({TaskStatus.FAILED}),
        TaskStatus.FAILED: frozenset(),
        TaskStatus.TIMED_OUT: frozenset(),
        TaskStatus.SKIPPED: frozenset(),
        TaskStatus.CANCELLED: frozenset(),
        TaskStatus.HELD: frozenset(),
    }
)
"""Which status may follow each in one visit of a task, or one of its items, step by step.

Each visit begins pending, and so does one that a retry of the execution takes up again. What has completed fails if
its templates then cannot be rendered.
"""
