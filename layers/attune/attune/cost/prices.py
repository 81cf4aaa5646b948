"""List prices, in one place: us-east-1 (eu-west-1 and others differ), without free tiers and discounts, in US dollars.

``AS_OF`` is the day on which they were last held against what could be read of their sources. AWS's own pages fill in
most figures by script, so that stored copies lack them: ``seen`` says where the figure itself was read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

AS_OF = "2026-11-21"
REGION = "us-east-1"
MILLION = 1_000_000


class Meter(StrEnum):
    """Something that AWS counts and bills."""

    DYNAMODB_WRITE = "DynamoDB write units"
    DYNAMODB_READ = "DynamoDB read units"
    SQS_FIFO = "SQS FIFO requests"
    SQS_STANDARD = "SQS standard requests"
    LAMBDA_REQUEST = "Lambda requests"
    LAMBDA_TIME = "Lambda GB-seconds"
    EVENTS = "EventBridge events"
    SCHEDULER = "Scheduler invocations"
    S3_PUT = "S3 puts"
    S3_GET = "S3 gets"
    HTTP_API = "HTTP API requests"
    SECRETS = "Secrets Manager calls"
    LOGS = "CloudWatch Logs GB taken in"


@dataclass(frozen=True, slots=True)
class Price:
    """``dollars`` for ``per`` units; ``source`` is AWS's page that says so.

    ``seen`` is the page on which this figure was read; empty: on none, it is quoted from memory.
    """

    dollars: float
    per: float
    source: str
    seen: str = ""

    def of(self, units: float) -> float:
        """Dollars for so many units."""
        return units * self.dollars / self.per


_DYNAMODB = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_SQS = "https://aws.amazon.com/sqs/pricing/"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_EVENTS = "https://aws.amazon.com/eventbridge/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_STEP_FUNCTIONS = "https://aws.amazon.com/step-functions/pricing/"

_SEEN_DYNAMODB = "https://airbyte.com/data-engineering-resources/dynamodb-pricing"
_SEEN_SQS = "https://cloudburn.io/blog/amazon-sqs-pricing"
_SEEN_LAMBDA = "https://cloudchipr.com/blog/aws-lambda-pricing"
_SEEN_REQUESTS = "https://appropri8-astro.pages.dev/tutorials/2025/12/02/deploying-simple-api-aws/page/7"
_SEEN_EVENTS = "https://cloudburn.io/blog/amazon-eventbridge-pricing"
_SEEN_LOGS = "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/"
_SEEN_EXPRESS = "https://www.wring.co/blog/aws-step-functions-pricing-guide"

PRICES: Mapping[Meter, Price] = {
    # The price since November 2024: a unit is 1 KB written, or 4 KB read consistently.
    Meter.DYNAMODB_WRITE: Price(0.625, MILLION, _DYNAMODB, _SEEN_DYNAMODB),
    Meter.DYNAMODB_READ: Price(0.125, MILLION, _DYNAMODB, _SEEN_DYNAMODB),
    # Each 64 KB of a request is one; receives and deletes are requests, too.
    Meter.SQS_FIFO: Price(0.50, MILLION, _SQS, _SEEN_SQS),
    Meter.SQS_STANDARD: Price(0.40, MILLION, _SQS, _SEEN_SQS),
    Meter.LAMBDA_REQUEST: Price(0.20, MILLION, _LAMBDA, _SEEN_REQUESTS),
    Meter.LAMBDA_TIME: Price(0.0000133334, 1, _LAMBDA, _SEEN_LAMBDA),  # arm64, the template's default
    Meter.EVENTS: Price(1.00, MILLION, _EVENTS, _SEEN_EVENTS),  # custom events, each 64 KB
    Meter.SCHEDULER: Price(1.00, MILLION, _EVENTS, _SEEN_EVENTS),
    Meter.S3_PUT: Price(0.005, 1_000, _S3),
    Meter.S3_GET: Price(0.0004, 1_000, _S3),
    Meter.HTTP_API: Price(
        1.00, MILLION, "https://aws.amazon.com/api-gateway/pricing/", "https://www.apigatewaycost.com/aws"
    ),
    Meter.SECRETS: Price(0.05, 10_000, "https://aws.amazon.com/secrets-manager/pricing/"),
    Meter.LOGS: Price(0.50, 1, _CLOUDWATCH, _SEEN_LOGS),
}

ALARM_MONTH = Price(0.10, 1, _CLOUDWATCH)
"""A standard-resolution alarm, a month."""
KEY_MONTH = Price(1.00, 1, "https://aws.amazon.com/kms/pricing/", "https://cloudburn.io/blog/aws-kms-pricing")
"""A KMS key of one's own, a month."""
TRACE = Price(5.00, MILLION, "https://aws.amazon.com/xray/pricing/", "https://aws.amazon.com/de/xray/pricing/")
"""A trace that X-Ray records; none with the template's ``TracingMode: PassThrough``."""
TABLE_GB_MONTH = Price(0.25, 1, _DYNAMODB)
TABLE_BACKUP_GB_MONTH = Price(0.20, 1, _DYNAMODB)
"""Point-in-time recovery, by the size of the table."""
BUCKET_GB_MONTH = Price(0.023, 1, _S3)
LOGS_GB_MONTH = Price(0.03, 1, _CLOUDWATCH)

TRANSITION = Price(25.00, MILLION, _STEP_FUNCTIONS, _STEP_FUNCTIONS)
"""A state transition of a Standard workflow; each retry is one."""
EXPRESS_REQUEST = Price(1.00, MILLION, _STEP_FUNCTIONS, _SEEN_EXPRESS)
EXPRESS_TIME = Price(0.00001667, 1, _STEP_FUNCTIONS, _SEEN_EXPRESS)
"""A GB-second of an Express workflow: duration in steps of 100 ms, memory in steps of 64 MB."""
DURABLE_OPERATION = Price(8.00, MILLION, _LAMBDA)
"""An operation (a start, a step, a wait, a callback) of a Lambda durable function."""
DURABLE_GB_WRITTEN = Price(0.25, 1, _LAMBDA)
