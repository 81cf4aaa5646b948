"""What cases show of executions and of chunks as a whole. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from attune.engine.ids import CHUNK, AttemptId, home_of
from attune.engine.messages import Cancel, Nudge, Pause, Resume, StartChunk, TimerFired, TimerKind
from attune.engine.state import State
from attune.engine.visits import Chunk
from attune.execution.attempt_symptoms import first_known, nudge, of_attempt
from attune.execution.cases import Case
from attune.execution.diagnosis import LATE, UNCLAIMED, Code, Diagnosis, Finding, ordered
from attune.execution.ports.queues import Envelope
from attune.execution.spans import span


def diagnose(case: Case) -> Diagnosis:
    """What is to be said of an execution, or of a chunk of one; nothing of a chunk that moves."""
    if case.state is not None and case.state.chunk is not None and not case.wanted:
        return Diagnosis(case.execution, [_stray(case, case.state.chunk)])
    found = [*(_of_chunk(case, case.chunk) if case.chunk else _findings(case)), *_dead_letters(case)]
    return Diagnosis(case.execution, ordered(found))


def together(execution: str, cases: Sequence[Case]) -> Diagnosis:
    """The same of an execution that exists and of all its chunks; there is always something to say."""
    found = [finding for case in cases for finding in diagnose(case).findings]
    state = cases[0].state
    if not found and state is not None:
        found = [Finding(Code.RUNNING, f"it last moved {span(cases[0].now - state.updated_at)} ago")]
    return Diagnosis(execution, ordered(found))


def _findings(case: Case) -> Iterator[Finding]:
    state = case.state
    if state is None:
        yield _not_begun(case)
    elif state.status.ended:
        yield _ended(case, state)
    else:
        yield from _whole(case, state)
        yield from _attempts(case, state)


def _attempts(case: Case, state: State) -> Iterator[Finding]:
    for attempt, active in case.awaited.items():
        yield from of_attempt(case, state, attempt, active)


def _of_chunk(case: Case, start: StartChunk) -> Iterator[Finding]:
    state = case.state
    attempt = AttemptId(start.task, start.visit, None, start.number)
    name = f"items {start.first} to {start.stop - 1} of task '{start.task}'"
    if (
        state is None or (state.chunk.attempt_base if state.chunk else 0) < start.attempt_base
    ):  # as it was before a retry
        yield _chunk_not_begun(case, start, name, attempt)
    elif state.status.ended:
        ago = case.now - (state.ended_at or state.updated_at)
        if ago > LATE:
            sentence = f"{name} ended {span(ago)} ago, and the execution was never told"
            envelopes = (Envelope(case.execution, Nudge(case.request_id)),)
            yield Finding(Code.CHUNK_UNHEARD, sentence, "have it told again", attempt=attempt, envelopes=envelopes)
    else:
        yield from _pause(case, state, name)
        yield from _attempts(case, state)


def _stray(case: Case, chunk: Chunk) -> Finding:
    """A chunk that runs though nobody waits for it; nobody can say since when, unless its home has ended."""
    task = case.execution.partition(CHUNK)[2].rsplit(".", 2)[0]
    attempt = AttemptId(task, chunk.visit, None, chunk.number)
    ended_at = case.parent.ended_at if case.parent else None
    since = first_known(case.mark(attempt), case.now if ended_at is None else ended_at)
    sentence = f"items from {chunk.first} on of task '{task}' run on, though the execution no longer waits for them"
    if case.now - since <= LATE:
        return Finding(Code.ORPHAN, sentence, attempt=attempt, since=since)
    cancel = Cancel("the execution no longer waits for it", case.request_id, chunk.attempt_base)
    remedy = "cancel them again: the news was lost"
    return Finding(Code.ORPHAN, sentence, remedy, attempt=attempt, envelopes=(Envelope(case.execution, cancel),))


def _chunk_not_begun(case: Case, start: StartChunk, name: str, attempt: AttemptId) -> Finding:
    since = first_known(case.mark(attempt), case.parent.updated_at if case.parent else case.now)
    waited = case.now - since
    if waited <= UNCLAIMED:
        return Finding(Code.STARTING, f"{name} are about to begin", attempt=attempt, since=since)
    sentence = f"{name} were asked for {span(waited)} ago and never began: their start was lost"
    again = Envelope(case.execution, replace(start, resend_id=case.request_id))
    return Finding(Code.CHUNK_LOST, sentence, "start them again", attempt=attempt, envelopes=(again,))


def _not_begun(case: Case) -> Finding:
    waited = case.now - (case.start.created_at if case.start else case.now)
    if waited <= LATE:
        return Finding(Code.STARTING, f"it was requested {span(waited)} ago and is about to begin")
    sentence = f"it was requested {span(waited)} ago and never began: its start was lost"
    return Finding(Code.START_LOST, sentence, "send its start again", envelopes=(nudge(case),))


def _ended(case: Case, state: State) -> Finding:
    ago = span(case.now - (state.ended_at or state.updated_at))
    reason = f": {state.error['type']}: {state.error['message']}" if state.error else ""
    return Finding(Code.ENDED, f"it ended {state.status} {ago} ago{reason}")


def _whole(case: Case, state: State) -> Iterator[Finding]:
    """What concerns the execution rather than one of its attempts."""
    given_up = case.parent.ended_at if case.parent else None
    if not case.wanted and case.now - (given_up or state.updated_at) > LATE:
        parent = state.parent.execution if state.parent else ""
        cancel = Cancel("its parent no longer waits for it", case.request_id)
        sentence = f"its parent {parent} no longer waits for it, and the news of that was lost"
        yield Finding(Code.ORPHAN, sentence, "cancel it", envelopes=(Envelope(case.execution, cancel),))
    yield from _pause(case, state, "it")
    if state.deadline is not None and case.now - state.deadline > LATE:
        envelope = Envelope(case.execution, TimerFired(TimerKind.WORKFLOW_TIMEOUT, None, case.request_id))
        late = span(case.now - state.deadline)
        sentence = f"its time was up {late} ago, and the timer never fired"
        yield Finding(Code.TIMER_LOST, sentence, "let the timer fire now", envelopes=(envelope,))
    if not state.active and not state.paused and case.now - state.updated_at > LATE:
        sentence = f"it waits for nothing, and has not moved for {span(case.now - state.updated_at)}"
        yield Finding(Code.STALLED, sentence, "have it look again", envelopes=(nudge(case),))


def _pause(case: Case, state: State, name: str) -> Iterator[Finding]:
    if state.paused:
        yield _paused(case, state)
    elif case.wanted and case.parent is not None and _was_not_told(case, state, case.parent):
        sentence = f"{name} goes on although {home_of(case.parent.execution)} is paused, and the news of that was lost"
        note = case.parent.pause_note or {}
        pause = Pause(note.get("reason", ""), case.request_id, case.parent.execution)
        yield Finding(Code.LEFT_RUNNING, sentence, "pause it", envelopes=(Envelope(case.execution, pause),))


def _was_not_told(case: Case, state: State, parent: State) -> bool:
    """Of its parent's pause. Who was resumed since then by somebody else is left alone, and who is parked tells
    nobody.
    """
    if not parent.paused or parent.status.ended or _is_parked(parent):
        return False
    since: float = (parent.pause_note or {}).get("at", parent.updated_at)
    note = state.pause_note or {}
    resumed_alone = note.get("until", 0.0) >= since and note.get("resumed_by") != parent.execution
    return case.now - since > LATE and not resumed_alone


def _is_parked(state: State) -> bool:
    return state.error is not None and state.error.get("type") == "poison_message"


def _paused(case: Case, state: State) -> Finding:
    note = state.pause_note or {}
    ago = span(case.now - note.get("at", state.updated_at))
    resume = f"`attune exec resume {case.execution}`"
    if state.error is not None and _is_parked(state):
        sentence = f"it was parked {ago} ago: a message could not be folded: {state.error['message']}"
        return Finding(Code.PARKED, sentence, f"mend the cause, `attune dlq redrive` its dead letter, then {resume}")
    parent = case.parent
    if parent is not None and note.get("by") == parent.execution:
        if parent.paused or parent.status.ended:
            sentence = f"it was paused {ago} ago with its parent {parent.execution}"
            return Finding(Code.PAUSED, sentence, f"`attune exec resume {parent.execution}`")
        sentence = f"its parent {parent.execution} goes on again, and the news of that was lost"
        envelope = Envelope(case.execution, Resume(case.request_id, parent.execution))
        return Finding(Code.LEFT_PAUSED, sentence, "resume it", envelopes=(envelope,))
    by = f" by {note['by']}" if note.get("by") else ""
    why = f": {note['reason']}" if note.get("reason") else ""
    return Finding(Code.PAUSED, f"it was paused{by} {ago} ago{why}", resume)


def _dead_letters(case: Case) -> Iterator[Finding]:
    for envelope in case.dead:
        ago = span(case.now - envelope.at)
        sentence = f"a message of its {envelope.queue} queue died {ago} ago: {envelope.reason}"
        remedy = f"`attune dlq show {envelope.id}`, then redrive or drop it"
        yield Finding(Code.DEAD_LETTER, sentence, remedy)
