"""Why an execution is where it is: findings made of a :class:`attune.execution.inspection.Case`. Pure.

A finding that carries letters is about something lost, and posting them mends it. ``sweep`` does that for every
execution; ``doctor`` shows all findings of one, and does it when told to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from attune.engine.ids import AttemptId, time_of, wait_id
from attune.engine.messages import Cancel, Nudge, Resume, StartChunk, TimerFired, TimerKind
from attune.engine.state import Active, State, WaitKind
from attune.execution.inspection import Case, Child
from attune.execution.ports import Letter
from attune.execution.spans import span
from attune.language.status import TaskStatus

LATE = 120.0
"""Seconds by which a timer, a start, a result or a child's news may be late before it counts as lost."""
UNCLAIMED = 300.0
"""Seconds for which an attempt may wait for a worker while the task queue is empty."""
BACKLOGGED = 3600.0
"""The same while others wait there too: it probably stands in line."""


class Code(StrEnum):
    """What was found; first what a repair mends, then what people have to look at, then what is well."""

    START_LOST = "start_lost"
    TASK_LOST = "task_lost"
    WORKER_GONE = "worker_gone"
    RESULT_LOST = "result_lost"
    TIMER_LOST = "timer_lost"
    CHILD_LOST = "child_lost"
    CHILD_UNHEARD = "child_unheard"
    CHUNK_LOST = "chunk_lost"
    CHUNK_UNHEARD = "chunk_unheard"
    ORPHAN = "orphan"
    LEFT_PAUSED = "left_paused"
    STALLED = "stalled"
    PARKED = "parked"
    DEAD_LETTER = "dead_letter"
    PAUSED = "paused"
    INQUIRY = "inquiry"
    EVENT = "event"
    CHILD = "child"
    RETRYING = "retrying"
    SLEEPING = "sleeping"
    QUEUED = "queued"
    RUNNING = "running"
    STARTING = "starting"
    ENDED = "ended"


QUEUES = {
    Code.START_LOST: "mailboxes",
    Code.TASK_LOST: "attempts",
    Code.RESULT_LOST: "mailboxes",
    Code.TIMER_LOST: "timers",
    Code.CHILD_LOST: "mailboxes",
    Code.CHILD_UNHEARD: "mailboxes",
    Code.CHUNK_LOST: "mailboxes",
    Code.CHUNK_UNHEARD: "mailboxes",
    Code.QUEUED: "attempts",
    Code.STARTING: "mailboxes",
}
"""The queue in which what is missing stands, if it was not lost; by what lies on it."""
_ORDER = {code: position for position, code in enumerate(Code)}


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason, in a sentence. ``remedy`` says what to do; ``letters`` do it."""

    code: Code
    sentence: str
    remedy: str = ""
    attempt: AttemptId | None = None
    letters: tuple[Letter, ...] = ()
    since: float = 0.0
    """Since when an attempt has waited for a worker, as far as anybody knows."""

    def to_dict(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "code": str(self.code),
            "sentence": self.sentence,
            "remedy": self.remedy,
            "task": self.attempt.task if self.attempt else None,
            "repairable": bool(self.letters),
        }


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings, the weightiest first."""

    execution: str
    findings: Sequence[Finding]

    @property
    def sentence(self) -> str:
        """Why the execution is where it is, in one sentence; there must be a finding."""
        more = len(self.findings) - 1
        return self.findings[0].sentence + (f" (and {more} more)" if more else "")

    @property
    def letters(self) -> list[Letter]:
        """What mends all that can be mended; what is asked for again is asked for in one letter per execution."""
        nudged: dict[str, Nudge] = {}
        others: list[Letter] = []
        for letter in (letter for finding in self.findings for letter in finding.letters):
            if isinstance(letter.message, Nudge):
                nudged[letter.execution] = _both(nudged.get(letter.execution), letter.message)
            else:
                others.append(letter)
        return others + [Letter(execution, nudge) for execution, nudge in nudged.items()]


def _both(first: Nudge | None, second: Nudge) -> Nudge:
    """One nudge for two; one that asks for everything goes over one that names attempts."""
    if first is None or not second.attempts:
        return second
    return Nudge(first.generation, first.attempts and first.attempts + second.attempts)


def diagnose(case: Case) -> Diagnosis:
    """What is to be said of an execution, or of a chunk of one; nothing of a chunk that moves."""
    found = [*(_of_chunk(case, case.chunk) if case.chunk else _findings(case)), *_dead_letters(case)]
    return Diagnosis(case.execution, _ordered(found))


