"""The simulator: a workflow run in memory, in virtual time, by the same code as on AWS.

Only the ports are other ones. Actions run for real (in processes of their own) unless a runner is given that
answers for them; hours of waiting pass at once.
"""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from attune.actions.attempt import Attempt, Outcome
from attune.adapters.memory.catalog import MemoryCatalog
from attune.adapters.memory.clock import VirtualClock
from attune.adapters.memory.cloud import MemoryCloud
from attune.adapters.memory.directory import MemoryDirectory
from attune.adapters.memory.disorder import Order
from attune.adapters.memory.event_waits import MemoryEvents
from attune.adapters.memory.execution_store import MemoryStore
from attune.adapters.memory.faults import Faults
from attune.adapters.memory.key_values import MemoryKeyValueStore, MemorySecrets
from attune.adapters.memory.queues import Crash, Death
from attune.engine.facts import OutputFact
from attune.engine.ids import AttemptId, home_of
from attune.engine.messages import Answer, Cancel, Message, RetryExecution
from attune.engine.state import State
from attune.engine.turn import Step
from attune.exceptions import AttuneError
from attune.execution.advancer import Advancer, Observer
from attune.execution.dead_letters import DeadLetters, news_of
from attune.execution.dispatch import Dispatcher
from attune.execution.execution_start import Starter
from attune.execution.opening import Opener
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.directory import Directory
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.key_values import KeyValueStore, Sealer, SecretStore
from attune.execution.ports.queues import Delivery, Envelope, EventBus, Mailbox, TaskMessage, TaskQueue, Timers
from attune.execution.ports.triggers import Events
from attune.execution.waits import Waits
from attune.execution.worker import Lease, Runner, Worker
from attune.model.built_ins import WaitKind

