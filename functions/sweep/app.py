"""sweep: finds executions that should have moved and didn't, and sends what is missing. Runs on a schedule."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from attune.wiring.functions import sweeper
from attune.wiring.process import log

MARGIN = 15_000
"""Milliseconds kept back for what follows the last look."""


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Returns how many executions were looked at, and how many repairs were made, by what was found.

    ``event`` is the schedule's, and not looked at. The metric ``Repairs`` costs nothing while there are none.
    """
    swept = sweeper().sweep(lambda: context.get_remaining_time_in_millis() < MARGIN)
    if swept.unreadable:
        log().error("executions could not be looked at", extra={"executions": swept.unreadable[:100]})
    if swept.repairs:
        log().warning("executions stood still", extra={"repairs": swept.repairs, "executions": swept.repaired[:100]})
        _count(swept.repairs.total())
    return {"looked": swept.looked, "repairs": dict(swept.repairs)}


def _count(repairs: int) -> None:
    """The metric is a line of the log: without a level Lambda would drop it where LogLevel is WARN or ERROR."""
    metrics = Metrics(namespace="Attune")
    metrics.add_metric("Repairs", MetricUnit.Count, repairs)
    metrics.add_metadata("level", "ERROR")
    metrics.add_metadata("timestamp", datetime.now(UTC).isoformat(timespec="milliseconds"))
    metrics.flush_metrics()
