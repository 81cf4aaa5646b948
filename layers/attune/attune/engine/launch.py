"""The first moves of an execution: its deadline, its variables, its entry points."""

from __future__ import annotations

from attune.engine import ending
from attune.engine.effects import SetTimer
from attune.engine.messages import TimerKind
from attune.engine.turn import Turn, template_failure
from attune.exceptions import TemplateError
from attune.model.status import ExecutionStatus


def launch(turn: Turn) -> None:
    """Fire the entry points; variables that cannot be rendered fail the execution."""
    set_deadline(turn)
    try:
        _set_vars(turn)
    except TemplateError as error:
        ending.finish(turn, ExecutionStatus.FAILED, template_failure(error))
        return
    for index in turn.graph.entry:
        turn.state.fired[index] = {index: 1}


def set_deadline(turn: Turn) -> None:
    """The workflow's own time-out counts from now."""
    state = turn.state
    state.deadline = None if turn.graph.timeout is None else turn.now + turn.graph.timeout
    if state.deadline is not None:
        turn.ask(SetTimer(TimerKind.WORKFLOW_TIMEOUT, state.deadline, None, state.resend_id))


def _set_vars(turn: Turn) -> None:
    """Each variable sees the parameters and those written above it."""
    for name, template in turn.graph.vars:
        turn.write_vars({**turn.context.vars(), name: turn.context.render(template)})
