"""How long messages wait in the queues, as CloudWatch tells it: SQS itself does not say."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from attune.execution.ports.clock import Clock

LOOK_BACK = timedelta(minutes=5)
"""SQS reports each minute, a minute or two late."""


class QueueAges:
    """``names`` are the queues' own, by what lies on them; ``cloudwatch`` is a client of it."""

    def __init__(self, cloudwatch: Any, names: Mapping[str, str], clock: Clock) -> None:
        self._cloudwatch, self._names, self._clock = cloudwatch, names, clock

    def oldest(self, what: str) -> float | None:
        """About how many seconds the oldest message has been in a queue, waiting or in hand.

        None where that is not to be had: there is no such metric, or it may not be read. It is only said beside other
        things, so it never raises for that.
        """
        now = datetime.fromtimestamp(self._clock.now(), UTC)
        try:
            answer = self._cloudwatch.get_metric_statistics(
                Namespace="AWS/SQS",
                MetricName="ApproximateAgeOfOldestMessage",
                Dimensions=[{"Name": "QueueName", "Value": self._names[what]}],
                StartTime=now - LOOK_BACK,
                EndTime=now,
                Period=60,
                Statistics=["Maximum"],
            )
        except (ClientError, BotoCoreError):
            return None
        points = sorted(answer.get("Datapoints", ()), key=lambda point: point["Timestamp"])
        return float(points[-1]["Maximum"]) if points else None
