"""The simulator: a workflow run in memory, in virtual time, by the same code as on AWS.

Only the ports are other ones. Actions run for real (in processes of their own) unless a runner is given that
answers for them; hours of waiting pass at once.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from attune.actions.attempt import Attempt, Outcome
from attune.adapters.memory.catalog import MemoryCatalog
from attune.adapters.memory.clock import VirtualClock
from attune.adapters.memory.cloud import MemoryCloud
from attune.adapters.memory.events import MemoryEvents
from attune.adapters.memory.store import MemoryStore
from attune.adapters.memory.values import MemoryKeyValueStore, MemorySecrets
from attune.engine.facts import OUTPUT
from attune.engine.ids import AttemptId, execution_id, home_of
from attune.engine.messages import Answer, Cancel, Message, Retry
from attune.engine.state import State, WaitKind
from attune.engine.turn import Step
from attune.execution.advancer import Advancer, Observer
from attune.execution.dispatch import Dispatcher
from attune.execution.opening import Opener
from attune.execution.ports import Letter, TaskMessage
from attune.execution.starting import prepare
from attune.execution.waits import Waits
from attune.execution.worker import Lease, Runner, Worker

LEASE = 900.0
"""Seconds a simulated worker has."""


class TimedRunner:
    """Runs with another runner and lets the virtual clock pass as long as each attempt really took."""

    def __init__(self, runner: Runner, clock: VirtualClock) -> None:
        self._runner, self._clock = runner, clock

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:
        """See :class:`attune.execution.worker.Runner`."""
        virtual, real = self._clock.now(), time.monotonic()
        for ended in self._runner.run(attempts, deadline=deadline):
            self._clock.set(virtual + time.monotonic() - real)
            yield ended


class Simulator:
    """One small world: start executions in it, then :meth:`run`."""

    def __init__(
        self,
        catalog: MemoryCatalog,
        runner: Runner,
        *,
        clock: VirtualClock | None = None,
        observer: Observer | None = None,
        pack_config: Callable[[str], dict[str, Any]] | None = None,
        values: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.values, self.secrets = MemoryKeyValueStore(values), MemorySecrets(secrets)
        self.catalog, self.store = catalog, MemoryStore(self.values)
        self.cloud = MemoryCloud(self.clock)
        events = MemoryEvents(self.store)
        self.waits = Waits(events, self.cloud, catalog, self.clock)
        cloud = self.cloud
        dispatcher = Dispatcher(self.store, catalog, cloud, cloud, cloud, cloud, self.clock, events)
        self.advancer = Advancer(self.store, catalog, dispatcher, self.clock, observer or _unobserved)
        config = pack_config or (lambda pack: dict(catalog.pack(pack).config))
        opener = Opener(self.secrets, self.values, self.secrets)
        self.worker = Worker(self.store, self.cloud, self.cloud, runner, self.clock, config, lambda: opener)
        self.cloud.on_letters, self.cloud.on_tasks = self.advancer.deliver, self._work
        self._count = 0

    def start(self, ref: str, parameters: Mapping[str, Any], identity: str = "simulator") -> str:
        """Start the latest version of a workflow; raises NotFound and InvalidParameters."""
        self._count += 1
        now = self.clock.now()
        execution = execution_id(now, hashlib.sha256(str(self._count).encode()).digest())
        trigger = {"type": "cli"}
        prepared = prepare(
            self.catalog, ref, parameters, execution=execution, now=now, trigger=trigger, identity=identity
        )
        start = prepared.sealed(self.secrets, execution)
        self.store.create(start)
        self.post(execution, start)
        return execution

    def post(self, execution: str, message: Message) -> None:
        """Put a letter into an execution's mailbox."""
        self.cloud.post([Letter(execution, message)])

    def cancel(self, execution: str, reason: str = "") -> None:
        """Ask an execution to stop."""
        self.post(execution, Cancel(reason))

    def retry(
        self,
        execution: str,
        *names: str,
        version: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        generation: str = "",
    ) -> None:
        """Ask an execution that did not complete to go on. Whether it can is not checked."""
        generation = generation or f"{len(self.state(execution).retried) + 1}"
        self.post(execution, Retry(generation, names, version, parameters, "simulator"))

    def answer(self, execution: str, task: str, response: Any, by: str = "simulator") -> None:
        """Answer the inquiry that a task asks now; raises KeyError if it asks none. The schema is not checked."""
        for mailbox, attempt, wait in self.store.waits():
            if wait["kind"] == WaitKind.INQUIRY and (home_of(mailbox), attempt.task) == (execution, task):
                self.post(mailbox, Answer(attempt, response, by))
                return
        raise KeyError(task)

    def inquiries(self) -> list[tuple[str, AttemptId, dict[str, Any]]]:
        """What is asked now: execution, attempt, and ``{prompt, schema, assignees}``."""
        open_waits = (row for row in self.store.waits() if row[2]["kind"] == WaitKind.INQUIRY)
        return [(execution, attempt, wait["terms"]) for execution, attempt, wait in open_waits]

    def event(self, event: Mapping[str, Any]) -> int:
        """Put an event on the bus; returns how many attempts it is passed on to."""
        return self.waits.handle(event)

    def run(self, until: float | None = None) -> None:
        """Let everything happen, or everything up to a time."""
        while self.cloud.step(until):
            pass

    def state(self, execution: str) -> State:
        """Where an execution stands; raises KeyError if it has none yet."""
        state = self.store.load(execution)
        if state is None:
            raise KeyError(execution)
        return state

    def output(self, execution: str) -> Any:
        """What an ended execution returned."""
        return (self.store.facts(execution, [OUTPUT])[OUTPUT] or {}).get("output")

    def _work(self, batch: list[TaskMessage]) -> list[int]:
        return self.worker.work(batch, Lease(token=f"worker-{time.monotonic_ns()}", seconds=LEASE))


def _unobserved(state: State, messages: Sequence[Message], steps: Sequence[Step]) -> None:
    """Nobody looks."""
