"""sweep: finds executions that should have moved and did not, and sends the messages that they lack.

One run looks at a bounded number of executions that are under way, oldest first; the next run goes on from there. Then
it looks at chunks that nobody waits for, and at starts since the last run that have no state yet.

It changes nothing itself. It only posts messages, and executions fold those like any others. While the mailboxes are
full it does nothing: the messages that seem lost are probably there, and more would make the line longer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from attune.engine.ids import execution_id, home_of, time_of
from attune.engine.messages import Nudge
from attune.exceptions import Unavailable
from attune.execution.cases import mark_of
from attune.execution.diagnosis import LATE, Code, Diagnosis
from attune.execution.examiner import Examiner
from attune.execution.ports.clock import Clock
from attune.execution.ports.inspector import Inspector, SweepNotes
from attune.execution.ports.queues import Envelope, Mailbox
from attune.execution.symptoms import diagnose
from attune.model.status import ExecutionStatus

PAGE = 100
"""Executions read at once (a BatchGetItem)."""
MOST_LOOKS = 5000
"""Executions looked at in one run."""
MOST_MARKS = 1000
"""Attempts remembered from one run to the next."""
FULL = 1000
"""Messages that wait in all mailboxes together, from which on they count as full."""
FURTHEST_BACK = 86_400.0
"""Seconds for which a start that does not arrive is looked for."""
_CHUNKS = "chunks"
_LISTINGS = (*(str(status) for status in ExecutionStatus if not status.ended), _CHUNKS)
_MARKED = frozenset(
    {
        Code.STARTING,
        Code.CHUNK_LOST,
        Code.QUEUED,
        Code.TASK_LOST,
        Code.WORKER_GONE,
        Code.RESULT_LOST,
        Code.ORPHAN,
    }
)


@dataclass(slots=True)
class Swept:
    """What a run saw and did: executions (and chunks) looked at, and repairs by what was found.

    ``unreadable`` are executions that could not be looked at; they must not keep it from the others.
    """

    looked: int = 0
    unreadable: list[str] = field(default_factory=list)
    repairs: Counter[str] = field(default_factory=Counter)
    repaired: list[str] = field(default_factory=list)


class Sweeper:
    """One run is :meth:`sweep`. ``waiting`` says how many messages wait in all mailboxes together."""

    def __init__(
        self, *, inspector: Inspector, examiner: Examiner, mailbox: Mailbox, clock: Clock, waiting: Callable[[], int]
    ) -> None:
        self._inspector, self._examiner, self._mailbox = inspector, examiner, mailbox
        self._clock, self._waiting = clock, waiting

    def sweep(self, out_of_time: Callable[[], bool] = lambda: False, most: int = MOST_LOOKS) -> Swept:
        """Look and repair until all is seen, ``most`` executions are, or it is ``out_of_time``; raises Unavailable."""
        run = _Run(self._inspector.notes(), self._clock.now())
        if self._waiting() >= FULL:
            self._inspector.save_notes(replace(run.notes, at=run.now))
            return run.swept
        status, after = self._look_at_all(run, out_of_time, most)
        started, late = (run.notes.started, run.notes.late) if status else self._starts(run)
        marks = run.marks | run.fresh if status or run.notes.status else run.fresh
        oldest = dict(sorted(marks.items(), key=lambda mark: mark[1])[:MOST_MARKS])
        notes = SweepNotes(at=run.now, status=status, after=after, started=started, late=late, marks=oldest)
        self._inspector.save_notes(notes)
        return run.swept

    def _look_at_all(self, run: _Run, out_of_time: Callable[[], bool], most: int) -> tuple[str, str]:
        """Returns where it stopped for want of time; twice nothing if it saw all."""
        for listing, page in self._pages(run):
            self._look(listing, page, run)
            if run.swept.looked >= most or out_of_time():
                return listing, page[-1]
        return "", ""

    def _pages(self, run: _Run) -> Iterator[tuple[str, list[str]]]:
        """What is to be looked at, from where the last run stopped."""
        first = _LISTINGS.index(run.notes.status) if run.notes.status else 0
        before = _lowest(run.now - LATE)
        for listing in _LISTINGS[first:]:
            after = run.notes.after if listing == run.notes.status else ""
            while page := self._page(listing, after, before):
                yield listing, page
                after = page[-1]

    def _page(self, listing: str, after: str, before: str) -> list[str]:
        if listing == _CHUNKS:
            return self._inspector.chunks(after, before, PAGE)
        return self._inspector.live(ExecutionStatus(listing), after, before, PAGE)

    def _look(self, listing: str, executions: list[str], run: _Run) -> None:
        cases = self._examiner.strays if listing == _CHUNKS else self._examiner.cases
        try:
            found = [diagnose(case) for case in cases(executions, run.now, run.request_id, run.notes.marks)]
        except Unavailable:
            raise
        except Exception:
            self._look_singly(listing, executions, run)
            return
        run.swept.looked += len(executions)
        for one in found:
            run.note(one)
        self._mailbox.post([envelope for one in found for envelope in one.envelopes])

    def _look_singly(self, listing: str, executions: list[str], run: _Run) -> None:
        if len(executions) == 1:
            run.swept.unreadable += executions
            return
        for execution in executions:
            self._look(listing, [execution], run)

    def _starts(self, run: _Run) -> tuple[float, Sequence[str]]:
        """Send the starts that did not arrive; returns the time up to which it looked, and what had not."""
        until, oldest = run.now - LATE, run.now - FURTHEST_BACK
        late = self._without_state([one for one in run.notes.late if time_of(one) > oldest])
        for workflow in self._inspector.workflows():
            after = _lowest(max(run.notes.started, oldest))
            while page := self._inspector.started(workflow, after, _lowest(until), PAGE):
                late += self._without_state(page)
                after = page[-1]
        self._mailbox.post([Envelope(execution, Nudge(run.request_id)) for execution in late])
        if late:
            run.swept.repairs[Code.START_LOST] += len(late)
            run.swept.repaired += late
        late.sort()
        return (until, late) if len(late) <= MOST_MARKS else (time_of(late[MOST_MARKS]), late[:MOST_MARKS])

    def _without_state(self, executions: list[str]) -> list[str]:
        arrived = self._inspector.states(executions)
        return [execution for execution in executions if execution not in arrived]


class _Run:
    """What one run gathers."""

    def __init__(self, notes: SweepNotes, now: float) -> None:
        self.notes, self.now, self.request_id = notes, now, f"sweep.{now:.3f}"
        self.swept = Swept()
        self.fresh: dict[str, float] = {}
        self.marks: dict[str, float] = dict(notes.marks)
        self._known: dict[str, list[str]] = {}
        for mark in notes.marks:
            self._known.setdefault(mark.partition(" ")[0], []).append(mark)

    def note(self, found: Diagnosis) -> None:
        """Count what is repaired; mark attempts that a later run has to look at again."""
        for old in self._known.get(found.execution, ()):
            self.marks.pop(old, None)
        for finding in found.findings:
            if finding.envelopes:
                self.swept.repairs[finding.code] += 1
            if finding.code in _MARKED and finding.attempt is not None:
                key = mark_of(found.execution, finding.attempt)
                self.fresh[key] = self.now if finding.envelopes else self.notes.marks.get(key, finding.since)
        if found.envelopes:
            self.swept.repaired.append(home_of(found.execution))


def _lowest(time: float) -> str:
    """The least id of an execution made at this time."""
    return execution_id(max(time, 0), bytes(10))
