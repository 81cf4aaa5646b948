"""How an execution ends, and what is still done then."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attune.engine.effects import Announce, Control, NotifyParent, TellChild, TellChunks
from attune.engine.ids import AttemptId
from attune.engine.state import Arrivals, State
from attune.engine.turn import Turn, template_failure
from attune.engine.visits import Visit
from attune.exceptions import TemplateError, task_error
from attune.model.graph import TaskIndex
from attune.model.schema import mismatches
from attune.model.status import ExecutionStatus, TaskStatus


def finish(turn: Turn, status: ExecutionStatus, error: Mapping[str, Any] | None = None) -> None:
    """End the execution: what is under way is cancelled, the output rendered, whoever waits is told."""
    state = turn.state
    cancel_active(turn, reason=f"execution {status}")
    turn.ready.clear()
    output, problem = _output(turn, status)
    if problem is not None and status is ExecutionStatus.COMPLETED:
        status, error = ExecutionStatus.FAILED, problem
    if status is ExecutionStatus.COMPLETED:
        state.fired.clear()
        state.resumable, state.dropped = {}, {}
    state.status, state.error = status, dict(error) if error else None
    state.ended_at = turn.now
    turn.write_output(output, state.error)
    if state.parent is not None and not state.retried:
        turn.ask(
            NotifyParent(
                parent=state.parent, status=status, output=output, error=state.error, resend_id=state.resend_id
            )
        )
    turn.ask(Announce(status, state.error))


def cancel_active(turn: Turn, reason: str) -> None:
    """Whatever runs is no longer waited for; child executions are told."""
    visits = list(turn.state.active.values())
    turn.state.close_all()
    interrupt(turn, visits, reason)


def interrupt(turn: Turn, visits: Sequence[Visit], reason: str) -> None:
    """These visits end unfinished; a retry goes on with them."""
    state = turn.state
    state.resumable = {**state.resumable, **{(visit.task, visit.number): visit.attempted for visit in visits}}
    for visit in visits:
        if visit.number == state.visits_of(visit.task):
            state.record_end(visit.task, TaskStatus.CANCELLED, visit.attempted)
        if turn.graph.tasks[visit.task].loop:
            state.rounds[visit.task] = visit.round
        release(turn, visit, reason)


def release(turn: Turn, visit: Visit, reason: str) -> None:
    """What a visit waits for elsewhere is told that nobody waits any more."""
    state, task = turn.state, turn.graph.tasks[visit.task]
    tell_chunks(turn, visit, Control.CANCEL, reason, f"{state.execution}.{state.version}")
    for index, active in visit.attempts():
        attempt = AttemptId(task.name, visit.number, index, active.number)
        if active.child is not None:
            turn.ask(TellChild(active.child, reason, request_id=f"{state.execution}.{state.version}"))
        if active.wait is not None:
            turn.close_wait(attempt, active.wait, reason)


def tell_chunks(turn: Turn, visit: Visit, control: Control, reason: str, request_id: str) -> None:
    """Pass a control message down to the chunks of a visit that run."""
    if visit.chunks is not None and visit.chunks.running:
        name, numbers = turn.graph.tasks[visit.task].name, sorted(visit.chunks.running)
        turn.ask(
            TellChunks(
                task=name, visit=visit.number, numbers=numbers, reason=reason, request_id=request_id, control=control
            )
        )


def stop_firing(turn: Turn, error: Mapping[str, Any]) -> None:
    """The reserved target ``fail``: nothing fires from here on, what has not started is dropped."""
    state = turn.state
    state.is_failing = state.stopping = True
    state.error = state.error or dict(error)
    put_aside(state, state.fired)
    state.fired.clear()


def put_aside(state: State, arrivals: Mapping[TaskIndex, Arrivals]) -> None:
    """Keep arrivals that begin nothing now for a retry."""
    kept = dict(state.dropped)
    for target, sources in arrivals.items():
        kept[target] = add_up(kept.get(target, {}), sources)
    state.dropped = kept


def add_up(some: Arrivals, more: Arrivals) -> Arrivals:
    """Arrivals by source, together."""
    return {source: some.get(source, 0) + more.get(source, 0) for source in {**some, **more}}


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
