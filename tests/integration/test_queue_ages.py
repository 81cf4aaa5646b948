"""How old the oldest message of a queue is, as CloudWatch says it: asked on moto, and told by the doctor."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from attune.adapters.aws.queue_ages import QueueAges
from attune.wiring import process

METRIC = "ApproximateAgeOfOldestMessage"


def report(client: Any, queue: str, age: float, ago: float = 0.0) -> None:
    """As SQS does it each minute."""
    at = datetime.fromtimestamp(process.clock.now() - ago, UTC)
    row = {"MetricName": METRIC, "Dimensions": [{"Name": "QueueName", "Value": queue}], "Value": age, "Timestamp": at}
    client.put_metric_data(Namespace="AWS/SQS", MetricData=[row])


@pytest.fixture
def cloudwatch(aws: None) -> Any:
    return boto3.client("cloudwatch")


@pytest.fixture
def ages(cloudwatch: Any) -> QueueAges:
    return QueueAges(cloudwatch, {"attempts": "tasks", "timers": "timers"}, process.clock)


def test_the_latest_report_of_that_queue_counts(cloudwatch: Any, ages: QueueAges) -> None:
    report(cloudwatch, "tasks", 300.0, ago=200)
    report(cloudwatch, "tasks", 12.0, ago=30)
    report(cloudwatch, "timers", 999.0, ago=10)
    assert ages.oldest("attempts") == 12.0


def test_what_was_reported_long_ago_is_nothing(cloudwatch: Any, ages: QueueAges) -> None:
    report(cloudwatch, "tasks", 300.0, ago=400)
    assert ages.oldest("attempts") is None


@pytest.mark.parametrize(
    "error",
    [
        ClientError({"Error": {"Code": "AccessDenied"}}, "GetMetricStatistics"),
        EndpointConnectionError(endpoint_url="http://nowhere"),
    ],
)
def test_where_it_is_not_to_be_had_nothing_is_said(
    cloudwatch: Any, ages: QueueAges, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**_: Any) -> None:
        raise error

    monkeypatch.setattr(cloudwatch, "get_metric_statistics", refuse)
    assert ages.oldest("attempts") is None


def test_the_doctor_and_the_checkup_tell_it(stack: Any) -> None:
    execution = stack.start("flows.diamond", word="x")
    stack.invoke("advance", stack.messages())
    report(process.client("cloudwatch"), "tasks", 240.0, ago=20)
    _, body = stack.api("GET", f"/api/v1/workflow-executions/{execution}/diagnosis")
    assert body["data"]["sentence"].endswith("; the oldest message in its queue is about 4 min old")
    _, body = stack.api("GET", "/api/v1/checkup")
    said = {check["name"]: check["sentence"] for check in body["data"]["checks"]}
    assert said["queue_attempts"] == "1 attempts wait in their queue; the oldest message there is about 4 min old"
    assert said["queue_timers"] == "0 timers wait in their queue"


def test_alarms_that_may_not_be_looked_at_are_no_reason_to_fail(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: Any) -> None:
        raise ClientError({"Error": {"Code": "AccessDenied"}}, "DescribeAlarms")

    monkeypatch.setattr(process.client("cloudwatch"), "describe_alarms", refuse)
    status, body = stack.api("GET", "/api/v1/checkup")
    assert status == 200
    assert "alarms" not in {check["name"] for check in body["data"]["checks"]}
