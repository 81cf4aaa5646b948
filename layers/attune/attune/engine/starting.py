"""From "this task is to run" to the effects that make it run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attune.engine import attempts, groups, items, sealing, transitions
from attune.engine.context import Own
from attune.engine.effects import RunTask, SeekEvent, SetTimer, StartChild, WriteWait
from attune.engine.facts import action_key
from attune.engine.ids import AttemptId, child_id
from attune.engine.messages import Parent, TimerKind
from attune.engine.state import Active, Visit, WaitKind
from attune.engine.turn import Step, Turn, template_failure
from attune.exceptions import AttuneError, TemplateError, task_error
from attune.language.durations import seconds
from attune.language.graph import ActionSpec, Runner, Task
from attune.language.status import TaskStatus

MAX_DEPTH = 10
"""How deep sub-workflows may call each other."""


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
    state.unhandled &= ~bit
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


def resolve(turn: Turn, task: Task, attempt: AttemptId) -> ActionSpec:
    """The action that an attempt runs; a name that is a template may give another one for each item."""
    if task.spec is not None:
        return task.spec
    own = Own(task.index, TaskStatus.PENDING, attempt=attempt)
    name = str(turn.context.render(task.action, own=own, **_item(turn, task, attempt)))
    known = turn.facts.get(action_key(name))
    if known is None:
        raise _UnknownAction(f"task '{task.name}' asks for the action '{name}', which is not registered")
    return ActionSpec.from_dict(known)


def render_input(turn: Turn, task: Task, attempt: AttemptId) -> dict[str, Any]:
    """The input of one attempt that no worker runs; raises TemplateError."""
    own = Own(task.index, TaskStatus.PENDING, attempt=attempt)
    rendered = turn.context.render(task.input or {}, own=own, **_item(turn, task, attempt))
    return dict(rendered)


def _item(turn: Turn, task: Task, attempt: AttemptId) -> dict[str, Any]:
    if attempt.index is None:
        return {}
    return {"item": items.value(turn, task, attempt.visit, attempt.index), "index": attempt.index}


def run_task(turn: Turn, task: Task, attempt: AttemptId) -> RunTask:
    """The effect that has a worker run this attempt; raises TemplateError."""
    spec = resolve(turn, task, attempt)
    timeout = task.timeout if task.timeout is not None else spec.timeout
    own = Own(task.index, TaskStatus.PENDING, attempt=attempt)
    given, sealed = sealing.render(turn.context, task.input or {}, own, _item(turn, task, attempt))
    sealing.refuse_open(spec, sealed)
    return RunTask(attempt, spec, given, timeout, turn.state.salt, sealed)


def start_child(turn: Turn, task: Task, attempt: AttemptId, child: str) -> StartChild:
    """The effect that starts this attempt's child execution; raises TemplateError."""
    depth = (turn.state.parent.depth if turn.state.parent else 0) + 1
    if depth > MAX_DEPTH:
        raise _DepthExceeded(f"sub-workflows go {MAX_DEPTH} deep at most; '{task.name}' would be one deeper")
    parent = Parent(turn.state.execution, attempt, depth)
    spec, own = resolve(turn, task, attempt), Own(task.index, TaskStatus.PENDING, attempt=attempt)
    values = sealing.render_for_child(turn.context, task.input or {}, own, _item(turn, task, attempt), spec)
    return StartChild(child, spec.entry_point, values, parent, turn.state.salt)


def _ask_worker(turn: Turn, task: Task, attempt: AttemptId) -> None:
    turn.ask(run_task(turn, task, attempt))
    attempts.keep(turn, task, attempt, Active(TaskStatus.SCHEDULED, attempt.number))


def _ask_child(turn: Turn, task: Task, attempt: AttemptId) -> None:
    child = child_id(turn.state.execution, attempt, turn.now)
    turn.ask(start_child(turn, task, attempt, child))
    until = limit(turn, task, attempt)
    attempts.keep(turn, task, attempt, Active(TaskStatus.WAITING, attempt.number, None, child, until))


