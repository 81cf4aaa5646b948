"""Puts the pieces together for AWS: the only module that reads the environment and makes clients of AWS.

Everything is made when it is first asked for and kept for the life of the process, so that a function pays only
for what it uses. The names of the variables are the template's (``ATTUNE__…``).
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attune.engine.ids import home_of
from attune.engine.messages import Message, describe

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from attune.adapters.dead_letter_desk import DeadLetterDesk
    from attune.adapters.desks import EventDesk, TimerDesk
    from attune.adapters.dynamodb.catalog import DynamoCatalog
    from attune.adapters.dynamodb.dead_letters import DynamoBook
    from attune.adapters.dynamodb.directory import DynamoDirectory
    from attune.adapters.dynamodb.events import DynamoEvents
    from attune.adapters.dynamodb.inspector import DynamoInspector
    from attune.adapters.dynamodb.sensors import DynamoSensors
    from attune.adapters.dynamodb.store import DynamoStore
    from attune.adapters.dynamodb.table import Table
    from attune.adapters.dynamodb.values import DynamoKeyValueStore
    from attune.adapters.events import EventBridgeBus
    from attune.adapters.payloads import Payloads
    from attune.adapters.scheduler import Scheduler
    from attune.adapters.secrets import AwsSecrets, KmsSealer
    from attune.adapters.sqs import Queue, SqsMailbox, SqsTaskQueue
    from attune.adapters.timers import AwsTimers
    from attune.api.services import Care, Services
    from attune.engine.state import State
    from attune.engine.turn import Step
    from attune.execution.advancer import Advancer
    from attune.execution.examiner import Examiner
    from attune.execution.opening import Opener
    from attune.execution.rules import Rules
    from attune.execution.starting import Starter
    from attune.execution.sweeper import Sweeper
    from attune.execution.worker import Worker

USER_AGENT = "attune"
"""What AWS's logs (CloudTrail, say) show as the caller's program."""
CONFIG_TTL = 60.0
"""Seconds for which a pack's configuration is not read again by a warm worker."""


class SystemClock:
    """The real time."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()


clock = SystemClock()


def setting(name: str, default: str | None = None) -> str:
    """The variable ``ATTUNE__<name>``; raises KeyError when it is missing and has no default."""
    value = os.environ.get(f"ATTUNE__{name}")
    if value is None or value == "":
        if default is None:
            raise KeyError(f"ATTUNE__{name} is not set; template.yaml sets it")
        return default
    return value


@cache
def log() -> Logger:
    """Structured logs: one JSON object a line."""
    from aws_lambda_powertools import Logger

    return Logger(level=setting("LOG_LEVEL", "INFO"), utc=True)


@cache
def client(service: str) -> Any:
    """A botocore client that tries throttled calls again by itself, and gives up in time for a batch to come again.

    A call is mostly botocore's own work. A fifth of that it does without: parameters are checked by the service, too,
    and a name of ours is put together once, botocore's own from forty parts and twice for each request.
    """
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 4}
    patience: Any = {"connect_timeout": 3, "read_timeout": 20, "tcp_keepalive": True}
    config = Config(retries=retries, **patience, parameter_validation=False, user_agent=USER_AGENT)
    return _session().create_client(service, config=config)


@cache
def _session() -> Any:
    """botocore's, for all clients: importing boto3 on top of it would take a cold start 50 ms."""
    from botocore.session import get_session

    return get_session()


@cache
def table() -> Table:
    """The one table."""
    from attune.adapters.dynamodb.table import Table

    return Table(client("dynamodb"), setting("TABLE"))


@cache
def payloads() -> Payloads:
    """The bucket for what is large; its client is made when something large comes by."""
    from attune.adapters.payloads import Payloads

    return Payloads(_Lazily("s3"), setting("BUCKET"))


