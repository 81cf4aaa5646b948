"""What our own events on the bus are called: their ``source`` and their ``detail-type``."""

from __future__ import annotations

from typing import Final

from attune.model.status import ExecutionStatus

SOURCE: Final = "attune"
"""Of what executions announce."""
SCHEDULE_SOURCE: Final = "attune.schedule"
"""Of the events that stand for a rule's schedule; ``detail`` is ``{rule, time}``."""
SENSOR_SOURCE: Final = "attune.sensor"
"""Of the events that sensors put on the bus; ``detail`` is ``{sensor, key, item, execution_id}``."""

SCHEDULE: Final = "Schedule"
"""The detail-type of :data:`SCHEDULE_SOURCE`."""
RETENTION_CONTINUED: Final = "Workflow Execution Retention Continued"
"""What ``on_event`` tells itself of a retention that it had no time to finish; no rule sees it."""


def announced_as(status: ExecutionStatus) -> str:
    """``Workflow Execution Completed``, and so on: what rules match."""
    return f"Workflow Execution {status.replace('_', ' ').title()}"


COMPLETED: Final = announced_as(ExecutionStatus.COMPLETED)
