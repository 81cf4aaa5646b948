"""The heart: ``advance(graph, state, message, now) -> (state, effects)``, a pure function.

Nothing here reads a clock, makes an id from chance or talks to anyone. Folding the same messages into the same
state with the same facts gives the same state and the same effects, always: that is what makes it safe to fold
again after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from attune.engine import (
    attempts,
    chunk_fold,
    chunk_owner,
    delivered_events,
    ending,
    execution_retry,
    groups,
    outbox,
    pausing,
)
from attune.engine.effects import Announce, Effect, RunTask, StartChild, StartChunks, TellHome, Write
from attune.engine.facts import START, Facts, Key, record_key
from attune.engine.ids import AttemptId
from attune.engine.launch import launch
from attune.engine.messages import (
    Answer,
    Cancel,
    ChunkEnded,
    Dead,
    EventArrived,
    Message,
    Nudge,
    Pause,
    Resume,
    RetryExecution,
    Start,
    StartChunk,
    TaskEnded,
    TimerFired,
    TimerKind,
)
from attune.engine.settle import settle
from attune.engine.state import State
from attune.engine.turn import Step, Turn
from attune.engine.wire import decode
from attune.exceptions import task_error
from attune.model.built_ins import WaitKind
from attune.model.graph import Graph, Task
from attune.model.status import ExecutionStatus, TaskStatus

TOMBSTONE = ""
"""The workflow of a tombstone: an execution that was cancelled before it was started."""


EARLY = 1.0
"""Seconds by which the time-out of a workflow may come early."""


@dataclass(frozen=True, slots=True)
class Folded:
    """The new state, what to write before saving it, and what to send after."""

    state: State
    writes: tuple[Write, ...]
    effects: tuple[Effect, ...]
    steps: tuple[Step, ...] = ()


def advance(graph: Graph, state: State, message: Message, now: float, known: Mapping[Key, Any]) -> Folded:
    """Fold one message; raises MissingFacts if ``known`` does not hold what its templates name."""
    return fold(graph, state, [message], now, known)


def fold(graph: Graph, state: State, batch: Iterable[Message], now: float, known: Mapping[Key, Any]) -> Folded:
    """Fold messages in order; ``state`` itself is left as it was.

    Raises:
        MissingFacts: a template needs something that is not in ``known``; fetch it and fold again.

    """
    turn = Turn(graph, state.copy(), Facts(known), now)
    settled = settle if state.chunk is None else chunk_fold.settle
    for message in batch:
        _HANDLERS[type(message)](turn, message)
        settled(turn)
    turn.state.updated_at = now
    effects = tuple(effect for effect in turn.effects if _is_wanted(turn, effect))
    turn.state.outbox = outbox.references(turn.graph, effects)
    return Folded(turn.state, tuple(turn.writes.values()), effects, tuple(turn.steps))


def _is_wanted(turn: Turn, effect: Effect) -> bool:
    """False for an attempt that a later message of the same batch has made pointless (it was cancelled, say)."""
    if isinstance(effect, RunTask):
        attempt = effect.attempt
    elif isinstance(effect, StartChild):
        attempt = effect.parent.attempt
    elif isinstance(effect, StartChunks):
        begun = turn.graph.by_name.get(effect.task)
        return begun is not None and (begun.index, effect.visit) in turn.state.active
    else:
        return True
    task = turn.graph.by_name.get(attempt.task)
    return task is not None and attempts.find(turn, task, attempt) is not None


def initial_state(start: Start, graph: Graph) -> State:
    """The state of an execution of which nothing has been folded yet."""
    return State(
        execution=start.execution,
        workflow=start.workflow,
        workflow_version=start.workflow_version,
        created_at=start.created_at,
        size=len(graph.tasks),
        status=ExecutionStatus.REQUESTED,
        parent=start.parent,
    )


def tombstone(execution: str, now: float) -> State:
    """What a cancellation leaves for an execution that does not exist yet, for its late start to find."""
    return State(execution, TOMBSTONE, 0, now, 0, status=ExecutionStatus.CANCELLED, updated_at=now)


def _start(turn: Turn, message: Start) -> None:
    state = turn.state
    if state.status is not ExecutionStatus.REQUESTED:
        return
    state.status = ExecutionStatus.RUNNING
    turn.facts.put(START, asdict(message))
    launch(turn)


def _task_ended(turn: Turn, message: TaskEnded) -> None:
    task, attempt = _awaited(turn, message.attempt)
    if task is None or attempt is None:
        return
    if message.has_result:
        record = {"status": str(message.status), "result": message.result, "error": message.error}
        turn.facts.put(record_key(message.attempt), record)
    attempts.ended(turn, task, message.attempt, message.status, message.error)


def _awaited(turn: Turn, attempt: AttemptId) -> tuple[Task | None, Any]:
    """The task and what the state keeps of the attempt; both None for what is over or unknown."""
    task = turn.graph.by_name.get(attempt.task)
    if task is None or turn.state.status.ended:
        return None, None
    return task, attempts.find(turn, task, attempt)


def _answered(turn: Turn, message: Answer) -> None:
    _came(turn, message.attempt, WaitKind.INQUIRY, f"answered by {message.by}", message.response)


def _event_arrived(turn: Turn, message: EventArrived) -> None:
    attempt, event = message.attempt, message.event
    if not delivered_events.is_copy(turn.state, attempt, event) and _came(
        turn, attempt, WaitKind.EVENT, "the event came", event
    ):
        delivered_events.note(turn.state, attempt, event)


def _came(turn: Turn, attempt: AttemptId, kind: WaitKind, reason: str, result: Any) -> bool:
    """What an attempt waited for from outside is there, and is its result; whether it waited for it."""
    task, active = _awaited(turn, attempt)
    if task is None or active is None or active.wait is not kind:
        return False
    turn.close_wait(attempt, kind, reason)
    turn.write_record(attempt, TaskStatus.COMPLETED, result)
    attempts.ended(turn, task, attempt, TaskStatus.COMPLETED, None)
    return True


def _timer(turn: Turn, message: TimerFired) -> None:
    if message.kind is TimerKind.WORKFLOW_TIMEOUT:
        _workflow_timeout(turn, message)
    elif message.attempt is not None:
        task, active = _awaited(turn, message.attempt)
        if task is not None and active is not None:
            _TIMERS[message.kind](turn, task, message.attempt, active)


def _retry_due(turn: Turn, task: Task, attempt: AttemptId, active: Any) -> None:
    if active.status is TaskStatus.RETRYING and active.due is not None:
        attempts.go_on(turn, task, attempt)


def _slept(turn: Turn, task: Task, attempt: AttemptId, active: Any) -> None:
    if active.status is TaskStatus.WAITING:
        attempts.done(turn, attempt)
        attempts.ended(turn, task, attempt, TaskStatus.COMPLETED, None)


def _task_timeout(turn: Turn, task: Task, attempt: AttemptId, active: Any) -> None:
    error = task_error("timeout", f"task '{task.name}' did not end within {task.timeout:g} s")
    if active.limit is not None:
        if task.members:
            groups.abandon(turn, task, "timed out")
        attempts.timed_out(turn, task, attempt, error)


_TIMERS: dict[TimerKind, Callable[[Turn, Task, AttemptId, Any], None]] = {
    TimerKind.RETRY: _retry_due,
    TimerKind.SLEEP: _slept,
    TimerKind.TASK_TIMEOUT: _task_timeout,
}


def _workflow_timeout(turn: Turn, fired: TimerFired) -> None:
    """A timer with another resend id was set before a retry, and the deadline has moved since; or before a repair."""
    deadline = turn.state.deadline
    due = fired.resend_id == turn.state.resend_id or (deadline is not None and turn.now >= deadline - EARLY)
    if due and not turn.state.status.ended:
        message = f"the workflow did not end within {turn.graph.timeout:g} s"
        ending.finish(turn, ExecutionStatus.TIMED_OUT, task_error("timeout", message))


def _cancel(turn: Turn, message: Cancel) -> None:
    if turn.state.status.ended:
        return
    if turn.state.chunk is not None:
        if message.attempt_base in (None, turn.state.chunk.attempt_base):
            chunk_fold.cancel(turn, message.reason)
    else:
        reason = message.reason or "no reason given"
        ending.finish(turn, ExecutionStatus.CANCELLED, task_error("cancelled", f"cancelled: {reason}"))


def _start_chunk(turn: Turn, message: StartChunk) -> None:
    """A start with a resend id is a repair: then everything that the chunk waits for is asked for again."""
    if message.resend_id and turn.state.status is not ExecutionStatus.REQUESTED:
        turn.state.resend_id = message.resend_id
        outbox.repeat(turn)
    else:
        chunk_fold.start(turn)


def _chunk_ended(turn: Turn, message: ChunkEnded) -> None:
    if not turn.state.status.ended:
        chunk_owner.ended(turn, message)


def _dead(turn: Turn, message: Dead) -> None:
    """Try the message once more, and send again all that is awaited, under fresh ids."""
    if message.poison is not None:
        _park(turn, message.poison, message.request_id)
        return
    turn.state.resend_id = message.request_id
    if message.message is not None:
        inner = decode(message.message)
        _HANDLERS[type(inner)](turn, inner)
    outbox.repeat(turn)


def _park(turn: Turn, poison: str, request_id: str) -> None:
    """Stand still and say so. Nothing else is tried: whatever it was that failed could fail here again."""
    state, error = turn.state, task_error("poison_message", poison, retryable=False)
    if state.status is ExecutionStatus.REQUESTED and state.chunk is None:
        ending.finish(turn, ExecutionStatus.FAILED, error)
    elif not state.status.ended:
        pausing.stop(turn, "", "a message could not be folded")
        state.error = error
        parked = Dead(f"{state.execution}.{request_id}", None, poison)
        turn.ask(Announce(ExecutionStatus.PAUSED, error) if state.chunk is None else TellHome(parked))


def _nudge(turn: Turn, message: Nudge) -> None:
    turn.state.resend_id = message.request_id
    outbox.repeat(turn, only=frozenset(message.attempts), announce=False)


_HANDLERS: dict[type, Callable[[Turn, Any], None]] = {
    Start: _start,
    TaskEnded: _task_ended,
    TimerFired: _timer,
    Answer: _answered,
    EventArrived: _event_arrived,
    Cancel: _cancel,
    Pause: pausing.pause,
    Resume: pausing.resume,
    RetryExecution: execution_retry.retry,
    StartChunk: _start_chunk,
    ChunkEnded: _chunk_ended,
    Dead: _dead,
    Nudge: _nudge,
}
