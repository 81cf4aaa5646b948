"""What the integration tests hold every request against must be able to say no."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.aws_rules import Referee
from tests.integration.conftest import REGION

URL = "https://sqs/queue"
FIFO = {"QueueUrl": f"{URL}.fifo"}
ENTRY = {"Id": "0", "MessageBody": "{}", "MessageGroupId": "g", "MessageDeduplicationId": "d"}
EVENT = {"EventBusName": "bus", "Source": "attune", "DetailType": "News", "Detail": "{}"}
SCHEDULE = {
    "Name": "n",
    "ScheduleExpression": "rate(5 minutes)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {"Arn": "a", "RoleArn": "arn:aws:iam::123456789012:role/r"},
}
KEY = {"PK": {"S": "p"}, "SK": {"S": "s"}}
PUT = {"PutRequest": {"Item": KEY}}
DELETE = {"DeleteRequest": {"Key": KEY}}


def query(condition: str, /, values: dict[str, str], **more: Any) -> dict[str, Any]:
    plain = {name: {"S": value} for name, value in values.items()}
    return {"TableName": "t", "KeyConditionExpression": condition, "ExpressionAttributeValues": plain, **more}


BETWEEN = "PK = :pk AND SK BETWEEN :low AND :high"
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("dynamodb", "GetItem", {"TableName": "t"}, "lacks Key"),
    ("dynamodb", "GetItem", {"TableName": "t", "Key": KEY, "Consistent": True}, "has no Consistent"),
    ("dynamodb", "GetItem", {"TableName": "t", "Key": KEY, "ProjectionExpression": "ttl"}, "TTL is a reserved word"),
    ("dynamodb", "GetItem", {"TableName": "t", "Key": {**KEY, "SK": {"S": ""}}}, "0 bytes, not 1 to 1024"),
    ("dynamodb", "GetItem", {"TableName": "t", "Key": {**KEY, "SK": {"S": "x" * 1025}}}, "1025 bytes"),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": {**KEY, "d": {"S": "x" * 409_600}}}, "an item of"),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": {**KEY, "n": {"N": "nan"}}}, "n is no number"),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": {**KEY, "d": {"S": "\ud800"}}}, "in UTF-8"),
    ("dynamodb", "Query", query("PK = :pk", {":pk": "p", ":unused": "u"}), "used are"),
    ("dynamodb", "Query", query("PK = :pk", {":pk": "p"}, IndexName="i", ConsistentRead=True), "consistently"),
    ("dynamodb", "Query", query(BETWEEN, {":pk": "p", ":low": "b", ":high": "a"}), "BETWEEN"),
    ("dynamodb", "Query", query("PK = :pk AND SK >= :low", {":pk": "p", ":low": "x" * 1025}), "1025 bytes"),
    ("dynamodb", "BatchWriteItem", {"RequestItems": {"t": [PUT, DELETE]}}, "twice in one batch"),
    ("dynamodb", "BatchGetItem", {"RequestItems": {"t": {"Keys": [KEY, KEY]}}}, "twice in one batch"),
    ("dynamodb", "BatchWriteItem", {"RequestItems": {"t": []}}, "is 0, not 1 to 25"),
    ("sqs", "SendMessageBatch", {"QueueUrl": URL, "Entries": [{"Id": "0", "MessageBody": "a\x0b"}]}, "the body"),
    ("sqs", "SendMessageBatch", {"QueueUrl": URL, "Entries": [{"Id": "a b", "MessageBody": "{}"}]}, "the id"),
    ("sqs", "SendMessageBatch", {**FIFO, "Entries": [{**ENTRY, "DelaySeconds": 1}]}, "the delay"),
    ("sqs", "SendMessageBatch", {**FIFO, "Entries": [{**ENTRY, "MessageGroupId": "ä"}]}, "the group"),
    (
        "sqs",
        "SendMessageBatch",
        {**FIFO, "Entries": [{**ENTRY, "MessageDeduplicationId": "x" * 129}]},
        "deduplication",
    ),
    ("sqs", "SendMessageBatch", {**FIFO, "Entries": [ENTRY, ENTRY]}, "two with one id"),
    ("sqs", "SendMessageBatch", {**FIFO, "Entries": [{**ENTRY, "MessageBody": "x" * 2**21}]}, "1 MiB"),
    ("events", "PutEvents", {"Entries": [{**EVENT, "Source": "aws.s3"}]}, "source"),
    ("events", "PutEvents", {"Entries": [{**EVENT, "DetailType": "x" * 129}]}, "detail-type"),
    ("events", "PutEvents", {"Entries": [{**EVENT, "Detail": "[]"}]}, "no object"),
    ("events", "PutEvents", {"Entries": [{**EVENT, "Detail": '{"wei": 10000000000000000000}'}]}, "64 bits"),
    ("events", "PutEvents", {"Entries": [EVENT] * 11}, "is 11, not 1 to 10"),
    ("events", "PutEvents", {"Entries": [{**EVENT, "Detail": '{"a": "' + "x" * 2**18 + '"}'}]}, "bytes in one call"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "Name": "a b"}, ".Name is not like"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "Name": "x" * 65}, ".Name is 65, not 1 to 64"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "ScheduleExpression": "cron(0 2 * * * *)"}, "no schedule"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "State": "ON"}, "is none of"),
    ("secretsmanager", "GetSecretValue", {"SecretId": "attune/a b"}, "no name of a secret"),
    ("kms", "Encrypt", {"KeyId": "k", "Plaintext": b"x" * 4097}, "is 4097, not 1 to 4096"),
    ("s3", "GetObject", {"Bucket": "b", "Key": "x" * 1025}, "no key of an object"),
    ("lambda", "Invoke", {"FunctionName": "f", "InvocationType": "Event", "Payload": b"x" * 2**21}, "1 MiB"),
]


@pytest.mark.parametrize(("service", "operation", "params", "problem"), REFUSED)
def test_what_aws_refuses_is_noted(
    aws: None, service: str, operation: str, params: dict[str, Any], problem: str
) -> None:
    from botocore.session import get_session

    referee = Referee()
    client = get_session().create_client(service, region_name=REGION)
    referee._asked(params, client.meta.service_model.operation_model(operation))
    assert [one for one in referee.broken if problem in one], referee.broken


def test_a_request_is_noted_though_its_caller_never_hears_of_it(clients: Any, referee: Referee) -> None:
    with contextlib.suppress(ClientError):
        clients.kms.encrypt(KeyId="k", Plaintext=b"x" * 4097)
    referee.forgive("is 4097, not 1 to 4096")
