"""What the functions ask for, each for its own."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from attune.engine.ids import home_of
from attune.engine.messages import Message
from attune.engine.wire import describe
from attune.execution.remembered import Remembered
from attune.wiring.process import Lazily, clock, log, once, packs_dir, setting
from attune.wiring.sending import bus, mailbox, queue, scheduler, task_queue, timers
from attune.wiring.storage import (
    blobs,
    catalog,
    dead_letter_store,
    directory,
    events,
    inspector,
    sealer,
    secrets,
    sensor_store,
    store,
    table,
    values,
)

if TYPE_CHECKING:
    from attune.api.services import Operations, Services
    from attune.engine.state import State
    from attune.engine.turn import Step
    from attune.execution.advancer import Advancer
    from attune.execution.examiner import Examiner
    from attune.execution.execution_start import Starter
    from attune.execution.opening import Opener
    from attune.execution.rules import Rules
    from attune.execution.sweeper import Sweeper
    from attune.execution.worker import Worker
    from attune.handlers.dead_letter_handler import DeadLetterHandler
    from attune.handlers.event_handler import EventHandler
    from attune.handlers.redrive import Redriver
    from attune.handlers.timer_handler import TimerHandler

CONFIG_TTL = 60.0
"""Seconds for which a pack's configuration is not read again by a warm worker."""


@once
def advancer() -> Advancer:
    """For ``advance``."""
    from attune.execution.advancer import Advancer
    from attune.execution.dispatch import Dispatcher

    dispatcher = Dispatcher(
        store=store(),
        catalog=catalog(),
        mailbox=mailbox(),
        tasks=task_queue(),
        timers=timers(),
        bus=bus(),
        clock=clock,
        events=events(),
    )
    return Advancer(store(), catalog(), dispatcher, clock, observer=_log_advance)


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


@once
def worker() -> Worker:
    """For ``run_task``. Actions find the event bus in ``ATTUNE_EVENT_BUS``, and nothing else of ours."""
    from attune.actions.runner import ActionRunner
    from attune.execution.worker import Worker

    os.environ["ATTUNE_EVENT_BUS"] = setting("EVENT_BUS")
    runner = ActionRunner(packs_dir(), default_timeout=float(setting("WORKER_TIMEOUT")), logger=log())
    return Worker(
        store=store(),
        mailbox=mailbox(),
        tasks=task_queue(),
        runner=runner,
        clock=clock,
        pack_config=_PackConfigs(),
        opener=opener,
    )


@once
def opener() -> Opener:
    """For inputs with secrets; made, and the template engine with it, when the first one comes by."""
    from attune.execution.opening import Opener

    return Opener(secrets(), values(), sealer())


class _PackConfigs:
    """The configurations of packs, read once a minute."""

    def __init__(self) -> None:
        self._known: dict[str, Remembered[Mapping[str, Any]]] = {}

    def __call__(self, pack: str) -> dict[str, Any]:
        if pack not in self._known:
            self._known[pack] = Remembered(partial(self._read, pack), clock, CONFIG_TTL)
        return dict(self._known[pack]())

    def _read(self, pack: str) -> Mapping[str, Any]:
        from attune.exceptions import NotFound

        try:
            return catalog().pack(pack).config
        except NotFound:
            return {}


@once
def starter() -> Starter:
    """Starts executions."""
    from attune.execution.execution_start import Starter

    retention = 86_400 * float(setting("RETENTION_DAYS", "0"))
    return Starter(
        store=store(),
        directory=directory(),
        catalog=catalog(),
        mailbox=mailbox(),
        clock=clock,
        entropy=os.urandom,
        sealer=sealer(),
        retention=retention,
    )


@once
def rules() -> Rules:
    """Holds events against rules."""
    from attune.execution.rules import Rules

    return Rules(catalog(), starter(), clock)


@once
def event_handler() -> EventHandler:
    """For ``on_event``."""
    from attune.adapters.aws.dynamodb.retention import DynamoRetention
    from attune.execution.sensor_polls import SensorResults
    from attune.execution.waits import Waits
    from attune.handlers.event_handler import EventHandler

    waits = Waits(events(), mailbox(), catalog(), clock)
    sensor_results = SensorResults(catalog=catalog(), store=store(), memories=sensor_store(), bus=bus(), clock=clock)
    retention = DynamoRetention(table(), blobs(), float(setting("RETENTION_DAYS", "0")), clock)
    return EventHandler(
        rules=rules(), waits=waits, sensor_results=sensor_results, retention=retention, bus=bus(), log=log()
    )


