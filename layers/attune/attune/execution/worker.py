"""One attempt, from the task queue to the parent's mailbox: claim → run → record → report.

Promise 4: an attempt is claimed before it runs, by one conditional write with a lease as long as the worker's own
deadline. Duplicates of a running attempt are put off until the lease is over; those of an ended one report the
recorded result again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from attune.actions.attempt import Attempt, Outcome
from attune.engine.ids import home_of
from attune.exceptions import AttuneError, task_error
from attune.execution.ports import (
    Claim,
    ClaimStatus,
    Clock,
    ExecutionStore,
    Letter,
    Mailbox,
    Record,
    TaskMessage,
    TaskQueue,
)
from attune.execution.reporting import ended_message

LONGEST_DELAY = 900.0
"""Seconds; SQS delays a message by 15 minutes at most."""
REPORT_EVERY = 0.2
"""Seconds for which finished attempts of a batch may wait for others, to be reported in one call."""


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


class Worker:
    """Runs batches of attempts. ``pack_config(pack)`` gives the configuration that its actions see."""

    def __init__(
        self,
        store: ExecutionStore,
        mailbox: Mailbox,
        tasks: TaskQueue,
        runner: Runner,
        clock: Clock,
        pack_config: Callable[[str], dict[str, object]],
    ) -> None:
        self._store, self._mailbox, self._tasks = store, mailbox, tasks
        self._runner, self._clock, self._pack_config = runner, clock, pack_config

    def work(self, batch: Sequence[TaskMessage], lease: Lease) -> list[int]:
        """Work through a batch; returns the positions of messages that must come again."""
        granted: list[int] = []
        failed: list[int] = []
        answers: list[tuple[int, Letter]] = []
        for position, message in enumerate(batch):
            try:
                claim = self._claim(message, replace(lease, token=f"{lease.token}/{position}"))
                if claim.status is ClaimStatus.GRANTED:
                    granted.append(position)
                else:
                    answers += [(position, letter) for letter in self._answer(message, claim)]
            except AttuneError:
                failed.append(position)
        return failed + self._run(batch, granted, answers, lease)

    def _claim(self, message: TaskMessage, lease: Lease) -> Claim:
        now = self._clock.now()
        return self._store.claim(message, lease.token, now, now + lease.seconds)

    def _answer(self, message: TaskMessage, claim: Claim) -> list[Letter]:
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
        return [Letter(message.execution, ended_message(message.attempt, record, message.salt))]

    def _run(
        self, batch: Sequence[TaskMessage], granted: list[int], waiting: list[tuple[int, Letter]], lease: Lease
    ) -> list[int]:
        """Run what was claimed; report as it ends, several at once where they end together."""
        failed: list[int] = []
        reported = time.monotonic()
        attempts = [self._attempt(batch[position]) for position in granted]
        for index, outcome in self._runner.run(attempts, deadline=time.monotonic() + lease.seconds):
            position = granted[index]
            try:
                waiting.append((position, self._record(batch[position], outcome)))
            except AttuneError:
                failed.append(position)
            if time.monotonic() - reported > REPORT_EVERY and not self._report(waiting):
                waiting, reported = [], time.monotonic()
        return failed + self._report(waiting)

    def _report(self, waiting: list[tuple[int, Letter]]) -> list[int]:
        """Tell the mailboxes; returns the positions of which they could not be told."""
        try:
            self._mailbox.post([letter for _, letter in waiting])
        except AttuneError:
            return [position for position, _ in waiting]
        return []

    def _record(self, message: TaskMessage, outcome: Outcome) -> Letter:
        record = Record(str(outcome.status), outcome.result, outcome.error)
        recorded = self._store.finish(message.execution, message.attempt, record, self._clock.now())
        return Letter(message.execution, ended_message(message.attempt, recorded, message.salt))

    def _attempt(self, message: TaskMessage) -> Attempt:
        attempt = message.attempt
        return Attempt(
            execution_id=home_of(message.execution),
            workflow=message.workflow,
            task=attempt.task,
            index=attempt.index,
            visit=attempt.visit,
            number=attempt.number,
            action=message.spec,
            input=message.input,
            timeout=message.timeout,
            pack_config=self._pack_config(message.spec.pack),
        )
