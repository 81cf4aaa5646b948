"""The ways out: queues, schedules, the bus."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attune.wiring.process import Lazily, client, once, setting
from attune.wiring.storage import blobs

if TYPE_CHECKING:
    from attune.adapters.aws.event_bus import EventBridgeBus
    from attune.adapters.aws.scheduler import Scheduler
    from attune.adapters.aws.sqs import Queue, SqsMailbox, SqsTaskQueue
    from attune.adapters.aws.timers import AwsTimers


@once
def bus() -> EventBridgeBus:
    """The event bus."""
    from attune.adapters.aws.event_bus import EventBridgeBus

    return EventBridgeBus(Lazily("events"), setting("EVENT_BUS"))


def queue(name: str) -> Queue:
    """``ADVANCE``, ``TASK`` or ``TIMER``."""
    from attune.adapters.aws.sqs import Queue

    return Queue(client("sqs"), setting(f"{name}_QUEUE_URL"))


@once
def mailbox() -> SqsMailbox:
    """The advance queue."""
    from attune.adapters.aws.sqs import SqsMailbox

    return SqsMailbox(queue("ADVANCE"), blobs())


@once
def task_queue() -> SqsTaskQueue:
    """The task queue."""
    from attune.adapters.aws.sqs import SqsTaskQueue

    return SqsTaskQueue(queue("TASK"), blobs())


@once
def scheduler() -> Scheduler:
    """Schedules, all of which send to the timer queue."""
    from attune.adapters.aws.scheduler import Scheduler, Target

    target = Target(setting("TIMER_QUEUE_ARN"), setting("SCHEDULE_ROLE_ARN"))
    return Scheduler(Lazily("scheduler"), setting("SCHEDULE_GROUP"), target)


@once
def timers() -> AwsTimers:
    """Delayed messages and one-time schedules."""
    from attune.adapters.aws.timers import AwsTimers

    return AwsTimers(queue("TIMER"), scheduler())