LEASE = 895.0
"""Seconds a simulated worker has: a little less than its messages are hidden."""


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
    """One small world: start executions in it, then :meth:`run`.

    ``order`` decides what AWS leaves open, such as which message comes first. ``faults`` says what goes wrong; by
    default nothing does. ``containers`` is the number of warm ``advance`` processes, each with caches of its own.
    """

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
        order: Order | None = None,
        faults: Faults | None = None,
        containers: int = 1,
    ) -> None:
        self.clock = clock or VirtualClock()
        self.values, self.secrets = MemoryKeyValueStore(values), MemorySecrets(secrets)
        self.catalog, self.store = catalog, MemoryStore(self.values)
        self.cloud = MemoryCloud(self.clock, order)
        self.known_events = MemoryEvents(self.store)
        self.directory = MemoryDirectory(self.store, self.clock, self.cloud.order)
        self._observer = observer or _unobserved
        self.ports = ports = _Ports.of(self, faults)
        self._idle = [self._new_advancer() for _ in range(containers)]
        self.advancer = self._idle[0]
        self.starter = Starter(
            store=ports.store,
            directory=ports.directory,
            catalog=ports.catalog,
            mailbox=ports.mailbox,
            clock=self.clock,
            entropy=self._entropy,
            sealer=ports.sealer,
        )
        self.worker = self._new_worker(runner, pack_config or (lambda pack: dict(catalog.pack(pack).config)))
        self.waits = Waits(ports.events, ports.mailbox, ports.catalog, self.clock)
        self.dead_letters = DeadLetters(ports.store, ports.mailbox, self.clock)
        self._connect()
        self._count = 0
        self._leases = itertools.count(1)

    def _connect(self) -> None:
        cloud = self.cloud
        cloud.on_messages, cloud.on_tasks, cloud.on_timers = self._advance, self._work, self._fire
        cloud.on_dead, cloud.on_event = self._bury, self.waits.handle

    def _new_advancer(self) -> Advancer:
        ports = self.ports
        dispatcher = Dispatcher(
            store=ports.store,
            catalog=ports.catalog,
            mailbox=ports.mailbox,
            tasks=ports.tasks,
            timers=ports.timers,
            bus=ports.bus,
            clock=self.clock,
            events=ports.events,
        )
        return Advancer(ports.store, ports.catalog, dispatcher, self.clock, observer=self._observer)

    def _new_worker(self, runner: Runner, config: Callable[[str], dict[str, Any]]) -> Worker:
        ports, clock = self.ports, self.clock
        opener = Opener(ports.secrets, ports.values, ports.sealer)
        return Worker(
            store=ports.store,
            mailbox=ports.mailbox,
            tasks=ports.tasks,
            runner=runner,
            clock=clock,
            pack_config=config,
            opener=lambda: opener,
            sleep=clock.advance,
        )

    def start(
        self, ref: str, parameters: Mapping[str, Any], identity: str = "simulator", key: str | None = None
    ) -> str:
        """Start the latest version of a workflow, once per idempotency key; raises NotFound and InvalidParameters."""
        trigger = {"type": "cli"}
        return self.starter.start(ref, parameters, trigger=trigger, identity=identity, idempotency_key=key).id

    def _entropy(self, size: int) -> bytes:
        self._count += 1
        return hashlib.sha256(str(self._count).encode()).digest()[:size]

    def post(self, execution: str, message: Message) -> None:
        """Put a message into an execution's mailbox."""
        self.ports.mailbox.post([Envelope(execution, message)])

    def cancel(self, execution: str, reason: str = "") -> None:
        """Ask an execution to stop."""
        self.post(execution, Cancel(reason))

    def retry(
        self,
        execution: str,
        *names: str,
        version: int | None = None,
        parameters: Mapping[str, Any] | None = None,
        request_id: str = "",
    ) -> None:
        """Ask an execution that did not complete to go on. Whether it can is not checked."""
        request_id = request_id or f"{len(self.state(execution).retried) + 1}"
        self.post(
            execution,
            RetryExecution(request_id, names, workflow_version=version, parameters=parameters, by="simulator"),
        )

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
        fact = OutputFact(len(self.state(execution).retried))
        return (self.store.facts(execution, [fact])[fact] or {}).get("output")

    def _advance(self, execution: str, envelopes: Sequence[Delivery]) -> int:
        """In a warm container, or in a new one; one that died is never seen again."""
        idle = self._idle
        container = idle.pop(self.cloud.order.choose(len(idle))) if idle else self._new_advancer()
        try:
            return container.deliver(execution, envelopes)
        except Crash:
            container = self._new_advancer()
            raise
        finally:
            idle.append(container)

    def _work(self, batch: list[TaskMessage]) -> list[int]:
        return self.worker.work(batch, Lease(token=f"worker-{next(self._leases)}", seconds=LEASE))

    def _fire(self, envelopes: list[Envelope]) -> list[int]:
        """As ``on_timer`` does: one that fails does not hinder the others."""
        failed = []
        for position, envelope in enumerate(envelopes):
            try:
                self.ports.mailbox.post([envelope])
            except AttuneError:
                failed.append(position)
        return failed

    def _bury(self, number: str, dead: Death[Any]) -> None:
        body = dead.body
        if isinstance(body, TaskMessage):
            self.dead_letters.task(body, number)
        elif isinstance(body, Envelope) and (news := news_of(body.message, number)) is not None:
            self.dead_letters.tell(body.execution, news)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ports:
    """The ports as the functions see them: with the faults around them."""

    store: ExecutionStore
    catalog: Catalog
    directory: Directory
    mailbox: Mailbox
    tasks: TaskQueue
    timers: Timers
    bus: EventBus
    events: Events
    values: KeyValueStore
    secrets: SecretStore
    sealer: Sealer

    @classmethod
    def of(cls, world: Simulator, faults: Faults | None) -> _Ports:
        """With nothing around them if nothing is to go wrong."""
        cloud = world.cloud
        bare = cls(
            store=world.store,
            catalog=world.catalog,
            directory=world.directory,
            mailbox=cloud,
            tasks=cloud,
            timers=cloud,
            bus=cloud,
            events=world.known_events,
            values=world.values,
            secrets=world.secrets,
            sealer=world.secrets,
        )
        if faults is None:
            return bare
        faults.cloud = cloud
        return cls(**{field.name: faults.around(field.name, getattr(bare, field.name)) for field in fields(cls)})


def _unobserved(state: State, messages: Sequence[Message], steps: Sequence[Step]) -> None:
    """Nobody looks."""
