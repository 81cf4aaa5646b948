"""From "this task is to run" to the effects that make it run."""

from __future__ import annotations

from collections.abc import Callable

from attune.engine import attempts, groups, items, transitions
from attune.engine.attempt_effects import limit, resolve, run_task, start_child
from attune.engine.built_ins import STARTS
from attune.engine.context import Own
from attune.engine.ids import AttemptId, child_id
from attune.engine.turn import Step, Turn, template_failure
from attune.engine.visits import Active, Visit
from attune.exceptions import AttuneError, TemplateError, task_error
from attune.model.action import Runner
from attune.model.built_ins import BuiltIn
from attune.model.graph import Task
from attune.model.status import TaskStatus


def begin(turn: Turn, task: Task, number: int) -> None:
    """Begin a new visit of the task."""
    _count_visit(turn, task, number)
    turn.steps.append(Step(task.index, number))
    enter(turn, task, number)


def enter(turn: Turn, task: Task, number: int) -> None:
    """A visit's way from ``when`` to its first attempt, or attempts."""
    try:
        if task.when is not None and not turn.context.holds(task.when, own=_pending(task)):
            transitions.end_visit(turn, task, number, TaskStatus.SKIPPED)
            return
        if task.with_items is not None:
            items.begin(turn, task, number)
            return
    except TemplateError as error:
        transitions.fail_visit(turn, task, number, template_failure(error))
        return
    turn.state.open(Visit(task.index, number))
    start_attempt(turn, task, number, None, 1)


def _count_visit(turn: Turn, task: Task, number: int) -> None:
    state, bit = turn.state, 1 << task.index
    state.begun |= bit
    if number > 1:
        state.visits[task.index] = number
    state.now_unhandled &= ~bit
    state.held &= ~bit


def _pending(task: Task) -> Own:
    return Own(task.index, TaskStatus.PENDING)


def start_attempt(turn: Turn, task: Task, visit: int, index: int | None, number: int) -> None:
    """Ask for one attempt of a visit that is active; what cannot even be asked for has failed."""
    attempt = AttemptId(task.name, visit, index, number)
    try:
        if task.members:
            groups.start(turn, task, attempt, limit(turn, task, attempt))
        else:
            _STARTERS[resolve(turn, task, attempt).runner](turn, task, attempt)
    except TemplateError as error:
        attempts.ended(turn, task, attempt, TaskStatus.FAILED, template_failure(error), decided=True)
    except AttuneError as error:
        failure = task_error(error.code, error.message, retryable=False)
        attempts.ended(turn, task, attempt, TaskStatus.FAILED, failure, decided=True)


def _ask_worker(turn: Turn, task: Task, attempt: AttemptId) -> None:
    turn.ask(run_task(turn, task, attempt))
    attempts.track(turn, task, attempt, Active(TaskStatus.SCHEDULED, attempt.number))


def _ask_child(turn: Turn, task: Task, attempt: AttemptId) -> None:
    child = child_id(turn.state.execution, attempt, turn.now)
    turn.ask(start_child(turn, task, attempt, child))
    until = limit(turn, task, attempt)
    attempts.track(turn, task, attempt, Active(TaskStatus.WAITING, attempt.number, child=child, limit=until))


def _run_built_in(turn: Turn, task: Task, attempt: AttemptId) -> None:
    STARTS[BuiltIn(resolve(turn, task, attempt).entry_point)](turn, task, attempt)


_STARTERS: dict[Runner, Callable[[Turn, Task, AttemptId], None]] = {
    Runner.PYTHON: _ask_worker,
    Runner.HTTP: _ask_worker,
    Runner.LAMBDA: _ask_worker,
    Runner.WORKFLOW: _ask_child,
    Runner.ENGINE: _run_built_in,
}