class _Lazily:
    """A client that is made at its first call."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(client(self._service), name)


@cache
def store() -> DynamoStore:
    """Executions."""
    from attune.adapters.dynamodb.store import DynamoStore

    return DynamoStore(table(), payloads(), float(setting("RETENTION_DAYS", "0")))


@cache
def catalog() -> DynamoCatalog:
    """Packs."""
    from attune.adapters.dynamodb.catalog import DynamoCatalog

    return DynamoCatalog(table(), payloads())


@cache
def directory() -> DynamoDirectory:
    """Listings, idempotency keys, tokens."""
    from attune.adapters.dynamodb.directory import DynamoDirectory

    return DynamoDirectory(table(), payloads())


@cache
def events() -> DynamoEvents:
    """Who waits for events, and events kept for a while."""
    from attune.adapters.dynamodb.events import DynamoEvents

    return DynamoEvents(table(), payloads())


@cache
def sensor_store() -> DynamoSensors:
    """What sensors remember."""
    from attune.adapters.dynamodb.sensors import DynamoSensors

    return DynamoSensors(table(), payloads())


@cache
def bus() -> EventBridgeBus:
    """The event bus."""
    from attune.adapters.events import EventBridgeBus

    return EventBridgeBus(_Lazily("events"), setting("EVENT_BUS"))


def _queue(name: str) -> Queue:
    from attune.adapters.sqs import Queue

    return Queue(client("sqs"), setting(f"{name}_QUEUE_URL"))


@cache
def mailbox() -> SqsMailbox:
    """The advance queue."""
    from attune.adapters.sqs import SqsMailbox

    return SqsMailbox(_queue("ADVANCE"), payloads())


@cache
def task_queue() -> SqsTaskQueue:
    """The task queue."""
    from attune.adapters.sqs import SqsTaskQueue

    return SqsTaskQueue(_queue("TASK"), payloads())


@cache
def scheduler() -> Scheduler:
    """Schedules, all of which send to the timer queue."""
    from attune.adapters.scheduler import Scheduler, Target

    target = Target(setting("TIMER_QUEUE_ARN"), setting("SCHEDULE_ROLE_ARN"))
    return Scheduler(_Lazily("scheduler"), setting("SCHEDULE_GROUP"), target)


@cache
def timers() -> AwsTimers:
    """Delayed messages and one-time schedules."""
    from attune.adapters.timers import AwsTimers

    return AwsTimers(_queue("TIMER"), scheduler())


@cache
def advancer() -> Advancer:
    """For ``advance``."""
    from attune.execution.advancer import Advancer
    from attune.execution.dispatch import Dispatcher

    dispatcher = Dispatcher(store(), catalog(), mailbox(), task_queue(), timers(), bus(), clock, events())
    return Advancer(store(), catalog(), dispatcher, clock, _log_advance)


def _log_advance(state: State, messages: Sequence[Message], steps: Sequence[Step]) -> None:
    """One line per saved state: what came, and where the execution stands now."""
    log().info(
        "workflow execution advanced",
        execution_id=home_of(state.execution),
        mailbox=state.execution,
        workflow=state.workflow,
        status=str(state.status),
        state_version=state.version,
        messages=[describe(message) for message in messages],
        steps=len(steps),
    )


@cache
def worker() -> Worker:
    """For ``run_task``. Actions find the event bus in ``ATTUNE_EVENT_BUS``, and nothing else of ours."""
    from attune.actions.runner import ActionRunner
    from attune.execution.worker import Worker

    os.environ["ATTUNE_EVENT_BUS"] = setting("EVENT_BUS")
    runner = ActionRunner(packs_dir(), default_timeout=float(setting("WORKER_TIMEOUT")), logger=log())
    return Worker(store(), mailbox(), task_queue(), runner, clock, _PackConfigs(), opener)


@cache
def opener() -> Opener:
    """For inputs with secrets; made, and the template engine with it, when the first one comes by."""
    from attune.execution.opening import Opener

    return Opener(secrets(), values(), sealer())


@cache
def values() -> DynamoKeyValueStore:
    """The key-value store."""
    from attune.adapters.dynamodb.values import DynamoKeyValueStore

    return DynamoKeyValueStore(table(), payloads())


@cache
def secrets() -> AwsSecrets:
    """Secrets by name."""
    from attune.adapters.secrets import AwsSecrets

    return AwsSecrets(_Lazily("secretsmanager"), setting("SECRETS_PREFIX"), clock)


@cache
def sealer() -> KmsSealer:
    """Keeps secret parameters."""
    from attune.adapters.secrets import KmsSealer

    return KmsSealer(_Lazily("kms"), setting("SECRETS_KEY"), clock)


class _PackConfigs:
    """The configurations of packs, read once a minute."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def __call__(self, pack: str) -> dict[str, Any]:
        read_at, config = self._known.get(pack, (float("-inf"), {}))
        if clock.now() - read_at > CONFIG_TTL:
            config = self._read(pack)
            self._known[pack] = (clock.now(), config)
        return dict(config)

    def _read(self, pack: str) -> Mapping[str, Any]:
        from attune.exceptions import NotFound

        try:
            return catalog().pack(pack).config
        except NotFound:
            return {}


@cache
def starter() -> Starter:
    """Starts executions."""
    from attune.execution.starting import Starter

    return Starter(store(), directory(), catalog(), mailbox(), clock, os.urandom, sealer())


@cache
def rules() -> Rules:
    """Holds events against rules."""
    from attune.execution.rules import Rules

    return Rules(catalog(), starter(), clock)


