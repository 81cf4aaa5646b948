"""A small AWS in the process (moto), with the table, queues and bucket of template.yaml in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import pytest
from botocore.loaders import JSONFileLoader
from moto import mock_aws
from moto.kms import models as kms
from moto.sqs import models as sqs

from attune.adapters.aws.blobs import S3BlobStore
from attune.adapters.aws.dynamodb.table import Table
from attune.engine.ids import AttemptId
from attune.engine.messages import Start
from attune.engine.state import State
from attune.execution.ports.queues import TaskMessage
from attune.model.action import ActionSpec, Runner
from tests.integration.aws_rules import Referee
from tests.metering.call_ledger import CallLedger

REGION = "eu-central-1"
SERVICES = ("dynamodb", "s3", "sqs", "events", "scheduler", "secretsmanager", "kms")
TABLE = {
    "TableName": "attune",
    "BillingMode": "PAY_PER_REQUEST",
    "KeySchema": [{"AttributeName": "PK", "KeyType": "HASH"}, {"AttributeName": "SK", "KeyType": "RANGE"}],
    "AttributeDefinitions": [
        {"AttributeName": name, "AttributeType": "S"} for name in ("PK", "SK", "GSI1PK", "GSI1SK")
    ],
    "GlobalSecondaryIndexes": [
        {
            "IndexName": "by_listing",
            "KeySchema": [
                {"AttributeName": "GSI1PK", "KeyType": "HASH"},
                {"AttributeName": "GSI1SK", "KeyType": "RANGE"},
            ],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
    ],
}
"""As in template.yaml; test_dynamodb.py compares them."""


@pytest.fixture(scope="session")
def known_to_all() -> Iterator[None]:
    """What boto3 and moto find out anew for every session, account and queue, once: it took most of a test's time.

    Descriptions of services, a private key (keys that encrypt have one here, too, and never use it), attribute names.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JSONFileLoader, "load_file", staticmethod(cache(JSONFileLoader().load_file)))
        patch.setattr(kms, "generate_private_key", cache(kms.generate_private_key))
        patch.setattr(sqs, "camelcase_to_underscores", cache(sqs.camelcase_to_underscores))
        yield


@pytest.fixture
def aws(known_to_all: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty AWS account in this process; no profile or endpoint of the machine is seen."""
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield


@pytest.fixture
def ledger() -> CallLedger:
    """Counts what the clients of this test call, from the moment everything stands."""
    return CallLedger()


@pytest.fixture
def referee() -> Iterator[Referee]:
    """Notes what AWS itself would have refused; a test in which there is such a thing fails."""
    referee = Referee()
    yield referee
    assert referee.broken == []


@pytest.fixture
def clients(aws: None, ledger: CallLedger, referee: Referee) -> SimpleNamespace:
    """``clients.dynamodb``, ``clients.sqs``, …: low-level clients whose calls the ledger counts."""
    session = boto3.Session(region_name=REGION)
    ledger.attach(session)
    referee.watch(session.events)
    return SimpleNamespace(**{service: session.client(service) for service in SERVICES})


@pytest.fixture
def table(clients: SimpleNamespace, ledger: CallLedger) -> Table:
    """The table, empty."""
    clients.dynamodb.create_table(**TABLE)
    ledger.reset()
    return Table(clients.dynamodb, "attune", sleep=lambda seconds: None)


@pytest.fixture
def bucket(clients: SimpleNamespace, ledger: CallLedger) -> str:
    """The bucket, empty."""
    clients.s3.create_bucket(Bucket="attune", CreateBucketConfiguration={"LocationConstraint": REGION})
    ledger.reset()
    return "attune"


@pytest.fixture
def blobs(clients: SimpleNamespace, bucket: str) -> S3BlobStore:
    """The claim check on that bucket."""
    return S3BlobStore(clients.s3, bucket)


@dataclass(frozen=True)
class TestQueue:
    """A queue of the test's own: where it is, and what lies on it."""

    __test__ = False
    client: Any
    url: str
    arn: str

    def messages(self) -> list[dict[str, Any]]:
        """Everything visible now, taken off; in order for a FIFO queue."""
        taken: list[dict[str, Any]] = []
        while found := self._receive():
            taken += found
        return taken

    def bodies(self) -> list[str]:
        """The bodies of :meth:`messages`."""
        return [message["Body"] for message in self.messages()]

    def _receive(self) -> list[dict[str, Any]]:
        answer = self.client.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10, AttributeNames=["All"])
        found: list[dict[str, Any]] = answer.get("Messages", [])
        for message in found:
            self.client.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def delayed(self) -> int:
        """How many messages are not visible yet."""
        name = "ApproximateNumberOfMessagesDelayed"
        answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
        return int(answer["Attributes"][name])


@pytest.fixture
def queues(clients: SimpleNamespace, ledger: CallLedger) -> SimpleNamespace:
    """``queues.advance`` (FIFO), ``queues.tasks`` and ``queues.timers``, empty."""
    fifo = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    settings: dict[str, dict[str, str]] = {"advance": fifo, "tasks": {}, "timers": {}}
    made = {name: _queue(clients.sqs, name, attributes) for name, attributes in settings.items()}
    ledger.reset()
    return SimpleNamespace(**made)