def limit(turn: Turn, task: Task, attempt: AttemptId) -> float | None:
    """When a wait that no worker watches over times out; sets the timer for it."""
    if task.timeout is None:
        return None
    until = turn.now + task.timeout
    turn.ask(SetTimer(TimerKind.TASK_TIMEOUT, until, attempt, turn.state.salt))
    return until


class _UnknownAction(AttuneError):
    code = "unknown_action"


class _DepthExceeded(AttuneError):
    code = "depth_exceeded"


class _InvalidInput(AttuneError):
    code = "invalid_input"


def _noop(turn: Turn, task: Task, attempt: AttemptId) -> None:
    attempts.done(turn, attempt)
    attempts.ended(turn, task, attempt, TaskStatus.COMPLETED, None)


def _sleep(turn: Turn, task: Task, attempt: AttemptId) -> None:
    values = render_input(turn, task, attempt)
    pause = _seconds("core.sleep", values.get("seconds", values.get("duration")))
    due = turn.now + pause
    turn.ask(SetTimer(TimerKind.SLEEP, due, attempt, turn.state.salt))
    until = limit(turn, task, attempt)
    attempts.keep(turn, task, attempt, Active(TaskStatus.WAITING, attempt.number, due, None, until))


def _seconds(action: str, value: Any) -> float:
    try:
        return seconds(value)
    except ValueError as error:
        raise _InvalidInput(f"{action}: {error}") from None


def _inquiry(turn: Turn, task: Task, attempt: AttemptId) -> None:
    values = render_input(turn, task, attempt)
    schema = values.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise _InvalidInput("core.inquiry: schema must be a JSON Schema, a mapping")
    assignees = values.get("assignees") or []
    if not isinstance(assignees, list) or not all(isinstance(name, str) and name for name in assignees):
        raise _InvalidInput("core.inquiry: assignees must be a list of names")
    terms = {"prompt": str(values.get("prompt", "")), "schema": schema, "assignees": assignees}
    _wait(turn, task, attempt, WaitKind.INQUIRY, terms)


def _wait_for_event(turn: Turn, task: Task, attempt: AttemptId) -> None:
    values = render_input(turn, task, attempt)
    pattern = dict(values.get("pattern") or {})
    if values.get("event_type"):
        pattern["detail-type"] = [values["event_type"]]
    if values.get("filter"):
        pattern["detail"] = {**pattern.get("detail", {}), **{k: [v] for k, v in dict(values["filter"]).items()}}
    if not pattern:
        raise _InvalidInput("core.wait_for_event: give an event_type, a filter or a pattern")
    within = _seconds("core.wait_for_event", values["within"]) if values.get("within") else 0.0
    _wait(turn, task, attempt, WaitKind.EVENT, {"pattern": pattern, "within": within})
    if within:
        turn.ask(SeekEvent(attempt))


def _wait(turn: Turn, task: Task, attempt: AttemptId, kind: WaitKind, terms: dict[str, Any]) -> None:
    until = limit(turn, task, attempt)
    turn.open_wait(WriteWait(attempt, kind, terms, turn.now, until))
    attempts.keep(turn, task, attempt, Active(TaskStatus.WAITING, attempt.number, limit=until, wait=kind))


BUILT_IN: dict[str, Callable[[Turn, Task, AttemptId], None]] = {
    "noop": _noop,
    "sleep": _sleep,
    "inquiry": _inquiry,
    "wait_for_event": _wait_for_event,
}
"""What the engine does itself: no worker, no queue, no cost."""


def _run_built_in(turn: Turn, task: Task, attempt: AttemptId) -> None:
    BUILT_IN[resolve(turn, task, attempt).entry_point](turn, task, attempt)


_STARTERS: dict[Runner, Callable[[Turn, Task, AttemptId], None]] = {
    Runner.PYTHON: _ask_worker,
    Runner.HTTP: _ask_worker,
    Runner.LAMBDA: _ask_worker,
    Runner.WORKFLOW: _ask_child,
    Runner.ENGINE: _run_built_in,
}
