"""Is the stack well? What ``attune doctor`` says without an execution."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from attune.adapters.aws.failures import calling, code_of
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


class Checkup:
    """``sweep_period`` is in seconds; ``cloudwatch`` a client of it. ``queues`` and ``ages`` go by the same names."""

    def __init__(
        self,
        *,
        inspector: Inspector,
        dead_letter_store: DeadLetterStore,
        queues: Mapping[str, Queue],
        ages: QueueAges,
        cloudwatch: Any,
        stack: str,
        sweep_period: float,
        clock: Clock,
    ) -> None:
        self._inspector, self._dead_letter_store, self._queues, self._ages = inspector, dead_letter_store, queues, ages
        self._cloudwatch, self._stack, self._sweep_period, self._clock = cloudwatch, stack, sweep_period, clock

    def checks(self) -> list[Check]:
        """All of them; raises Unavailable."""
        return [self._sweep(), self._dead_letters(), *map(self._queue, self._queues), *self._alarms()]

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

    def _alarms(self) -> list[Check]:
        """Nothing where they may not be looked at: a local cloud that enforces policies allows it for ``*`` only.

        CloudFormation names them ``<stack>-<resource>-<chance>``; another stack's name may begin as ours does.
        """
        prefix = f"{self._stack}-"
        try:
            with calling("CloudWatch"):
                answer = self._cloudwatch.describe_alarms(AlarmNamePrefix=prefix, StateValue="ALARM")
        except ClientError as error:
            if code_of(error) not in ("AccessDenied", "AccessDeniedException"):
                raise
            return []
        names = [alarm["AlarmName"] for alarm in answer.get("MetricAlarms", ())]
        ringing = [name for name in names if name.removeprefix(prefix).count("-") == 1]
        said = f"alarms: {', '.join(ringing)}" if ringing else "no alarm is on"
        return [Check("alarms", not ringing, said, "each says in its description what it is about")]