def _queue(client: Any, name: str, attributes: dict[str, str]) -> TestQueue:
    full_name = f"{name}.fifo" if attributes else name
    url = client.create_queue(QueueName=full_name, Attributes=attributes)["QueueUrl"]
    answer = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return TestQueue(client, url, answer["Attributes"]["QueueArn"])


EXECUTION = "01JEXECVT10N00000000000001"
NOW = 1_767_225_600.25


class Make:
    """Things with the fields that a test doesn't care about filled in; all of one execution unless told otherwise."""

    execution = EXECUTION
    now = NOW

    @staticmethod
    def start(execution: str = EXECUTION, **more: Any) -> Start:
        fields = {"workflow": "t.w", "workflow_version": 3, "parameters": {"a": [1, None, "ä"]}, "created_at": NOW}
        return Start(**{"execution": execution, **fields, **more})

    @staticmethod
    def state(execution: str = EXECUTION, **more: Any) -> State:
        fields = {"workflow": "t.w", "workflow_version": 3, "created_at": NOW, "size": 3, "updated_at": NOW + 1}
        return State(**{"execution": execution, **fields, **more})

    @staticmethod
    def task(attempt: AttemptId | None = None, *, idempotent: bool = True, **inputs: Any) -> TaskMessage:
        spec = ActionSpec("t.do", "t", runner=Runner.PYTHON, entry_point="do.py:run", idempotent=idempotent)
        return TaskMessage(
            execution=EXECUTION, workflow="t.w", attempt=attempt or AttemptId("a"), spec=spec, input=inputs
        )


@pytest.fixture
def make() -> type[Make]:
    """Makes starts, states and task messages."""
    return Make


def _settings(clients: SimpleNamespace, bucket: str, queues: SimpleNamespace, packs_dir: Path) -> dict[str, str]:
    """What template.yaml sets as ``ATTUNE__…``."""
    return {
        "TABLE": "attune",
        "BUCKET": bucket,
        "ADVANCE_QUEUE_URL": queues.advance.url,
        "TASK_QUEUE_URL": queues.tasks.url,
        "TIMER_QUEUE_URL": queues.timers.url,
        "TIMER_QUEUE_ARN": queues.timers.arn,
        "EVENT_BUS": "attune",
        "SCHEDULE_GROUP": "attune",
        "SCHEDULE_ROLE_ARN": "arn:aws:iam::123456789012:role/schedules",
        "PACKS_BASE_DIR": str(packs_dir),
        "WORKER_TIMEOUT": "60",
        "SECRETS_PREFIX": "attune/",
        "SECRETS_KEY": clients.kms.create_key()["KeyMetadata"]["Arn"],
        "STACK": "attune",
        "SWEEP_MINUTES": "5",
        "ON_EVENT_FUNCTION": "on_event",
        "EVENT_DEAD_QUEUE_ARN": "arn:aws:sqs:eu-central-1:123456789012:dead-events",
    }


@pytest.fixture
def bare_stack(
    clients: SimpleNamespace,
    table: Table,
    bucket: str,
    queues: SimpleNamespace,
    packs_dir: Path,
    referee: Referee,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Any]:
    """The functions as they are deployed, on this AWS; no pack is registered. They do only what their roles allow."""
    from attune.wiring import process, storage
    from tests.integration.permissions import Guard
    from tests.integration.stack import Stack, function

    clients.events.create_event_bus(Name="attune")
    clients.scheduler.create_schedule_group(Name="attune")
    named = {"AdvanceQueue": queues.advance, "TaskQueue": queues.tasks, "TimerQueue": queues.timers}
    guard = Guard({queue.url: f"{name}.Arn" for name, queue in named.items()})
    for name, value in _settings(clients, bucket, queues, packs_dir).items():
        monkeypatch.setenv(f"ATTUNE__{name}", value)
    reset = process.reset

    def begin_anew() -> None:
        """A test may do that, too; its new clients are watched as well."""
        reset()
        guard.watch(process._session())
        referee.watch(process._session())

    monkeypatch.setattr(process, "reset", begin_anew)
    process.reset()
    storage.directory().put_token("token", "tester")
    names = ("api", "advance", "run_task", "on_event", "on_timer", "on_dead", "sweep")
    functions = {name: function(name) for name in names}
    for name, module in functions.items():
        module.handler = guard.guarded(name, module.handler)  # type: ignore[attr-defined]
    yield Stack(queues, functions)
    reset()
    assert guard.refused == []


@pytest.fixture
def stack(bare_stack: Any, clients: SimpleNamespace, packs_dir: Path, ledger: CallLedger) -> Any:
    """The functions as they are deployed, with the project's own packs and the fixtures registered."""
    from tests.integration.registration import register_packs

    register_packs(bare_stack, clients, packs_dir)
    ledger.reset()
    return bare_stack
