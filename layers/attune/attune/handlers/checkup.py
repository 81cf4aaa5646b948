"""Is the stack well? What ``attune doctor`` says without an execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from attune.adapters.aws.alarms import Alarms
from attune.adapters.aws.queue_ages import QueueAges
from attune.adapters.aws.sqs import Queue
from attune.execution.ports.clock import Clock
from attune.execution.ports.dead_letters import DeadLetterStore
from attune.execution.ports.inspector import Inspector
from attune.execution.spans import span

MANY = 1000
"""Messages in a queue from which on it is said to be long."""
MOST_DEAD_LETTERS = 100
"""Dead letters that are counted; of more it is said that there are more."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: whether it is well, a sentence, and what to do if it is not."""

    name: str
    ok: bool
    sentence: str
    remedy: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckupReport:
    """Whether all is well, and every check."""

    ok: bool
    checks: tuple[Check, ...]


class Checkup:
    """``sweep_period`` is in seconds. ``queues`` and ``ages`` go by the same names."""

    def __init__(
        self,
        *,
        inspector: Inspector,
        dead_letter_store: DeadLetterStore,
        queues: Mapping[str, Queue],
        ages: QueueAges,
        alarms: Alarms,
        sweep_period: float,
        clock: Clock,
    ) -> None:
        self._inspector, self._dead_letter_store, self._queues, self._ages = inspector, dead_letter_store, queues, ages
        self._alarms, self._sweep_period, self._clock = alarms, sweep_period, clock

    def report(self) -> CheckupReport:
        """All checks; raises Unavailable."""
        checks = (self._sweep(), self._dead_letters(), *map(self._queue, self._queues), *self._stack())
        return CheckupReport(ok=all(check.ok for check in checks), checks=checks)

    def _sweep(self) -> Check:
        at = self._inspector.notes().at
        if not at:
            return Check("sweep", False, "sweep has never run", "it runs a few minutes after the stack was deployed")
        ago = self._clock.now() - at
        ran = f"sweep ran {span(ago)} ago"
        return Check("sweep", ago <= 2.5 * self._sweep_period, ran, "look at the log and the schedule of Sweep")

    def _dead_letters(self) -> Check:
        page = self._dead_letter_store.page(MOST_DEAD_LETTERS)
        count = f"{len(page.dead_letters)}{'+' if page.cursor else ''}"
        many = "1 dead letter is kept" if count == "1" else f"{count} dead letters are kept"
        said = many if page.dead_letters else "there are no dead letters"
        return Check("dead_letters", not page.dead_letters, said, "`attune dlq ls` lists them")

    def _queue(self, name: str) -> Check:
        depth = self._queues[name].depth()
        remedy = "see AdvanceConcurrency and WorkerConcurrency"
        age = self._ages.oldest(name)
        oldest = f"; the oldest message there is about {span(age)} old" if depth and age is not None else ""
        return Check(f"queue_{name}", depth < MANY, f"{depth} {name} wait in their queue{oldest}", remedy)

    def _stack(self) -> list[Check]:
        ringing = self._alarms.on()
        said = f"alarms: {', '.join(ringing)}" if ringing else "no alarm is on"
        remedy = "each says in its description what it is about"
        return [] if ringing is None else [Check("alarms", not ringing, said, remedy)]
