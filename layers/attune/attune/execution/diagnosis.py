"""Why an execution is where it is: findings made of a :class:`attune.execution.cases.Case`. Pure.

A finding that carries messages is about something lost, and posting them mends it. ``sweep`` does that for every
execution; ``doctor`` shows all findings of one, and does it when told to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from enum import StrEnum

from attune.engine.ids import AttemptId
from attune.engine.messages import Nudge
from attune.execution.ports.queues import Envelope
from attune.execution.spans import span
from attune.model.status import ExecutionStatus

LATE = 120.0
"""Seconds by which a timer, a start, a result or a child's news may be late before it counts as lost."""
UNCLAIMED = 300.0
"""Seconds for which an attempt may wait for a worker while the task queue is empty."""
BACKLOGGED = 3600.0
"""The same while others wait there too: it probably stands in line."""


class Code(StrEnum):
    """The kinds of finding: first what a repair mends, then what needs a person, then what is well."""

    START_LOST = "start_lost"
    TASK_LOST = "task_lost"
    WORKER_GONE = "worker_gone"
    RESULT_LOST = "result_lost"
    EVENT_LOST = "event_lost"
    TIMER_LOST = "timer_lost"
    CHILD_LOST = "child_lost"
    CHILD_UNHEARD = "child_unheard"
    CHUNK_LOST = "chunk_lost"
    CHUNK_UNHEARD = "chunk_unheard"
    ORPHAN = "orphan"
    LEFT_PAUSED = "left_paused"
    LEFT_RUNNING = "left_running"
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
    Code.EVENT_LOST: "mailboxes",
    Code.TIMER_LOST: "timers",
    Code.CHILD_LOST: "mailboxes",
    Code.CHILD_UNHEARD: "mailboxes",
    Code.CHUNK_LOST: "mailboxes",
    Code.CHUNK_UNHEARD: "mailboxes",
    Code.QUEUED: "attempts",
    Code.STARTING: "mailboxes",
}
"""The queue in which the missing message may merely be waiting. Queues go by what lies on them."""
_ORDER = {code: position for position, code in enumerate(Code)}


@dataclass(frozen=True, kw_only=True, slots=True)
class FindingRow:
    """A finding as it is shown: a sentence, what to do about it, and whether a repair does it."""

    code: Code
    sentence: str
    remedy: str
    task: str | None
    repairable: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class DiagnosisReport:
    """Why an execution is where it is: in a sentence, and all findings, the weightiest first."""

    id: str
    status: ExecutionStatus
    sentence: str
    findings: tuple[FindingRow, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class RepairReport(DiagnosisReport):
    """What a repair found, and the executions that it sent something to (none: there was nothing to do)."""

    repaired: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """One reason, in a sentence. ``remedy`` says what to do; ``envelopes`` do it."""

    code: Code
    sentence: str
    remedy: str = ""
    _: KW_ONLY
    attempt: AttemptId | None = None
    envelopes: tuple[Envelope, ...] = ()
    since: float = 0.0
    """Since when an attempt has waited for a worker, as far as anybody knows."""

    def row(self) -> FindingRow:
        """As it is shown."""
        return FindingRow(
            code=self.code,
            sentence=self.sentence,
            remedy=self.remedy,
            task=self.attempt.task if self.attempt else None,
            repairable=bool(self.envelopes),
        )


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
    def envelopes(self) -> list[Envelope]:
        """What mends all that can be mended; what is asked for again is asked for in one message per execution."""
        nudged: dict[str, Nudge] = {}
        others: list[Envelope] = []
        for envelope in (envelope for finding in self.findings for envelope in finding.envelopes):
            if isinstance(envelope.message, Nudge):
                nudged[envelope.execution] = _both(nudged.get(envelope.execution), envelope.message)
            else:
                others.append(envelope)
        return others + [Envelope(execution, nudge) for execution, nudge in nudged.items()]


def _both(first: Nudge | None, second: Nudge) -> Nudge:
    """One nudge for two; one that asks for everything goes over one that names attempts."""
    if first is None or not second.attempts:
        return second
    return Nudge(first.request_id, first.attempts and first.attempts + second.attempts)


def aged(found: Diagnosis, oldest: Callable[[str], float | None]) -> Diagnosis:
    """The same; what may stand in a queue says how old the oldest message there is. ``oldest`` may not know."""
    return replace(found, findings=[_aged(finding, oldest) for finding in found.findings])


def _aged(finding: Finding, oldest: Callable[[str], float | None]) -> Finding:
    queue = QUEUES.get(finding.code)
    age = oldest(queue) if queue else None
    if age is None:
        return finding
    return replace(finding, sentence=f"{finding.sentence}; the oldest message in its queue is about {span(age)} old")


def ordered(found: Sequence[Finding]) -> list[Finding]:
    """The weightiest first."""
    return sorted(found, key=lambda finding: _ORDER[finding.code])
