"""One attempt, from the task queue to the parent's mailbox: claim → run → record → report.

Promise 4: an attempt is claimed before it runs, by one conditional write with a lease as long as the worker's own
deadline. Duplicates of a running attempt are put off until the lease is over; those of an ended one report the
recorded result again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.engine.ids import home_of
from attune.exceptions import AttuneError, TemplateError, task_error
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import Claim, ClaimStatus, ExecutionStore, Record
from attune.execution.ports.queues import Envelope, Mailbox, TaskMessage, TaskQueue
from attune.execution.reporting import ended_message
from attune.model.masking import Masker
from attune.model.secrets import Secrets

if TYPE_CHECKING:
    from attune.execution.opening import Opener

LONGEST_DELAY = 900.0
"""Seconds; SQS delays a message by 15 minutes at most."""
REPORT_EVERY = 0.2
"""Seconds for which finished attempts of a batch may wait for others, to be reported in one call."""
PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
"""Seconds between the tries to record what a table that throttles or is away did not take."""


class Runner(Protocol):
    """See :class:`attune.actions.runner.ActionRunner`."""

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:
        """Runs all, yields each as it ends."""
        ...


@dataclass(frozen=True, slots=True)
class Lease:
    """``token`` tells this invocation from any other; ``seconds`` is the time it has left to live."""

    token: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """A message of a batch, with its whole input, or the error that there is instead of one."""

    position: int
    message: TaskMessage
    secrets: Secrets
    """Which of the action's parameters are secret."""
    attempt: Attempt
    error: dict[str, Any] | None = None


_Ended: TypeAlias = tuple[_Job, Outcome]


