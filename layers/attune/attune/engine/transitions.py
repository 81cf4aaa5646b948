"""What follows when a visit of a task has ended: publish, choose, fire."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from attune.engine import ending
from attune.engine.context import Own
from attune.engine.ids import AttemptId
from attune.engine.state import CODES
from attune.engine.turn import Step, Turn, template_failure
from attune.exceptions import TemplateError, task_error
from attune.model.graph import Task, TaskIndex, Transition
from attune.model.status import TaskStatus


def end_visit(
    turn: Turn,
    task: Task,
    visit: int,
    status: TaskStatus,
    error: Mapping[str, Any] | None = None,
    attempt: AttemptId | None = None,
    *,
    verdict: bool = False,
) -> None:
    """A visit is over: record how, publish, and fire what it leads to. ``verdict``: the fold itself found the error."""
    gone = turn.state.close(task.index, visit)
    number = attempt.number if attempt else (gone.attempted if gone else 0)
    _remember(turn, task, visit, status, number)
    if gone is not None and task.loop:
        turn.state.rounds[task.index] = gone.round
    if verdict and error is not None:
        turn.write_verdict(task, visit, error)
    own = Own(task.index, status, error, attempt)
    try:
        _publish(turn, task.publish if status is TaskStatus.COMPLETED else (), own)
        _publish(turn, task.publish_on_failure if status.failed else (), own)
        fired = _choose(turn, task, own)
    except TemplateError as failure:
        own = _overruled(turn, task, visit, own, template_failure(failure))
        fired = _choose_forgiving(turn, task, own)
    if status is TaskStatus.CANCELLED or (own.status.failed and not any(transition.handles for transition in fired)):
        turn.state.resumable = {**turn.state.resumable, (task.index, visit): number}
    turn.steps.append(Step(task.index, visit, own.status, tuple(_fire(turn, task, own, fired))))


def fail_visit(turn: Turn, task: Task, visit: int, error: Mapping[str, Any]) -> None:
    """The fold itself finds that the visit failed."""
    end_visit(turn, task, visit, TaskStatus.FAILED, error, verdict=True)


def _remember(turn: Turn, task: Task, visit: int, status: TaskStatus, number: int) -> None:
    """What ``task.<name>`` shows is its latest visit, whenever an earlier one ends."""
    if visit == turn.state.visits_of(task.index) or visit == turn.context.ended_visit(task.index):
        turn.state.record_end(task.index, status, number)
        turn.state.verdicts &= ~(1 << task.index)


def _overruled(turn: Turn, task: Task, visit: int, own: Own, error: Mapping[str, Any]) -> Own:
    """A task whose templates fail has failed, whatever its action did; it keeps the action's own failure."""
    if own.status.failed:
        return own
    turn.write_verdict(task, visit, error)
    turn.state.codes[task.index] = CODES[TaskStatus.FAILED]
    return replace(own, status=TaskStatus.FAILED, error=error)


def _publish(turn: Turn, entries: Iterable[tuple[str, Any]], own: Own) -> None:
    values = None
    for name, template in entries:
        value = turn.context.render(template, own=own)
        values = {**turn.context.vars(), name: value}
        turn.write_vars(values)


def _choose(turn: Turn, task: Task, own: Own) -> list[Transition]:
    """The transitions that fire; each publishes before the next one's does. Raises TemplateError."""
    chosen = _matching(turn, task, own, erring=_raise)
    for transition in chosen:
        _publish(turn, transition.publish, own)
    return chosen


def _choose_forgiving(turn: Turn, task: Task, own: Own) -> list[Transition]:
    """The same for a task that failed by its templates: what errs again does not hold."""
    chosen = []
    for transition in _matching(turn, task, own, erring=_ignore):
        try:
            _publish(turn, transition.publish, own)
        except TemplateError:
            continue
        chosen.append(transition)
    return chosen


def _raise(error: TemplateError) -> None:
    raise error


def _ignore(error: TemplateError) -> None:
    del error


def _matching(turn: Turn, task: Task, own: Own, erring: Any) -> list[Transition]:
    matching: list[Transition] = []
    decided = False
    for transition in task.transitions:
        if own.status not in transition.ends or (transition.decision and decided):
            continue
        try:
            holds = transition.when is None or turn.context.holds(transition.when, own=own)
        except TemplateError as error:
            erring(error)
            continue
        if holds:
            decided = decided or transition.decision
            matching.append(transition)
    return matching


def _fire(turn: Turn, task: Task, own: Own, fired: list[Transition]) -> list[Transition]:
    """Returns those that led on: none any more once the execution is stopping."""
    state = turn.state
    if own.status.failed and not any(transition.handles for transition in fired):
        _unhandled(turn, task, own)
    failing = [transition for transition in fired if transition.fail]
    if failing:
        state.led_to_fail |= 1 << task.index
    if state.stopping:
        ending.put_aside(state, {} if failing else {target: {task.index: 1} for target in _targets(fired)})
        return []
    if failing:
        ending.stop_firing(turn, _fail_error(task, own))
        fired = failing
    for target in _targets(fired):
        arrivals = state.fired.setdefault(target, {})
        arrivals[task.index] = arrivals.get(task.index, 0) + 1
    return fired


def _targets(fired: Iterable[Transition]) -> list[TaskIndex]:
    """Several transitions of one completion to the same task count once."""
    return list({target: None for transition in fired for target in transition.targets})


def _unhandled(turn: Turn, task: Task, own: Own) -> None:
    state, bit = turn.state, 1 << task.index
    first = not state.ever_unhandled & (bit - 1)
    state.now_unhandled |= bit
    if task.group is not None:
        return
    state.ever_unhandled |= bit
    if first:
        state.error = _failure(task, own)
    if turn.graph.fail_fast and not state.stopping:
        ending.stop_firing(turn, state.error or {})
        ending.cancel_active(turn, reason=f"task '{task.name}' failed")
        turn.ready.clear()


def _failure(task: Task, own: Own) -> dict[str, Any]:
    cause = own.error or {}
    message = f"task '{task.name}' {own.status.replace('_', ' ')}: {str(cause.get('message', ''))[:500]}"
    retryable = bool(cause.get("retryable", True))
    return task_error(str(cause.get("type", "task_failed")), message, retryable=retryable, details={"task": task.name})


def _fail_error(task: Task, own: Own) -> dict[str, Any]:
    if own.status.failed:
        return _failure(task, own)
    return task_error("failed_by_workflow", f"task '{task.name}' led to 'fail'", details={"task": task.name})
