"""One attempt: kept while it is awaited, and what comes of its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from attune.engine import items, transitions
from attune.engine.attempt_retry import delay
from attune.engine.context import Own
from attune.engine.effects import SetTimer, TellChild
from attune.engine.ids import AttemptId
from attune.engine.messages import TimerKind
from attune.engine.turn import Turn
from attune.engine.visits import Active
from attune.exceptions import TemplateError
from attune.model.graph import Task
from attune.model.status import TaskStatus


def find(turn: Turn, task: Task, attempt: AttemptId) -> Active | None:
    """The attempt as the state keeps it; None when it is over or was never asked for."""
    visit = turn.state.active.get((task.index, attempt.visit))
    if visit is None:
        return None
    if visit.items is not None:
        found = None if attempt.index is None else visit.items.active.get(attempt.index)
    else:
        found = visit.single
    return found if found is not None and found.number == attempt.number else None


def awaited(turn: Turn, attempt: AttemptId) -> tuple[Task | None, Active | None]:
    """The task and what the state keeps of the attempt; both None for what is over or unknown."""
    task = turn.graph.by_name.get(attempt.task)
    if task is None or turn.state.status.ended:
        return None, None
    return task, find(turn, task, attempt)


def track(turn: Turn, task: Task, attempt: AttemptId, active: Active) -> None:
    """Remember what the attempt waits for."""
    visit = turn.state.own(task.index, attempt.visit)
    if visit is None:
        return
    if visit.items is not None and attempt.index is not None:
        visit.items.active[attempt.index] = active
        if active.number > visit.attempt_base + 1:
            visit.last = max(visit.last, active.number)
    else:
        visit.single = active


def done(turn: Turn, attempt: AttemptId) -> None:
    """The engine did this by itself; only an item leaves a record, for the list of all items to be whole."""
    if attempt.index is not None:
        turn.write_record(attempt, TaskStatus.COMPLETED)


def ended(
    turn: Turn,
    task: Task,
    attempt: AttemptId,
    status: TaskStatus,
    error: Mapping[str, Any] | None,
    *,
    decided: bool = False,
) -> None:
    """The attempt is over: try again, go on with the next item, or end the visit.

    ``decided``: the fold itself found the failure, so that no worker has recorded it.
    """
    if decided and error is not None:
        turn.write_record(attempt, status, error=error)
    if status.failed and _again(turn, task, attempt, Own(task.index, status, error, attempt)):
        return
    if attempt.index is not None:
        items.item_ended(turn, task, attempt, status)
    else:
        transitions.end_visit(turn, task, attempt.visit, status, error, attempt)


def _again(turn: Turn, task: Task, attempt: AttemptId, own: Own) -> bool:
    retry, failed = task.retry, attempt.number - _base(turn, task, attempt)
    if retry is None or failed > retry.count or turn.state.stopping or not _wanted(turn, task, own):
        return False
    following = replace(attempt, number=attempt.number + 1)
    pause = delay(retry, failed, f"{turn.state.execution}/{attempt}")
    if pause > 0:
        due = turn.now + pause
        turn.ask(SetTimer(TimerKind.RETRY, due, following, turn.state.resend_id))
        track(turn, task, following, Active(TaskStatus.RETRYING, following.number, due=due))
    else:
        go_on(turn, task, following)
    return True


def _base(turn: Turn, task: Task, attempt: AttemptId) -> int:
    """The attempts before the execution was retried don't count."""
    visit = turn.state.active.get((task.index, attempt.visit))
    return visit.attempt_base if visit else 0


def _wanted(turn: Turn, task: Task, own: Own) -> bool:
    """``on_error`` decides; without it, whatever says of itself that it may be tried again."""
    condition = task.retry.on_error if task.retry else None
    if condition is None:
        return bool((own.error or {}).get("retryable", True))
    if (own.error or {}).get("type") == "template_error":
        return False
    try:
        return turn.context.holds(condition, own=own)
    except TemplateError:
        return False


def go_on(turn: Turn, task: Task, attempt: AttemptId) -> None:
    """Start the attempt now, or on resume if the execution is paused."""
    track(turn, task, attempt, Active(TaskStatus.RETRYING, attempt.number))
    if not turn.state.paused:
        turn.ready.append(attempt)


def timed_out(turn: Turn, task: Task, attempt: AttemptId, error: Mapping[str, Any]) -> None:
    """The attempt's time is up: stop waiting for it."""
    active = find(turn, task, attempt)
    if active is not None and active.child is not None:
        turn.ask(TellChild(active.child, "timed out", request_id=f"timeout.{attempt}"))
    if active is not None and active.wait is not None:
        turn.close_wait(attempt, active.wait, "timed out")
    ended(turn, task, attempt, TaskStatus.TIMED_OUT, error, decided=True)
