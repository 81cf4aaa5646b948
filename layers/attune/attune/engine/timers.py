"""What a timer leads to when it fires: a further attempt, the end of a sleep, or a time-out."""

from __future__ import annotations

from collections.abc import Callable

from attune.engine import attempts, ending, groups
from attune.engine.ids import AttemptId
from attune.engine.messages import TimerFired, TimerKind
from attune.engine.turn import Turn
from attune.engine.visits import Active
from attune.exceptions import task_error
from attune.model.graph import Task
from attune.model.status import ExecutionStatus, TaskStatus

EARLY = 1.0
"""Seconds by which the time-out of a workflow may come early."""


def fired(turn: Turn, message: TimerFired) -> None:
    """The time for something has come; what nobody waits for any more is ignored."""
    if message.kind is TimerKind.WORKFLOW_TIMEOUT:
        _workflow_timeout(turn, message)
    elif message.attempt is not None:
        task, active = attempts.awaited(turn, message.attempt)
        if task is not None and active is not None:
            _TIMERS[message.kind](turn, task, message.attempt, active)


def _retry_due(turn: Turn, task: Task, attempt: AttemptId, active: Active) -> None:
    if active.status is TaskStatus.RETRYING and active.due is not None:
        attempts.go_on(turn, task, attempt)


def _slept(turn: Turn, task: Task, attempt: AttemptId, active: Active) -> None:
    if active.status is TaskStatus.WAITING:
        attempts.done(turn, attempt)
        attempts.ended(turn, task, attempt, TaskStatus.COMPLETED, None)


def _task_timeout(turn: Turn, task: Task, attempt: AttemptId, active: Active) -> None:
    error = task_error("timeout", f"task '{task.name}' did not end within {task.timeout:g} s")
    if active.limit is not None:
        if task.members:
            groups.abandon(turn, task, "timed out")
        attempts.timed_out(turn, task, attempt, error)


_TIMERS: dict[TimerKind, Callable[[Turn, Task, AttemptId, Active], None]] = {
    TimerKind.RETRY: _retry_due,
    TimerKind.SLEEP: _slept,
    TimerKind.TASK_TIMEOUT: _task_timeout,
}


def _workflow_timeout(turn: Turn, message: TimerFired) -> None:
    """A timer with another resend id was set before a retry, and the deadline has moved since; or before a repair."""
    deadline = turn.state.deadline
    due = message.resend_id == turn.state.resend_id or (deadline is not None and turn.now >= deadline - EARLY)
    if due and not turn.state.status.ended:
        why = f"the workflow did not end within {turn.graph.timeout:g} s"
        ending.finish(turn, ExecutionStatus.TIMED_OUT, task_error("timeout", why))