def together(execution: str, cases: Sequence[Case]) -> Diagnosis:
    """The same of an execution that exists and of all its chunks; there is always something to say."""
    found = [finding for case in cases for finding in diagnose(case).findings]
    state = cases[0].state
    if not found and state is not None:
        found = [Finding(Code.RUNNING, f"it last moved {span(cases[0].now - state.updated_at)} ago")]
    return Diagnosis(execution, _ordered(found))


def aged(found: Diagnosis, oldest: Callable[[str], float | None]) -> Diagnosis:
    """The same; what may stand in a queue says how old the oldest message there is. ``oldest`` may not know."""
    return replace(found, findings=[_aged(finding, oldest) for finding in found.findings])


def _aged(finding: Finding, oldest: Callable[[str], float | None]) -> Finding:
    queue = QUEUES.get(finding.code)
    age = oldest(queue) if queue else None
    if age is None:
        return finding
    return replace(finding, sentence=f"{finding.sentence}; the oldest message in its queue is about {span(age)} old")


def _ordered(found: Sequence[Finding]) -> list[Finding]:
    return sorted(found, key=lambda finding: _ORDER[finding.code])


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
        yield from _of_attempt(case, state, attempt, active)


def _of_chunk(case: Case, start: StartChunk) -> Iterator[Finding]:
    state = case.state
    attempt = AttemptId(start.task, start.visit, None, start.number)
    name = f"items {start.first} to {start.stop - 1} of task '{start.task}'"
    if state is None or (state.chunk.run if state.chunk else 0) < start.base:  # as it was before a retry
        yield _chunk_not_begun(case, start, name, attempt)
    elif state.status.ended:
        ago = case.now - (state.ended_at or state.updated_at)
        if ago > LATE:
            sentence = f"{name} ended {span(ago)} ago, and the execution was never told"
            letters = (Letter(case.execution, Nudge(case.generation)),)
            yield Finding(Code.CHUNK_UNHEARD, sentence, "have it told again", attempt, letters)
    else:
        if state.paused:
            yield _paused(case, state)
        yield from _attempts(case, state)


def _chunk_not_begun(case: Case, start: StartChunk, name: str, attempt: AttemptId) -> Finding:
    since = _first(case.mark(attempt), case.parent.updated_at if case.parent else case.now)
    waited = case.now - since
    if waited <= UNCLAIMED:
        return Finding(Code.STARTING, f"{name} are about to begin", attempt=attempt, since=since)
    sentence = f"{name} were asked for {span(waited)} ago and never began: their start was lost"
    again = Letter(case.execution, replace(start, salt=case.generation))
    return Finding(Code.CHUNK_LOST, sentence, "start them again", attempt, (again,))


def _not_begun(case: Case) -> Finding:
    waited = case.now - (case.start.created_at if case.start else case.now)
    if waited <= LATE:
        return Finding(Code.STARTING, f"it was requested {span(waited)} ago and is about to begin")
    sentence = f"it was requested {span(waited)} ago and never began: its start was lost"
    return Finding(Code.START_LOST, sentence, "send its start again", letters=(_nudge(case),))


def _ended(case: Case, state: State) -> Finding:
    ago = span(case.now - (state.ended_at or state.updated_at))
    reason = f": {state.error['type']}: {state.error['message']}" if state.error else ""
    return Finding(Code.ENDED, f"it ended {state.status} {ago} ago{reason}")


def _whole(case: Case, state: State) -> Iterator[Finding]:
    """What concerns the execution rather than one of its attempts."""
    if not case.wanted and case.now - state.updated_at > LATE:
        parent = state.parent.execution if state.parent else ""
        cancel = Cancel("its parent no longer waits for it", case.generation)
        sentence = f"its parent {parent} no longer waits for it, and the news of that was lost"
        yield Finding(Code.ORPHAN, sentence, "cancel it", letters=(Letter(case.execution, cancel),))
    if state.paused:
        yield _paused(case, state)
    if state.deadline is not None and case.now - state.deadline > LATE:
        letter = Letter(case.execution, TimerFired(TimerKind.WORKFLOW_TIMEOUT, None, case.generation))
        late = span(case.now - state.deadline)
        sentence = f"its time was up {late} ago, and the timer never fired"
        yield Finding(Code.TIMER_LOST, sentence, "let the timer fire now", letters=(letter,))
    if not state.active and not state.paused and case.now - state.updated_at > LATE:
        sentence = f"it waits for nothing, and has not moved for {span(case.now - state.updated_at)}"
        yield Finding(Code.STALLED, sentence, "have it look again", letters=(_nudge(case),))


