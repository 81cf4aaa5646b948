"""doctor: says of one execution why it is where it is, and repairs it when told to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from typing import Any

from attune.engine.ids import CHUNK, AttemptId, home_of, is_chunk
from attune.exceptions import NotFound
from attune.execution.answers import extended
from attune.execution.cases import Case, Child
from attune.execution.diagnosis import Diagnosis, DiagnosisReport, RepairReport, aged
from attune.execution.examiner import Examiner
from attune.execution.ports.clock import Clock
from attune.execution.ports.dead_letters import DeadLetterStore
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.inspector import Inspector
from attune.execution.ports.queues import Envelope, Mailbox
from attune.execution.symptoms import together
from attune.model.status import ExecutionStatus

DEEPEST = 10
"""Levels of sub-workflows that a story goes down (no workflow is deeper)."""
MOST_STRAYS = 1000
"""Chunks of one execution that are looked at (more than this many never run at a time)."""
MOST_STORIES = 5
"""Sub-workflows of one execution whose own stories are told."""


class Doctor:
    """Looks at one execution, and at the sub-workflows that it waits for.

    ``oldest`` says how old the oldest message in a queue is (see :data:`attune.execution.diagnosis.QUEUES`), as far as
    that is known.
    """

    def __init__(
        self,
        *,
        inspector: Inspector,
        examiner: Examiner,
        store: ExecutionStore,
        dead_letter_store: DeadLetterStore,
        mailbox: Mailbox,
        clock: Clock,
        oldest: Callable[[str], float | None],
    ) -> None:
        self._inspector, self._examiner, self._store = inspector, examiner, store
        self._dead_letter_store, self._mailbox, self._clock, self._oldest = dead_letter_store, mailbox, clock, oldest

    def diagnosis(self, execution: str) -> DiagnosisReport:
        """What is found, and which of it a repair would mend; raises NotFound."""
        return self._report(execution, self._diagnose(execution, self._look()))

    def repair(self, execution: str) -> RepairReport:
        """Post what mends what is found, down to its sub-workflows; returns what was found, and whose was posted.

        Raises NotFound.
        """
        look = self._look()
        found = self._diagnose(execution, look)
        envelopes = _once(envelope for one in (found, *look.others.values()) for envelope in one.envelopes)
        self._mailbox.post(envelopes)
        repaired = sorted({home_of(envelope.execution) for envelope in envelopes})
        return extended(RepairReport, self._report(execution, found), repaired=tuple(repaired))

    def _look(self) -> _Look:
        now = self._clock.now()
        return _Look(now, f"doctor.{now:.3f}", self._inspector.notes().marks, cache(self._oldest))

    def _report(self, execution: str, found: Diagnosis) -> DiagnosisReport:
        state = self._store.load(execution)
        return DiagnosisReport(
            id=execution,
            status=state.status if state else ExecutionStatus.REQUESTED,
            sentence=found.sentence,
            findings=tuple(finding.row() for finding in found.findings),
        )

    def _diagnose(self, execution: str, look: _Look, depth: int = 0) -> Diagnosis:
        start, state = self._store.load_start(execution), self._store.load(execution)
        if is_chunk(execution) or (start is None and state is None):
            raise NotFound(f"there is no execution '{execution}'", execution_id=execution)
        found = list(self._examiner.cases([execution], look.now, look.request_id, look.marks))
        first, *chunks = found or [Case(execution=execution, now=look.now, request_id=look.request_id, state=state)]
        whole = replace(first, start=start, dead=self._dead_letter_store.of(execution))
        strays = self._strays(execution, look)
        said = together(execution, [self._told(case, look, depth) for case in (whole, *chunks, *strays)])
        return aged(said, look.oldest)

    def _strays(self, execution: str, look: _Look) -> Iterator[Case]:
        begin = f"{execution}{CHUNK}"
        chunks = self._inspector.chunks(begin, f"{begin}\x7f", MOST_STRAYS)
        return self._examiner.strays(chunks, look.now, look.request_id, look.marks)

    def _told(self, case: Case, look: _Look, depth: int) -> Case:
        return replace(case, terms=self._terms(case), children=self._stories(case, look, depth))

    def _terms(self, case: Case) -> dict[AttemptId, Mapping[str, Any]]:
        waits = {attempt: active.wait for attempt, active in case.awaited.items() if active.wait}
        return {attempt: self._inspector.terms(case.execution, attempt, kind) for attempt, kind in waits.items()}

    def _stories(self, case: Case, look: _Look, depth: int) -> dict[str, Child]:
        told = {e: child for e, child in case.children.items() if child.exists} if depth < DEEPEST else {}
        stories = dict(case.children)
        for execution, child in list(told.items())[:MOST_STORIES]:
            look.others[execution] = found = self._diagnose(execution, look, depth + 1)
            stories[execution] = replace(child, story=found.sentence)
        return stories


class _Look:
    """One look of the doctor: when, and what was found of sub-workflows on the way."""

    def __init__(
        self, now: float, request_id: str, marks: Mapping[str, float], oldest: Callable[[str], float | None]
    ) -> None:
        self.now, self.request_id, self.marks, self.oldest = now, request_id, marks, oldest
        self.others: dict[str, Diagnosis] = {}


def _once(envelopes: Iterable[Envelope]) -> list[Envelope]:
    """Parent and child may both ask for the same."""
    return list({(envelope.execution, envelope.message.dedup): envelope for envelope in envelopes}.values())
