"""What cases show of the attempts that an execution waits for. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attune.engine.ids import AttemptId, time_of, wait_id
from attune.engine.messages import Nudge, TimerFired, TimerKind
from attune.engine.state import State
from attune.engine.visits import Active
from attune.execution.cases import Case, Child
from attune.execution.diagnosis import BACKLOGGED, LATE, UNCLAIMED, Code, Finding
from attune.execution.ports.queues import Envelope
from attune.execution.spans import span
from attune.model.built_ins import WaitKind
from attune.model.status import TaskStatus


def of_attempt(case: Case, state: State, attempt: AttemptId, active: Active) -> Iterator[Finding]:
    """What is to be said of one."""
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
            envelope = Envelope(case.execution, TimerFired(kind, attempt, case.request_id))
            return Finding(Code.TIMER_LOST, sentence, "let the timer fire now", attempt=attempt, envelopes=(envelope,))
    return None


def _worked(case: Case, state: State, attempt: AttemptId) -> Finding:
    """An attempt that is a worker's."""
    record, now, name = case.records.get(attempt), case.now, _name(attempt)
    if record is None:
        since = first_known(case.mark(attempt), state.updated_at)
        waited = now - since
        line = f"; {case.backlog} messages wait in the task queue" if case.backlog else ""
        if waited <= (BACKLOGGED if case.backlog else UNCLAIMED):
            sentence = f"{name} has waited for a worker for {span(waited)}{line}"
            return Finding(
                Code.QUEUED, sentence, "raise WorkerConcurrency" if line else "", attempt=attempt, since=since
            )
        sentence = f"{name} was asked for {span(waited)} ago and no worker has it: its message was lost"
        return Finding(
            Code.TASK_LOST, f"{sentence}{line}", "ask for it again", attempt=attempt, envelopes=(nudge(case, attempt),)
        )
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
    return Finding(code, sentence, remedy, attempt=attempt, envelopes=(nudge(case, attempt),))


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
            envelopes = (Envelope(execution, Nudge(case.request_id)),)
            return Finding(
                Code.CHILD_UNHEARD,
                f"{sentence} without a word",
                "have it told again",
                attempt=attempt,
                envelopes=envelopes,
            )
    elif child.state is None and case.now - time_of(execution) > LATE:
        whom = Envelope(execution, Nudge(case.request_id)) if child.exists else nudge(case, attempt)
        sentence = f"{name}: its sub-workflow {execution} never began: its start was lost"
        return Finding(Code.CHILD_LOST, sentence, "start it again", attempt=attempt, envelopes=(whom,))
    story = f": {child.story}" if child.story else ""
    sentence = f"{name} waits for its sub-workflow {execution}{story}"
    return Finding(Code.CHILD, sentence, f"`attune doctor {execution}`", attempt=attempt)


def _outside(case: Case, attempt: AttemptId, active: Active) -> Finding:
    terms, name = case.terms.get(attempt, {}), _name(attempt)
    limit = f", at most for {span(active.limit - case.now)} more" if active.limit is not None else ""
    since = f" since {span(case.now - terms['since'])}" if "since" in terms else ""
    if attempt in case.arrived:
        sentence = f"{name} waits for an event that has come, and the news of it was lost"
        return Finding(
            Code.EVENT_LOST, sentence, "have it told again", attempt=attempt, envelopes=(case.arrived[attempt],)
        )
    if active.wait is WaitKind.EVENT:
        sentence = f"{name} waits{since} for an event like {_short(terms.get('pattern', {}))}{limit}"
        return Finding(Code.EVENT, sentence, "put such an event on the bus", attempt=attempt)
    inquiry = wait_id(case.execution, attempt)
    who = ", ".join(map(str, terms.get("assignees") or ())) or "anyone with a token"
    sentence = f'{name} waits{since} for an answer to "{terms.get("prompt", "")}"{limit}; {who} may give it'
    return Finding(Code.INQUIRY, sentence, f"`attune inquiry answer {inquiry}`", attempt=attempt)


def nudge(case: Case, *attempts: AttemptId) -> Envelope:
    """Asks the execution to ask again for these attempts, or for everything."""
    return Envelope(case.execution, Nudge(case.request_id, attempts))


def first_known(mark: float | None, otherwise: float) -> float:
    """The mark, if there is one."""
    return otherwise if mark is None else mark


def _name(attempt: AttemptId) -> str:
    item = "" if attempt.index is None else f", item {attempt.index}"
    visit = "" if attempt.visit == 1 else f", visit {attempt.visit}"
    number = "" if attempt.number == 1 else f", attempt {attempt.number}"
    return f"task '{attempt.task}'{item}{visit}{number}"


def _short(pattern: Any) -> str:
    text = str(pattern)
    return text if len(text) <= 200 else f"{text[:200]}…"
