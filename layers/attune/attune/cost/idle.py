"""What a deployment costs when nothing runs, in dollars a month."""

from __future__ import annotations

from dataclasses import dataclass

from attune.cost.prices import ALARM_MONTH, KEY_MONTH, PRICES, Meter

MONTH = 30 * 24 * 3600
"""Seconds."""
POLLERS = 5
"""Long polls that Lambda keeps open at a queue with a mapping: it scales back to no fewer where the mapping has a
``MaximumConcurrency``, as ours have.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html"""
LONG_POLL = 20
"""Seconds that an empty long poll takes at most, and takes when nothing comes."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """How many queues have a mapping, FIFO and standard, and how many alarms and KMS keys there are."""

    fifo_queues: int
    standard_queues: int
    alarms: int
    keys: int = 0


def empty_polls(queues: int) -> float:
    """Requests a month that find nothing."""
    return queues * POLLERS * MONTH / LONG_POLL


def monthly(deployment: Deployment) -> list[tuple[str, float]]:
    """What is paid for, and the dollars; nothing is stored yet."""
    fifo = PRICES[Meter.SQS_FIFO].of(empty_polls(deployment.fifo_queues))
    standard = PRICES[Meter.SQS_STANDARD].of(empty_polls(deployment.standard_queues))
    return [
        (f"empty polls of {deployment.fifo_queues + deployment.standard_queues} queues", fifo + standard),
        (f"{deployment.alarms} alarms", ALARM_MONTH.of(deployment.alarms)),
        (f"{deployment.keys} KMS key", KEY_MONTH.of(deployment.keys)),
    ]
