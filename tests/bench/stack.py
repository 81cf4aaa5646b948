"""The deployed functions on moto with everything that is billed counted: for the cost table of the docs.

Units come from the calls' own parameters (:class:`tests.metering.unit_ledger.UnitLedger`); what Lambda's event source
mappings do is counted here. Time is the CPU time of the handlers and of the actions' processes, with what the ledger
takes for itself (a twentieth); for it to be right, moto runs in a process of its own (:func:`account`).
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import boto3

from attune.cost.prices import Meter
from attune.cost.units import chunks
from attune.wiring import process, storage
from tests.bench import worker
from tests.bench.books import Books, ShiftedClock
from tests.bench.timing import quartile
from tests.bench.worker import Remote
from tests.integration.queues import HeldQueue
from tests.integration.stack import Stack, function
from tests.metering.unit_ledger import UnitLedger, sqs_meter
from tests.template import RESOURCES, TEMPLATE, default, properties

FUNCTIONS = ("api", "advance", "run_task", "on_event", "on_timer", "on_dead")


def memory(function: str) -> float:
    """GB of a function, as template.yaml has it."""
    own = properties(function).get("MemorySize")
    return float(default(own or TEMPLATE["Globals"]["Function"]["MemorySize"])) / 1024


@dataclass
class Bench(Stack):
    """A stack that keeps its ``books``; with a ``remote`` worker, ``run_task`` runs in that process."""

    clock: ShiftedClock = field(default_factory=ShiftedClock)
    remote: Remote | None = None

    def __post_init__(self) -> None:
        self.books = Books()
        self._answering = False
        self._timers: list[str] = []
        self._events: list[dict[str, Any]] = []

    @property
    def units(self) -> UnitLedger:
        """What was billed."""
        return self.books.units

    def attach(self) -> None:
        """Begin counting, and keep what is sent."""
        self.books.attach()
        process.client("events").meta.events.register("provide-client-params.events.PutEvents", self._note_events)
        process.client("sqs").meta.events.register("provide-client-params.sqs.SendMessageBatch", self._note_sent)
        schedules = process.client("scheduler").meta.events
        schedules.register("provide-client-params.scheduler.CreateSchedule", self._note_schedule)

    def reset(self) -> None:
        """Forget what was counted so far."""
        self.books.reset()

    def _note_events(self, params: Any, **_: Any) -> None:
        for entry in params["Entries"]:
            event = {"source": entry["Source"], "detail-type": entry["DetailType"], "id": f"e-{len(self._events)}"}
            self._events.append({**event, "detail": json.loads(entry["Detail"])})

    def _note_sent(self, params: Any, **_: Any) -> None:
        url, entries = params["QueueUrl"], params["Entries"]
        if url == self.queues.timers.url:
            self._timers += [entry["MessageBody"] for entry in entries]
        for queue in (self.queues.advance, self.queues.tasks):
            if url == queue.url:
                queue.put(entries)

    def _note_schedule(self, params: Any, **_: Any) -> None:
        """It will fire, and send a message."""
        self._timers.append(params["Target"]["Input"])
        self.units.add(Meter.SCHEDULER, 1)
        self.units.add(Meter.SQS_STANDARD, 1)

    def start(self, ref: str, **parameters: Any) -> str:
        """Start a workflow through the API, which is billed, too."""
        with self.books.running("api"):
            execution = super().start(ref, **parameters)
        self.units.add(Meter.HTTP_API, 1)
        return execution

    def invoke(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Call a function, its time taken."""
        messages = len(event.get("Records", ()))
        if name == worker.NAME and self.remote is not None:
            return self._invoke_remote(self.remote(event, self.clock.shift), messages)
        with self.books.running(name, messages):
            return super().invoke(name, event)

    def _invoke_remote(self, row: dict[str, Any], messages: int) -> dict[str, Any]:
        """What the worker's process has done, into the books of this one."""
        self.books.times.setdefault((worker.NAME, messages), []).append(row["cpu"])
        for meter, units in row["usage"].items():
            self.units.add(Meter(meter), units)
        for params in row["sent"]:
            self._note_sent(params)
        return dict(row["answer"])

    @property
    def seconds(self) -> dict[str, float]:
        """CPU time by function: of calls with as many messages the lower quartile, for a busy machine adds to it."""
        sums: dict[str, float] = {}
        for (name, _), taken in self.books.times.items():
            sums[name] = sums.get(name, 0.0) + quartile(taken) * len(taken)
        return sums

    def by_mapping(self, name: str, queue: Any, event: dict[str, Any]) -> None:
        """A batch that an event source mapping received, delivered and deleted."""
        size = sum(len(record["body"].encode()) for record in event["Records"])
        self.units.add(sqs_meter(queue.url), chunks(size) + 1)
        assert self.invoke(name, event) == {"batchItemFailures": []}

    def pump(self, *, answer: bool = False) -> int:
        """Deliver until nothing is left to do; with ``answer``, answer what is asked before any timer fires."""
        self._answering = answer
        return super().pump()

    def _deliveries(self) -> Iterator[bool]:
        """A batch of each kind; time passes only when nothing else is left to do."""
        moved = [self._deliver("advance", self.queues.advance), self._deliver("run_task", self.queues.tasks)]
        moved.append(self._deliver_event())
        if not any(moved) and self._answering:
            moved.append(self._answer_all())
        if not any(moved):
            moved.append(self._deliver_timers())
        yield from moved

    def _deliver(self, name: str, queue: Any) -> bool:
        event = self._event(queue, fifo=name == "advance")
        if event is not None:
            self.by_mapping(name, queue, event)
        return event is not None

    def _answer_all(self) -> bool:
        """Answer every open inquiry, through the API."""
        self._answering = False
        inquiries = self.api("GET", "/api/v1/inquiries?limit=200")[1]["data"]["items"]
        for inquiry in inquiries:
            with self.books.running("api"):
                assert self.api("POST", f"/api/v1/inquiries/{inquiry['id']}/answer", {"response": {}})[0] == 202
            self.units.add(Meter.HTTP_API, 1)
        return bool(inquiries)

    def _deliver_event(self) -> bool:
        if not self._events:
            return False
        self.invoke("on_event", self._events.pop(0))
        return True

    def _deliver_timers(self) -> bool:
        """Let the next timer be due, by the clock of the functions, and deliver what is due then."""
        if not self._timers:
            return False
        self._timers.sort(key=lambda body: float(json.loads(body)["due"]))
        self.clock.shift = max(json.loads(self._timers[0])["due"] - time.time(), self.clock.shift)
        due = [body for body in self._timers[:10] if json.loads(body)["due"] <= self.clock.now()]
        del self._timers[: len(due)]
        records = [
            self._record({"MessageId": "t", "Body": body, "Attributes": {}}, self.queues.timers, fifo=False)
            for body in due
        ]
        self.by_mapping("on_timer", self.queues.timers, {"Records": records})
        return True