@once
def timer_handler() -> TimerHandler:
    """For ``on_timer``."""
    from attune.execution.sensor_polls import SensorPoller
    from attune.handlers.timer_handler import TimerHandler

    poller = SensorPoller(catalog(), sensor_store(), starter())
    return TimerHandler(
        timers=timers(), mailbox=mailbox(), rules=rules(), poller=poller, blobs=blobs(), clock=clock, log=log()
    )


@once
def dead_letter_handler() -> DeadLetterHandler:
    """For ``on_dead``."""
    from attune.execution.dead_letters import DeadLetters
    from attune.handlers.dead_letter_handler import DeadLetterHandler

    dead_letters = DeadLetters(store(), mailbox(), clock)
    return DeadLetterHandler(dead_letters, dead_letter_store(), blobs(), setting("EVENT_DEAD_QUEUE_ARN"))


def _examiner() -> Examiner:
    from attune.execution.examiner import Examiner
    from attune.execution.waits import LookBack

    return Examiner(
        inspector=inspector(),
        store=store(),
        catalog=catalog(),
        look_back=LookBack(store(), events()),
        backlog=queue("TASK").depth,
    )


@once
def sweeper() -> Sweeper:
    """For ``sweep``."""
    from attune.execution.sweeper import Sweeper

    return Sweeper(
        inspector=inspector(), examiner=_examiner(), mailbox=mailbox(), clock=clock, waiting=queue("ADVANCE").depth
    )


def _operations() -> Operations:
    from attune.adapters.aws.queue_ages import QueueAges
    from attune.api.services import Operations
    from attune.execution.doctor import Doctor
    from attune.handlers.checkup import Checkup

    queues = {"mailboxes": queue("ADVANCE"), "attempts": queue("TASK"), "timers": queue("TIMER")}
    cloudwatch = Lazily("cloudwatch")
    ages = QueueAges(cloudwatch, {what: queue.name for what, queue in queues.items()}, clock)
    doctor = Doctor(
        inspector=inspector(),
        examiner=_examiner(),
        store=store(),
        dead_letter_store=dead_letter_store(),
        mailbox=mailbox(),
        clock=clock,
        oldest=ages.oldest,
    )
    checkup = Checkup(
        inspector=inspector(),
        dead_letter_store=dead_letter_store(),
        queues=queues,
        ages=ages,
        cloudwatch=cloudwatch,
        stack=setting("STACK"),
        sweep_period=60 * float(setting("SWEEP_MINUTES")),
        clock=clock,
    )
    return Operations(doctor, dead_letter_store(), _redriver(), checkup)


def _redriver() -> Redriver:
    from attune.handlers.redrive import Redriver
    from attune.handlers.undelivered import OnEvent

    return Redriver(
        dead_letter_store=dead_letter_store(),
        store=store(),
        mailbox=mailbox(),
        tasks=task_queue(),
        timers=queue("TIMER"),
        on_event=OnEvent(Lazily("lambda"), setting("ON_EVENT_FUNCTION")),
        blobs=blobs(),
        clock=clock,
    )


@once
def services() -> Services:
    """For ``api``."""
    from attune.adapters.aws.schedules import AwsSchedules
    from attune.api.services import Services
    from attune.execution.inquiries import Inquiries
    from attune.execution.queries import Reader
    from attune.execution.retrier import ExecutionRetrier
    from attune.packs.registry import Registry

    return Services(
        starter=starter(),
        reader=Reader(store(), directory(), catalog()),
        registry=Registry(catalog(), AwsSchedules(scheduler()), clock, packs_dir()),
        catalog=catalog(),
        directory=directory(),
        mailbox=mailbox(),
        clock=clock,
        inquiries=Inquiries(directory(), mailbox()),
        retrier=ExecutionRetrier(store=store(), catalog=catalog(), mailbox=mailbox(), clock=clock, sealer=sealer()),
        values=values(),
        secrets=secrets(),
        operations=_operations(),
    )
