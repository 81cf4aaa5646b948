"""What the API asks for to look after a stack: diagnosis, repair, dead letters, checkup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attune.wiring.process import Lazily, clock, once, setting
from attune.wiring.sending import mailbox, queue, task_queue
from attune.wiring.storage import blobs, catalog, dead_letter_store, events, inspector, store

if TYPE_CHECKING:
    from attune.adapters.aws.queue_ages import QueueAges
    from attune.adapters.aws.sqs import Queue
    from attune.api.services import Operations
    from attune.execution.doctor import Doctor
    from attune.execution.examiner import Examiner
    from attune.handlers.checkup import Checkup
    from attune.handlers.redrive import Redriver

_cloudwatch = Lazily("cloudwatch")


def examiner() -> Examiner:
    """Looks at an execution; for the sweep, too."""
    from attune.execution.examiner import Examiner
    from attune.execution.waits import LookBack

    return Examiner(
        inspector=inspector(),
        store=store(),
        catalog=catalog(),
        look_back=LookBack(store(), events()),
        backlog=queue("TASK").depth,
    )


def operations() -> Operations:
    """For the routes of operators."""
    from attune.api.services import Operations
    from attune.execution.kept_dead_letters import KeptDeadLetters

    kept = KeptDeadLetters(dead_letter_store())
    return Operations(doctor=_doctor(), dead_letters=kept, redriver=_redriver(), checkup=_checkup())


def _queues() -> dict[str, Queue]:
    """By what lies on them."""
    return {"mailboxes": queue("ADVANCE"), "attempts": queue("TASK"), "timers": queue("TIMER")}


@once
def _ages() -> QueueAges:
    from attune.adapters.aws.queue_ages import QueueAges

    return QueueAges(_cloudwatch, {what: queue.name for what, queue in _queues().items()}, clock)


def _doctor() -> Doctor:
    from attune.execution.doctor import Doctor

    return Doctor(
        inspector=inspector(),
        examiner=examiner(),
        store=store(),
        dead_letter_store=dead_letter_store(),
        mailbox=mailbox(),
        clock=clock,
        oldest=_ages().oldest,
    )


def _redriver() -> Redriver:
    from attune.handlers.redrive import Redriver
    from attune.handlers.undelivered import OnEvent

    return Redriver(
        dead_letter_store=dead_letter_store(),
        store=store(),
        mailbox=mailbox(),
        tasks=task_queue(),
        timers=queue("TIMER"),
        on_event=OnEvent(Lazily("lambda"), setting("ON_EVENT_FUNCTION")),
        blobs=blobs(),
        clock=clock,
    )


def _checkup() -> Checkup:
    from attune.adapters.aws.alarms import Alarms
    from attune.handlers.checkup import Checkup

    return Checkup(
        inspector=inspector(),
        dead_letter_store=dead_letter_store(),
        queues=_queues(),
        ages=_ages(),
        alarms=Alarms(_cloudwatch, setting("STACK")),
        sweep_period=60 * float(setting("SWEEP_MINUTES")),
        clock=clock,
    )