@contextlib.contextmanager
def account() -> Iterator[None]:
    """An AWS account in another process, to which every boto3 client made meanwhile talks."""
    port = _free_port()
    command = [sys.executable, "-m", "tests.bench.account", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _await(port)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            os.environ.pop(name, None)
        os.environ |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}
        os.environ |= {"AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        yield
    finally:
        server.terminate()
        server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await(port: int) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.1):
            return
        time.sleep(0.1)
    raise TimeoutError("moto does not answer")


@contextlib.contextmanager
def deployed(packs: Path, *, apart: bool) -> Iterator[Bench]:
    """The functions on whatever account boto3 finds, with what template.yaml has them use; warm, and counting.

    ``apart``: the worker is a process of its own, of the size that it has on Lambda.
    """
    session = boto3.Session()
    table = {"TableName": "attune", **RESOURCES["Table"]["Properties"]}
    wanted = ("TableName", "BillingMode", "KeySchema", "AttributeDefinitions", "GlobalSecondaryIndexes")
    tables = session.client("dynamodb")
    tables.create_table(**{name: table[name] for name in wanted})
    session.client("s3").create_bucket(Bucket="attune")
    session.client("events").create_event_bus(Name="attune")
    session.client("scheduler").create_schedule_group(Name="attune")
    sqs = session.client("sqs")
    fifo = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    names: dict[str, dict[str, str]] = {"advance.fifo": fifo, "tasks": {}, "timers": {}}
    queues = {name.removesuffix(".fifo"): _queue(sqs, name, attributes) for name, attributes in names.items()}
    with contextlib.ExitStack() as patches:
        patches.enter_context(mock.patch.dict(os.environ, _environment(queues, packs)))
        clock = ShiftedClock()
        patches.enter_context(mock.patch.object(process.clock, "now", clock.now))
        # A busy machine must not look like slow actions, whose ends are reported one by one.
        patches.enter_context(mock.patch("attune.execution.worker.REPORT_EVERY", 60.0))
        process.reset()
        storage.directory().put_token("token", "bench")
        held = SimpleNamespace(**{name: HeldQueue(queue) for name, queue in queues.items()})
        bench = Bench(held, {name: function(name) for name in FUNCTIONS}, clock=clock)
        if apart:
            bench.remote = Remote()
            patches.callback(bench.remote.close)
        assert bench.api("POST", "/api/v1/packs/sync")[0] == 200
        bench.attach()
        yield bench
        process.reset()


def _queue(client: Any, name: str, attributes: dict[str, str]) -> SimpleNamespace:
    url = client.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return SimpleNamespace(client=client, url=url, arn=arn)


def _environment(queues: dict[str, SimpleNamespace], packs: Path) -> dict[str, str]:
    settings = {
        "TABLE": "attune",
        "BUCKET": "attune",
        "ADVANCE_QUEUE_URL": queues["advance"].url,
        "TASK_QUEUE_URL": queues["tasks"].url,
        "TIMER_QUEUE_URL": queues["timers"].url,
        "TIMER_QUEUE_ARN": queues["timers"].arn,
        "EVENT_BUS": "attune",
        "SCHEDULE_GROUP": "attune",
        "SECRETS_PREFIX": "attune/",
        "SECRETS_KEY": "alias/attune",
        "STACK": "attune",
        "SWEEP_MINUTES": "5",
        "ON_EVENT_FUNCTION": "on_event",
        "EVENT_DEAD_QUEUE_ARN": "arn:aws:sqs:eu-central-1:123456789012:dead-events",
        "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/schedules",
        "PACKS_BASE_DIR": str(packs),
        "WORKER_TIMEOUT": "300",
    }
    return {f"ATTUNE__{name}": value for name, value in settings.items()}


def write_pack(folder: Path, workflows: dict[str, str]) -> None:
    """A pack ``bench`` with these workflows."""
    (folder / "workflows").mkdir(parents=True, exist_ok=True)
    (folder / "pack.yaml").write_text("ref: bench\nlabel: Bench\nversion: 1.0.0\ndescription: What is measured\n")
    for name, text in workflows.items():
        (folder / "workflows" / f"{name}.yaml").write_text(f"ref: bench.{name}\nlabel: {name}\n{text}")