@cache
def event_desk() -> EventDesk:
    """For ``on_event``."""
    from attune.adapters.desks import EventDesk
    from attune.adapters.dynamodb.retention import Retention
    from attune.execution.sensors import Sightings
    from attune.execution.waits import Waits

    waits = Waits(events(), mailbox(), catalog(), clock)
    sightings = Sightings(catalog(), store(), sensor_store(), bus(), clock)
    retention = Retention(table(), payloads(), float(setting("RETENTION_DAYS", "0")), clock)
    return EventDesk(rules(), waits, sightings, retention, bus(), log())


@cache
def timer_desk() -> TimerDesk:
    """For ``on_timer``."""
    from attune.adapters.desks import TimerDesk
    from attune.execution.sensors import Polls

    polls = Polls(catalog(), sensor_store(), starter())
    return TimerDesk(timers(), mailbox(), rules(), polls, payloads(), clock, log())


@cache
def dead_letter_desk() -> DeadLetterDesk:
    """For ``on_dead``."""
    from attune.adapters.dead_letter_desk import DeadLetterDesk
    from attune.execution.dead_letters import DeadLetters

    dead_letters = DeadLetters(store(), mailbox(), clock)
    return DeadLetterDesk(dead_letters, book(), payloads(), setting("EVENT_DEAD_QUEUE_ARN"))


@cache
def book() -> DynamoBook:
    """Dead letters."""
    from attune.adapters.dynamodb.dead_letters import DynamoBook

    return DynamoBook(table(), payloads())


@cache
def inspector() -> DynamoInspector:
    """For those who look at executions from outside."""
    from attune.adapters.dynamodb.inspector import DynamoInspector

    return DynamoInspector(table(), payloads())


def _examiner() -> Examiner:
    from attune.execution.examiner import Examiner
    from attune.execution.waits import LookBack

    return Examiner(inspector(), store(), catalog(), LookBack(store(), events()), _queue("TASK").depth)


@cache
def sweeper() -> Sweeper:
    """For ``sweep``."""
    from attune.execution.sweeper import Sweeper

    return Sweeper(inspector(), _examiner(), mailbox(), clock, _queue("ADVANCE").depth)


def _care() -> Care:
    from attune.adapters.checkup import Checkup
    from attune.adapters.queue_ages import QueueAges
    from attune.adapters.redrive import Redriver
    from attune.adapters.undelivered import OnEvent
    from attune.api.services import Care
    from attune.execution.doctor import Doctor

    queues = {"mailboxes": _queue("ADVANCE"), "attempts": _queue("TASK"), "timers": _queue("TIMER")}
    cloudwatch = _Lazily("cloudwatch")
    ages = QueueAges(cloudwatch, {what: queue.name for what, queue in queues.items()}, clock)
    doctor = Doctor(inspector(), _examiner(), store(), book(), mailbox(), clock, ages.oldest)
    on_event = OnEvent(_Lazily("lambda"), setting("ON_EVENT_FUNCTION"))
    redriver = Redriver(book(), store(), mailbox(), task_queue(), queues["timers"], on_event, payloads(), clock)
    period = 60 * float(setting("SWEEP_MINUTES"))
    checkup = Checkup(inspector(), book(), queues, ages, cloudwatch, setting("STACK"), period, clock)
    return Care(doctor, book(), redriver, checkup)


@cache
def services() -> Services:
    """For ``api``."""
    from attune.adapters.schedules import AwsSchedules
    from attune.api.services import Services
    from attune.execution.inquiries import Inquiries
    from attune.execution.queries import Reader
    from attune.execution.retrying import Retrier
    from attune.packs.registry import Registry

    registry = Registry(catalog(), AwsSchedules(scheduler()), clock, packs_dir())
    reader = Reader(store(), directory(), catalog())
    asked = Inquiries(directory(), mailbox())
    retrier = Retrier(store(), catalog(), mailbox(), clock, sealer())
    known = starter(), reader, registry, catalog(), directory(), mailbox(), clock
    return Services(*known, asked, retrier, values(), secrets(), _care())


def packs_dir() -> Path:
    """Where the packs lie: the packs layer, unless ``ATTUNE__PACKS_BASE_DIR`` says otherwise."""
    return Path(setting("PACKS_BASE_DIR", "/opt/attune/packs"))


def reset() -> None:
    """Forget everything that was made (for tests, which change the environment)."""
    made = (log, client, _session, table, payloads, store, catalog, directory, mailbox, task_queue, scheduler, timers)
    more = (events, sensor_store, bus, opener, values, secrets, sealer, book, inspector, sweeper)
    desks = (advancer, worker, starter, rules, event_desk, timer_desk, dead_letter_desk, services)
    for made_once in (*made, *more, *desks):
        made_once.cache_clear()


logging.getLogger("botocore").setLevel(logging.WARNING)
