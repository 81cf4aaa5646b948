"""What the service needs of the world. ``adapters/`` implements these for AWS and in memory.

Every method may raise :class:`attune.exceptions.Unavailable`; the caller then gives up the batch, and SQS brings
it again. Nothing here knows of DynamoDB or SQS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from attune.engine.effects import Announce, RunTask, SetTimer, Write
from attune.engine.facts import Key
from attune.engine.ids import AttemptId
from attune.engine.messages import Message, Start
from attune.engine.state import State
from attune.language.graph import ActionSpec, Graph, Runner
from attune.language.rule import Rule
from attune.language.sensor import Sensor
from attune.language.status import ExecutionStatus


class Clock(Protocol):
    """The time, real or virtual."""

    def now(self) -> float:
        """Epoch seconds."""
        ...


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for an execution's mailbox."""

    execution: str
    message: Message


@dataclass(frozen=True, slots=True)
class Received:
    """A letter as it came: ``sequence`` is the FIFO queue's SequenceNumber (20 digits, growing per execution)."""

    sequence: str
    message: Message


class Mailbox(Protocol):
    """The advance queue: FIFO per execution, deduplicated by ``message.dedup`` for five minutes."""

    def post(self, letters: Sequence[Letter]) -> None:
        """Returns when all have been accepted. The letters of one call stand for independent things: they go in as
        few requests as can be, and one that has to be sent again comes after the others.
        """
        ...


@dataclass(frozen=True, slots=True)
class TaskMessage:
    """One attempt on the task queue, with all that a worker needs to run it (but no secret).

    ``sealed`` is what it renders itself, because secrets are named there: see :mod:`attune.engine.sealing`.
    """

    execution: str
    workflow: str
    attempt: AttemptId
    spec: ActionSpec
    input: Mapping[str, Any]
    timeout: float | None = None
    salt: str = ""
    sealed: Mapping[str, Any] | None = None

    @classmethod
    def of(cls, state: State, effect: RunTask) -> TaskMessage:
        """What this effect of this execution puts on the queue."""
        return cls(
            state.execution,
            state.workflow,
            effect.attempt,
            effect.spec,
            effect.input,
            effect.timeout,
            effect.salt,
            effect.sealed,
        )


class TaskQueue(Protocol):
    """The task queue: at least once, in no order."""

    def send(self, messages: Sequence[TaskMessage]) -> None:
        """Returns when all have been accepted."""
        ...

    def send_later(self, message: TaskMessage, delay: float) -> None:
        """Like :meth:`send`, visible after ``delay`` seconds (900 at most, an SQS limit)."""
        ...


class Timers(Protocol):
    """Things to be posted to a mailbox at a time."""

    def set(self, execution: str, timers: Sequence[SetTimer], now: float) -> None:
        """Each will post its ``TimerFired`` at its ``due``, or soon after, at least once."""
        ...


class EventBus(Protocol):
    """Where executions announce what became of them."""

    def announce(self, state: State, announcements: Sequence[Announce]) -> None:
        """Puts an event on the bus for each."""
        ...

    def emit(self, events: Sequence[Mapping[str, Any]]) -> None:
        """Puts these on the bus: ``{source, detail-type, detail}``, each of at most 256 KB."""
        ...


class ClaimStatus(StrEnum):
    """What a worker that wants to run an attempt learns."""

    GRANTED = "granted"
    RUNNING = "running"
    """Somebody else holds the lease until ``lease_until``."""
    LOST = "lost"
    """Somebody held it, the lease ran out, and the action must not be run twice."""
    ENDED = "ended"
    """It is over; ``record`` says how."""