def _paused(case: Case, state: State) -> Finding:
    note = state.pause_note or {}
    ago = span(case.now - note.get("at", state.updated_at))
    resume = f"`attune exec resume {case.execution}`"
    if state.error is not None and state.error.get("type") == "poison_message":
        sentence = f"it was parked {ago} ago: a message could not be folded: {state.error['message']}"
        return Finding(Code.PARKED, sentence, f"mend the cause, `attune dlq redrive` its dead letter, then {resume}")
    parent = case.parent
    if parent is not None and note.get("by") == parent.execution:
        if parent.paused or parent.status.ended:
            sentence = f"it was paused {ago} ago with its parent {parent.execution}"
            return Finding(Code.PAUSED, sentence, f"`attune exec resume {parent.execution}`")
        sentence = f"its parent {parent.execution} goes on again, and the news of that was lost"
        letter = Letter(case.execution, Resume(case.generation))
        return Finding(Code.LEFT_PAUSED, sentence, "resume it", letters=(letter,))
    by = f" by {note['by']}" if note.get("by") else ""
    why = f": {note['reason']}" if note.get("reason") else ""
    return Finding(Code.PAUSED, f"it was paused{by} {ago} ago{why}", resume)


def _of_attempt(case: Case, state: State, attempt: AttemptId, active: Active) -> Iterator[Finding]:
    late = _late_timer(case, attempt, active)
    if late is not None:
        yield late
    elif active.status is TaskStatus.SCHEDULED:
        yield _worked(case, state, attempt)
    elif active.status is TaskStatus.RETRYING:
        yield _retrying(case, attempt, active)
    elif active.child is not None:
        yield _child(case, attempt, active.child)
    elif active.wait is not None:
        yield _outside(case, attempt, active)
    elif active.due is not None:
        sentence = f"{_name(attempt)} sleeps for {span(active.due - case.now)} more"
        yield Finding(Code.SLEEPING, sentence, attempt=attempt)


def _late_timer(case: Case, attempt: AttemptId, active: Active) -> Finding | None:
    """A timer that should have fired; the time limit goes over what it limits."""
    own = TimerKind.RETRY if active.status is TaskStatus.RETRYING else TimerKind.SLEEP
    for kind, due in ((TimerKind.TASK_TIMEOUT, active.limit), (own, active.due)):
        if due is not None and case.now - due > LATE:
            words = {TimerKind.TASK_TIMEOUT: "to time out", TimerKind.RETRY: "to be tried again"}
            what = words.get(kind, "to wake")
            sentence = f"{_name(attempt)} was {what} {span(case.now - due)} ago, and the timer never fired"
            letter = Letter(case.execution, TimerFired(kind, attempt, case.generation))
            return Finding(Code.TIMER_LOST, sentence, "let the timer fire now", attempt, (letter,))
    return None


def _worked(case: Case, state: State, attempt: AttemptId) -> Finding:
    """An attempt that is a worker's."""
    record, now, name = case.records.get(attempt), case.now, _name(attempt)
    if record is None:
        since = _first(case.mark(attempt), state.updated_at)
        waited = now - since
        line = f"; {case.backlog} messages wait in the task queue" if case.backlog else ""
        if waited <= (BACKLOGGED if case.backlog else UNCLAIMED):
            sentence = f"{name} has waited for a worker for {span(waited)}{line}"
            return Finding(Code.QUEUED, sentence, "raise WorkerConcurrency" if line else "", attempt, since=since)
        sentence = f"{name} was asked for {span(waited)} ago and no worker has it: its message was lost"
        return Finding(Code.TASK_LOST, f"{sentence}{line}", "ask for it again", attempt, (_nudge(case, attempt),))
    if record.status:
        ended = record.ended_at or state.updated_at
        sentence = f"{name} ended {record.status} {span(now - ended)} ago, and the execution was never told"
        return _lost(case, Code.RESULT_LOST, sentence, "have it told again", attempt, now - ended)
    over = now - record.lease_until
    if over > LATE:
        sentence = f"the worker of {name} is gone: its lease ended {span(over)} ago without a result"
        return _lost(case, Code.WORKER_GONE, sentence, "ask for it again", attempt, over)
    ran, left = span(now - record.started_at), span(record.lease_until - now)
    sentence = f"{name} has run for {ran}; worker {record.holder} has its lease for {left} more"
    return Finding(Code.RUNNING, sentence, attempt=attempt)


