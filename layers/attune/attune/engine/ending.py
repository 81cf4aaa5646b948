"""How an execution ends, and what is still done then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine.effects import Announce, NotifyParent, TellChild
from attune.engine.ids import AttemptId
from attune.engine.state import CODES, Visit
from attune.engine.turn import Turn, template_failure
from attune.exceptions import TemplateError, task_error
from attune.language.schema import mismatches
from attune.language.status import ExecutionStatus, TaskStatus


def finish(turn: Turn, status: ExecutionStatus, error: Mapping[str, Any] | None = None) -> None:
    """End the execution: what is under way is cancelled, the output rendered, whoever waits is told."""
    state = turn.state
    cancel_active(turn, reason=f"execution {status}")
    turn.ready.clear()
    state.fired.clear()
    output, problem = _output(turn, status)
    if problem is not None and status is ExecutionStatus.COMPLETED:
        status, error = ExecutionStatus.FAILED, problem
    state.status, state.error = status, dict(error) if error else None
    state.ended_at = turn.now
    turn.write_output(output, state.error)
    if state.parent is not None:
        turn.ask(NotifyParent(state.parent, status, output, state.error, state.salt))
    turn.ask(Announce(status, state.error))


def cancel_active(turn: Turn, reason: str) -> None:
    """Whatever runs is no longer waited for; child executions are told."""
    state = turn.state
    for visit in state.active.values():
        state.codes[visit.task] = CODES[TaskStatus.CANCELLED]
        let_go(turn, visit, reason)
    state.close_all()


def let_go(turn: Turn, visit: Visit, reason: str) -> None:
    """What a visit waits for elsewhere is told that nobody waits any more."""
    state, task = turn.state, turn.graph.tasks[visit.task]
    for index, active in visit.attempts():
        attempt = AttemptId(task.name, visit.number, index, active.number)
        if active.child is not None:
            turn.ask(TellChild(active.child, reason, generation=f"{state.execution}.{state.version}"))
        if active.wait is not None:
            turn.close_wait(attempt, active.wait, reason)


def stop_firing(turn: Turn, error: Mapping[str, Any]) -> None:
    """The reserved target ``fail``: nothing fires from here on, what has not started is dropped."""
    state = turn.state
    state.failed = state.stopping = True
    state.error = state.error or dict(error)
    state.fired.clear()


def _output(turn: Turn, status: ExecutionStatus) -> tuple[Any, dict[str, Any] | None]:
    """The rendered ``output_map`` and what is wrong with it, if anything."""
    graph = turn.graph
    if graph.output_map is None:
        return None, None
    try:
        output = turn.context.render(graph.output_map, forgiving=True)
    except TemplateError as error:
        return None, template_failure(error)
    wrong = mismatches(_said(output), graph.output) if graph.output and status is ExecutionStatus.COMPLETED else []
    if wrong:
        details = {"errors": wrong}
        return output, task_error("invalid_output", f"the output does not fit: {wrong[0]['message']}", details=details)
    return output, None


def _said(output: Any) -> Any:
    """The output without its nulls: what never ran has nothing to say, and that is no mismatch unless required."""
    if isinstance(output, dict):
        return {name: _said(value) for name, value in output.items() if value is not None}
    return output