@dataclass(frozen=True, slots=True)
class Record:
    """How an attempt ended (``status`` completed, failed or timed_out)."""

    status: str
    result: Any = None
    error: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The engine's fact."""
        return {"status": self.status, "result": self.result, "error": self.error}


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim."""

    status: ClaimStatus
    lease_until: float = 0.0
    record: Record | None = None


class ExecutionStore(Protocol):
    """States, and the records that go with them. One execution's things live together."""

    def create(self, start: Start) -> bool:
        """Write what the execution was started with, unless it is there; True if it was written now."""
        ...

    def load_start(self, execution: str) -> Start | None:
        """What the execution was started with."""
        ...

    def load(self, execution: str) -> State | None:
        """The state, read consistently."""
        ...

    def load_all(self, executions: Sequence[str]) -> list[tuple[Start | None, State | None]]:
        """What each was started with, and its state, read consistently; with as few calls as can be."""
        ...

    def save(self, state: State, expected: int) -> bool:
        """Save as version ``expected + 1`` if the stored version is ``expected`` (0: none); False if refused."""
        ...

    def write(self, execution: str, writes: Iterable[Write]) -> None:
        """The records that go with a state, before it is saved."""
        ...

    def facts(self, execution: str, keys: Iterable[Key]) -> dict[Key, Any]:
        """What the engine asked for; every key is in the answer (None where nothing is stored)."""
        ...

    def claim(self, message: TaskMessage, token: str, now: float, lease_until: float) -> Claim:
        """Take the lease of an attempt with one conditional write; a refusal that carries ``token`` is a grant."""
        ...

    def finish(self, execution: str, attempt: AttemptId, record: Record, now: float, child: str = "") -> Record:
        """Record how an attempt ended; the first wins, and what is returned is what is recorded."""
        ...


@dataclass(frozen=True, slots=True)
class WorkflowVersion:
    """An immutable version of a workflow: its graph, and the source it was made from."""

    ref: str
    version: int
    graph: Graph
    digest: str = ""
    source: str = ""
    created_at: float = 0.0
    enabled: bool = True

    def as_action(self) -> ActionSpec:
        """The workflow as what a task can run."""
        return ActionSpec(self.ref, self.graph.pack, Runner.WORKFLOW, self.ref, self.graph.parameters)


@dataclass(frozen=True, slots=True)
class PackRecord:
    """A registered pack."""

    ref: str
    label: str
    version: str
    description: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)


class Catalog(Protocol):
    """What packs have been registered, and what is in them."""

    def workflow(self, ref: str, version: int | None = None) -> WorkflowVersion:
        """That version, or the latest; raises NotFound."""
        ...

    def latest_version(self, ref: str) -> int:
        """The number of the latest version, 0 if there is none."""
        ...

    def add_version(self, version: WorkflowVersion) -> bool:
        """Add an immutable version and make it the latest; False if that number is taken."""
        ...

    def workflows(self, pack: str | None = None) -> list[WorkflowVersion]:
        """The latest version of each workflow (of a pack), by ref."""
        ...

    def remove_workflow(self, ref: str) -> None:
        """The workflow can no longer be started; its versions stay for executions that run."""
        ...

    def pack(self, ref: str) -> PackRecord:
        """A registered pack; raises NotFound."""
        ...

    def packs(self) -> list[PackRecord]:
        """All packs, by ref."""
        ...

    def put_pack(self, pack: PackRecord) -> bool:
        """Register or update; True if it is new."""
        ...

    def put_actions(self, pack: str, actions: Iterable[ActionSpec]) -> None:
        """Register the pack's actions."""
        ...

    def actions(self) -> dict[str, ActionSpec]:
        """All actions that are no workflows, by ref."""
        ...

    def action(self, ref: str) -> ActionSpec | None:
        """One action, or a workflow that can be started as one; None if there is neither."""
        ...

    def put_rules(self, pack: str, rules: Iterable[Rule]) -> None:
        """Replace the pack's rules."""
        ...

    def rules(self) -> list[Rule]:
        """All rules."""
        ...

    def put_sensors(self, pack: str, sensors: Iterable[Sensor]) -> None:
        """Replace the pack's sensors."""
        ...

    def sensors(self) -> list[Sensor]:
        """All sensors."""
        ...

    def put_awaited(self, pack: str, awaited: Mapping[str, float]) -> None:
        """Replace what the pack's workflows look back for: seconds by detail-type."""
        ...

    def awaited(self) -> dict[str, float]:
        """What any workflow looks back for: seconds by detail-type."""
        ...


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing, newest first; ``cursor`` (opaque) continues it, None at its end."""

    executions: Sequence[str]
    cursor: str | None = None


class Directory(Protocol):
    """Listings, and the requests that must not be done twice."""

    def executions(
        self, *, workflow: str | None = None, status: ExecutionStatus | None = None, limit: int = 50, cursor: str = ""
    ) -> Page:
        """Execution ids, newest first; raises InvalidRequest for a cursor that is none of ours."""
        ...

    def attempts(
        self, execution: str, *, limit: int = 100, cursor: str = ""
    ) -> tuple[list[dict[str, Any]], str | None]:
        """The records of an execution's attempts, by task, visit, item and number. A page may be short."""
        ...

    def stored(self, execution: str) -> dict[str, str]:
        """Where ``parameters`` and ``output`` of an execution lie, if they lie in objects of their own."""
        ...

    def inquiries(self, *, limit: int = 50, cursor: str = "") -> Page:
        """Ids of open inquiries, newest execution first."""
        ...

    def inquiry(self, execution: str, attempt: AttemptId) -> dict[str, Any] | None:
        """``{prompt, schema, assignees, since, limit, closed}`` of an inquiry; ``closed`` is None while it is open."""
        ...

    def remember(self, key: str, execution: str, digest: str) -> tuple[str, str]:
        """Bind an idempotency key to an execution and a digest of its request; the first binding wins and is
        returned.
        """
        ...

    def token_name(self, token: str) -> str | None:
        """Whose bearer token this is; None if it is not known."""
        ...

    def put_token(self, token: str, name: str) -> None:
        """Let this token in."""
        ...