def _lost(case: Case, code: Code, sentence: str, remedy: str, attempt: AttemptId, since: float) -> Finding:
    """Repaired once it is late, and not again while the last repair may still be under way."""
    asked = case.mark(attempt)
    if since <= LATE:
        return Finding(Code.RUNNING, f"{_name(attempt)} has just ended", attempt=attempt)
    if asked is not None and case.now - asked < UNCLAIMED:
        return Finding(code, f"{sentence}; it was asked for {span(case.now - asked)} ago", attempt=attempt)
    return Finding(code, sentence, remedy, attempt, (_nudge(case, attempt),))


def _retrying(case: Case, attempt: AttemptId, active: Active) -> Finding:
    when = "when the execution is resumed" if active.due is None else f"in {span(active.due - case.now)}"
    return Finding(Code.RETRYING, f"{_name(attempt)} will be tried again {when}", attempt=attempt)


def _child(case: Case, attempt: AttemptId, execution: str) -> Finding:
    child = case.children.get(execution, Child(exists=False))
    name = _name(attempt)
    if child.state is not None and child.state.status.ended:
        ago = case.now - (child.state.ended_at or child.state.updated_at)
        if ago > LATE:
            sentence = f"{name}: its sub-workflow {execution} ended {child.state.status} {span(ago)} ago"
            letters = (Letter(execution, Nudge(case.generation)),)
            return Finding(Code.CHILD_UNHEARD, f"{sentence} without a word", "have it told again", attempt, letters)
    elif child.state is None and case.now - time_of(execution) > LATE:
        whom = Letter(execution, Nudge(case.generation)) if child.exists else _nudge(case, attempt)
        sentence = f"{name}: its sub-workflow {execution} never began: its start was lost"
        return Finding(Code.CHILD_LOST, sentence, "start it again", attempt, (whom,))
    story = f": {child.story}" if child.story else ""
    sentence = f"{name} waits for its sub-workflow {execution}{story}"
    return Finding(Code.CHILD, sentence, f"`attune doctor {execution}`", attempt)


def _outside(case: Case, attempt: AttemptId, active: Active) -> Finding:
    terms, name = case.terms.get(attempt, {}), _name(attempt)
    limit = f", at most for {span(active.limit - case.now)} more" if active.limit is not None else ""
    since = f" since {span(case.now - terms['since'])}" if "since" in terms else ""
    if active.wait is WaitKind.EVENT:
        sentence = f"{name} waits{since} for an event like {_short(terms.get('pattern', {}))}{limit}"
        return Finding(Code.EVENT, sentence, "put such an event on the bus", attempt)
    inquiry = wait_id(case.execution, attempt)
    who = ", ".join(map(str, terms.get("assignees") or ())) or "anyone with a token"
    sentence = f'{name} waits{since} for an answer to "{terms.get("prompt", "")}"{limit}; {who} may give it'
    return Finding(Code.INQUIRY, sentence, f"`attune inquiry answer {inquiry}`", attempt)


def _dead_letters(case: Case) -> Iterator[Finding]:
    for letter in case.dead:
        ago = span(case.now - letter.at)
        sentence = f"a message of its {letter.queue} queue died {ago} ago: {letter.reason}"
        remedy = f"`attune dlq show {letter.id}`, then redrive or drop it"
        yield Finding(Code.DEAD_LETTER, sentence, remedy)


def _nudge(case: Case, *attempts: AttemptId) -> Letter:
    return Letter(case.execution, Nudge(case.generation, attempts))


def _first(mark: float | None, otherwise: float) -> float:
    return otherwise if mark is None else mark


def _name(attempt: AttemptId) -> str:
    item = "" if attempt.index is None else f", item {attempt.index}"
    visit = "" if attempt.visit == 1 else f", visit {attempt.visit}"
    number = "" if attempt.number == 1 else f", attempt {attempt.number}"
    return f"task '{attempt.task}'{item}{visit}{number}"


def _short(pattern: Any) -> str:
    text = str(pattern)
    return text if len(text) <= 200 else f"{text[:200]}…"
