"""The effects that make an attempt run: its action and input found out, and asked for from a worker or a child.

The outbox makes them again from the same state, so nothing here changes one.
"""

from __future__ import annotations

from typing import Any

from attune.engine import items, sealing
from attune.engine.context import Own
from attune.engine.effects import RunTask, SetTimer, StartChild
from attune.engine.facts import ActionFact
from attune.engine.ids import AttemptId
from attune.engine.messages import Parent, TimerKind
from attune.engine.turn import Turn
from attune.exceptions import AttuneError
from attune.model.action import ActionSpec
from attune.model.graph import Task
from attune.model.status import TaskStatus

MAX_DEPTH = 10
"""How deep sub-workflows may call each other."""


class _UnknownAction(AttuneError):
    code = "unknown_action"


class _DepthExceeded(AttuneError):
    code = "depth_exceeded"


def resolve(turn: Turn, task: Task, attempt: AttemptId) -> ActionSpec:
    """The action that an attempt runs; a name that is a template may give another one for each item."""
    if task.spec is not None:
        return task.spec
    own = Own(task.index, TaskStatus.PENDING, attempt=attempt)
    name = str(turn.context.render(task.action, own=own, **_item(turn, task, attempt)))
    known = turn.facts.get(ActionFact(name))
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
    return RunTask(attempt, spec, given, timeout=timeout, resend_id=turn.state.resend_id, sealed=sealed)


def start_child(turn: Turn, task: Task, attempt: AttemptId, child: str) -> StartChild:
    """The effect that starts this attempt's child execution; raises TemplateError."""
    depth = (turn.state.parent.depth if turn.state.parent else 0) + 1
    if depth > MAX_DEPTH:
        raise _DepthExceeded(f"sub-workflows go {MAX_DEPTH} deep at most; '{task.name}' would be one deeper")
    parent = Parent(turn.state.execution, attempt, depth)
    spec, own = resolve(turn, task, attempt), Own(task.index, TaskStatus.PENDING, attempt=attempt)
    values = sealing.render_for_child(turn.context, task.input or {}, own, _item(turn, task, attempt), spec)
    return StartChild(
        child=child, workflow=spec.entry_point, parameters=values, parent=parent, resend_id=turn.state.resend_id
    )


def limit(turn: Turn, task: Task, attempt: AttemptId) -> float | None:
    """When a wait that no worker watches over times out; sets the timer for it."""
    if task.timeout is None:
        return None
    until = turn.now + task.timeout
    turn.ask(SetTimer(TimerKind.TASK_TIMEOUT, until, attempt, turn.state.resend_id))
    return until