@dataclass(frozen=True, slots=True)
class SensorMemory:
    """What a sensor remembers: digests of the items it has seen, oldest first, and where its last poll ended."""

    seen: tuple[str, ...] = ()
    cursor: Any = None
    version: int = 0


class SensorStore(Protocol):
    """What sensors remember."""

    def load(self, ref: str) -> SensorMemory:
        """Of one sensor, empty before its first poll."""
        ...

    def save(self, ref: str, memory: SensorMemory) -> bool:
        """Save as version ``memory.version + 1`` if the stored version is ``memory.version``; False if refused."""
        ...


class Events(Protocol):
    """Who waits for an event, and events kept for those who will. What was written is read at once."""

    def waits(self, detail_type: str) -> Iterable[tuple[str, AttemptId, Mapping[str, Any]]]:
        """The attempts that may wait for an event of this type: execution, attempt and event pattern."""
        ...

    def keep(self, detail_type: str, event: Mapping[str, Any], now: float, seconds: float) -> None:
        """Keep an event that came ``now`` for so many seconds at least."""
        ...

    def kept(self, detail_type: str, since: float) -> Iterable[Mapping[str, Any]]:
        """The events of this type that were kept since then (epoch seconds), in the order in which they came."""
        ...


class Schedules(Protocol):
    """The schedules of rules and sensors."""

    def sync(self, pack: str, rules: Sequence[Rule]) -> None:
        """Make the schedules of this pack exactly those that these rules ask for."""
        ...


class KeyValueStore(Protocol):
    """Values that templates read with ``kv.get``: JSON under flat names, for all packs together."""

    def get(self, key: str) -> list[Any] | None:
        """The value in a list of its own (it may be null), None if there is none."""
        ...

    def put(self, key: str, value: Any) -> bool:
        """Set it; True if it is new. Raises PayloadTooLarge."""
        ...

    def delete(self, key: str) -> bool:
        """Remove it; False if there was none."""
        ...

    def keys(self, prefix: str = "", limit: int = 50, cursor: str = "") -> tuple[list[str], str | None]:
        """A page of keys that begin so, sorted, and the cursor of the next one; raises InvalidRequest for a bad one."""
        ...


class SecretStore(Protocol):
    """Secrets by name. Only a worker reads them; nobody else can."""

    def get(self, name: str) -> str:
        """The secret; raises NotFound, and InvalidRequest for one that cannot be read."""
        ...

    def put(self, name: str, value: str) -> bool:
        """Set it; True if it is new."""
        ...

    def delete(self, name: str) -> bool:
        """Remove it for good; False if there was none."""
        ...

    def names(self, limit: int = 50, cursor: str = "") -> tuple[list[str], str | None]:
        """A page of names, and the cursor of the next one."""
        ...


class Sealer(Protocol):
    """Turns the values of secret parameters into text that only a worker can open."""

    def seal(self, execution: str, value: Any) -> str:
        """The value, sealed for an execution; raises PayloadTooLarge."""
        ...

    def open(self, text: str) -> Any:
        """Inverse of :meth:`seal`; raises InvalidRequest for what cannot be opened."""
        ...
