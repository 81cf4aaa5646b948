"""The heart: ``advance(graph, state, message, now) -> (state, effects)``, a pure function.

Nothing here reads a clock, makes an id from chance or talks to anyone. Folding the same messages into the same
state with the same facts gives the same state and the same effects, always: that is what makes it safe to fold
again after a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, assert_never

from attune.engine import (
    attempts,
    chunk_fold,
    chunk_owner,
    delivered_events,
    ending,
    execution_retry,
    outbox,
    pausing,
    timers,
)
from attune.engine.effects import Announce, Effect, RunTask, StartChild, StartChunks, TellHome, Write
from attune.engine.facts import START, Fact, Facts, RecordFact
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
)
from attune.engine.settle import settle
from attune.engine.state import State
from attune.engine.turn import Step, Turn
from attune.engine.wire import decode
from attune.exceptions import task_error
from attune.model.built_ins import WaitKind
from attune.model.graph import Graph
from attune.model.status import ExecutionStatus, TaskStatus

TOMBSTONE = ""
"""The workflow of a tombstone: an execution that was cancelled before it was started."""


@dataclass(frozen=True, slots=True)
class Folded:
    """The new state, what to write before saving it, and what to send after."""

    state: State
    writes: tuple[Write, ...]
    effects: tuple[Effect, ...]
    steps: tuple[Step, ...] = ()


def advance(graph: Graph, state: State, message: Message, now: float, known: Mapping[Fact, Any]) -> Folded:
    """Fold one message; raises MissingFacts if ``known`` does not hold what its templates name."""
    return fold(graph, state, [message], now, known)


def fold(graph: Graph, state: State, batch: Iterable[Message], now: float, known: Mapping[Fact, Any]) -> Folded:
    """Fold messages in order; ``state`` itself is left as it was.

    Raises:
        MissingFacts: a template needs something that is not in ``known``; fetch it and fold again.

    """
    turn = Turn(graph, state.copy(), Facts(known), now)
    settled = settle if state.chunk is None else chunk_fold.settle
    for message in batch:
        _handle(turn, message)
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
    return State(
        execution=execution,
        workflow=TOMBSTONE,
        workflow_version=0,
        created_at=now,
        size=0,
        status=ExecutionStatus.CANCELLED,
        updated_at=now,
    )


def _handle(turn: Turn, message: Message) -> None:  # noqa: C901 - one case for each kind
    """Change the state by one message; what comes most often stands first."""
    match message:
        case TaskEnded():
            _task_ended(turn, message)
        case TimerFired():
            timers.fired(turn, message)
        case Start():
            _start(turn, message)
        case StartChunk():
            _start_chunk(turn, message)
        case ChunkEnded():
            _chunk_ended(turn, message)
        case Answer():
            _answered(turn, message)
        case EventArrived():
            _event_arrived(turn, message)
        case Cancel():
            _cancel(turn, message)
        case Pause():
            pausing.pause(turn, message)
        case Resume():
            pausing.resume(turn, message)
        case RetryExecution():
            execution_retry.retry(turn, message)
        case Dead():
            _dead(turn, message)
        case Nudge():
            _nudge(turn, message)
        case _ as never:
            assert_never(never)


def _start(turn: Turn, message: Start) -> None:
    state = turn.state
    if state.status is not ExecutionStatus.REQUESTED:
        return
    state.status = ExecutionStatus.RUNNING
    turn.facts.put(START, asdict(message))
    launch(turn)


def _task_ended(turn: Turn, message: TaskEnded) -> None:
    task, attempt = attempts.awaited(turn, message.attempt)
    if task is None or attempt is None:
        return
    if message.has_result:
        record = {"status": str(message.status), "result": message.result, "error": message.error}
        turn.facts.put(RecordFact(message.attempt), record)
    attempts.ended(turn, task, message.attempt, message.status, message.error)


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
    task, active = attempts.awaited(turn, attempt)
    if task is None or active is None or active.wait is not kind:
        return False
    turn.close_wait(attempt, kind, reason)
    turn.write_record(attempt, TaskStatus.COMPLETED, result)
    attempts.ended(turn, task, attempt, TaskStatus.COMPLETED, None)
    return True


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
        _handle(turn, decode(message.message))
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