class Worker:
    """Runs batches of attempts.

    ``pack_config(pack)`` gives the configuration that its actions see; ``opener()`` what opens inputs with secrets: it
    is called when the first one comes by. ``sleep`` waits so many seconds, and ``monotonic`` counts them; the runner's
    deadline is counted by it, too.
    """

    def __init__(
        self,
        *,
        store: ExecutionStore,
        mailbox: Mailbox,
        tasks: TaskQueue,
        runner: Runner,
        clock: Clock,
        pack_config: Callable[[str], dict[str, object]],
        opener: Callable[[], Opener],
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._mailbox, self._tasks = store, mailbox, tasks
        self._runner, self._clock, self._pack_config, self._opener = runner, clock, pack_config, opener
        self._sleep, self._monotonic = sleep, monotonic

    def work(self, batch: Sequence[TaskMessage], lease: Lease) -> list[int]:
        """Work through a batch; returns the positions of messages that must come again."""
        granted: list[_Job] = []
        failed: list[int] = []
        answers: list[tuple[int, Envelope]] = []
        for position, message in enumerate(batch):
            try:
                job = self._job(position, message)
                claim = self._claim(job, replace(lease, token=f"{lease.token}/{position}"))
                if claim.status is ClaimStatus.GRANTED:
                    granted.append(job)
                else:
                    answers += [(position, envelope) for envelope in self._answer(message, claim)]
            except AttuneError:
                failed.append(position)
        return failed + self._run(granted, answers, lease)

    def _job(self, position: int, message: TaskMessage) -> _Job:
        """Opened before it is claimed: if a secret cannot be had now, the message just comes again."""
        whole, known, failure = message.input, (), None
        if message.sealed is not None:
            try:
                opened = self._opener().open(message)
                whole, known = opened.input, opened.secrets
            except TemplateError as error:
                details = error.to_dict()["details"]
                failure = task_error("template_error", error.message, retryable=False, details=details)
        secrets = Secrets(message.spec.parameters)
        mask = Masker([*known, *secrets.of(whole).values()])
        attempt = self._attempt(message, whole, mask)
        return _Job(position=position, message=message, secrets=secrets, attempt=attempt, error=failure)

    def _claim(self, job: _Job, lease: Lease) -> Claim:
        now, message = self._clock.now(), job.message
        shown = replace(message, input=job.secrets.hidden(message.input)) if job.secrets else message
        return self._store.claim(shown, lease.token, now, now + lease.seconds)

    def _answer(self, message: TaskMessage, claim: Claim) -> list[Envelope]:
        """What to tell about an attempt that is not ours to run."""
        if claim.status is ClaimStatus.RUNNING:
            wait = max(claim.lease_until - self._clock.now() + 1, 1)
            self._tasks.send_later(message, min(wait, LONGEST_DELAY))
            return []
        record = claim.record
        if record is None:
            error = task_error("worker_lost", "the worker died, and the action is not idempotent", retryable=False)
            record = Record("failed", None, error)
            record = self._store.finish(message.execution, message.attempt, record, self._clock.now())
        return [Envelope(message.execution, ended_message(message.attempt, record, message.resend_id))]

    def _run(self, jobs: list[_Job], waiting: list[tuple[int, Envelope]], lease: Lease) -> list[int]:
        """Run what was claimed; report as it ends, several at once where they end together."""
        refused: list[_Ended] = []
        reported = self._monotonic()
        deadline = reported + lease.seconds
        for job, outcome in self._outcomes(jobs, deadline):
            envelopes, again = self._record_all([(job, outcome)])
            waiting, refused = waiting + envelopes, refused + again
            if self._monotonic() - reported > REPORT_EVERY and not self._report(waiting):
                waiting, reported = [], self._monotonic()
        return self._report(waiting) + self._record_late(refused, deadline)

    def _record_all(self, ended: Iterable[_Ended]) -> tuple[list[tuple[int, Envelope]], list[_Ended]]:
        """What to report of those that could be recorded, and the others."""
        envelopes, refused = [], []
        for job, outcome in ended:
            try:
                envelopes.append((job.position, self._record(job, outcome)))
            except AttuneError:
                refused.append((job, outcome))
        return envelopes, refused

    def _record_late(self, refused: list[_Ended], deadline: float) -> list[int]:
        """An attempt without a record runs again: so what has ended is offered as long as its lease lasts."""
        failed: list[int] = []
        for pause in PAUSES:
            if not refused or self._monotonic() + pause > deadline:
                break
            self._sleep(pause)
            envelopes, refused = self._record_all(refused)
            failed += self._report(envelopes)
        return failed + [job.position for job, _ in refused]

    def _outcomes(self, jobs: list[_Job], deadline: float) -> Iterator[tuple[_Job, Outcome]]:
        runnable = [job for job in jobs if job.error is None]
        yield from ((job, Outcome(OutcomeStatus.FAILED, error=job.error)) for job in jobs if job.error is not None)
        for index, outcome in self._runner.run([job.attempt for job in runnable], deadline=deadline):
            yield runnable[index], outcome

    def _report(self, waiting: list[tuple[int, Envelope]]) -> list[int]:
        """Tell the mailboxes; returns the positions of which they could not be told."""
        try:
            self._mailbox.post([envelope for _, envelope in waiting])
        except AttuneError:
            return [position for position, _ in waiting]
        return []

    def _record(self, job: _Job, outcome: Outcome) -> Envelope:
        message, mask = job.message, job.attempt.mask
        error = {name: mask.value(value) for name, value in outcome.error.items()} if outcome.error else None
        record = Record(str(outcome.status), mask.value(outcome.result), error)
        recorded = self._store.finish(message.execution, message.attempt, record, self._clock.now())
        return Envelope(message.execution, ended_message(message.attempt, recorded, message.resend_id))

    def _attempt(self, message: TaskMessage, whole: Mapping[str, Any], mask: Masker) -> Attempt:
        attempt = message.attempt
        return Attempt(
            execution_id=home_of(message.execution),
            workflow=message.workflow,
            task=attempt.task,
            index=attempt.index,
            visit=attempt.visit,
            number=attempt.number,
            action=message.spec,
            input=whole,
            timeout=message.timeout,
            pack_config=self._pack_config(message.spec.pack),
            mask=mask,
        )
