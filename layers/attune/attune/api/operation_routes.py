"""Routes for what stands still: diagnoses and repairs of executions, dead letters, the state of the stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Path

from attune.api.log import logger
from attune.api.parameters import Cursor, ExecutionId, Limit
from attune.api.reply import Accepted, Reply
from attune.api.routing import Routes
from attune.api.services import Services
from attune.execution.answers import PageOf
from attune.execution.caller import Permission
from attune.execution.diagnosis import DiagnosisReport, RepairReport
from attune.execution.kept_dead_letters import DeadLetterDetails, DeadLetterRow
from attune.handlers.checkup import CheckupReport

DeadLetterId = Annotated[str, Path(description="The dead letter's id", min_length=1, max_length=200)]


def stack_checkup(services: Callable[[], Services]) -> Routes:
    """Of the stack as a whole."""
    routes = Routes("service")

    @routes.get("/checkup", needs=Permission.OPERATIONS_READ, summary="Is the stack well?")
    def checkup() -> Reply[CheckupReport]:
        return Reply(services().operations.checkup.report(), "checkup")

    return routes


def diagnoses(services: Callable[[], Services]) -> Routes:
    """Diagnosis and repair of an execution."""
    routes = Routes("executions")

    @routes.get(
        "/workflow-executions/<execution>/diagnosis",
        needs=Permission.EXECUTIONS_READ,
        summary="Why it stands where it does",
    )
    def get_diagnosis(execution: ExecutionId) -> Reply[DiagnosisReport]:
        return Reply(services().operations.doctor.diagnosis(execution), "diagnosis")

    @routes.post(
        "/workflow-executions/<execution>/repair",
        needs=Permission.EXECUTIONS_WRITE,
        summary="Send again what was lost",
    )
    def repair_execution(execution: ExecutionId) -> Accepted[RepairReport]:
        found = services().operations.doctor.repair(execution)
        return Accepted(found, "repair requested" if found.repaired else "there is nothing to repair")

    return routes


def dead_letters(services: Callable[[], Services]) -> Routes:
    """Listing, reading, redriving, dropping. Who redrives or drops one leaves a line in the log."""
    routes = Routes("dead letters")

    def audit(done: str, found: DeadLetterRow) -> None:
        about = {"dead_letter": found.id, "execution_id": found.execution or "", "reason": found.reason}
        logger.warning(f"dead letter {done}", extra={**about, "by": routes.caller.name})

    @routes.get(
        "/dead-letters", needs=Permission.OPERATIONS_READ, summary="Messages that nobody could handle, newest first"
    )
    def list_dead_letters(limit: Limit = 50, cursor: Cursor = "") -> Reply[PageOf[DeadLetterRow]]:
        return Reply(services().operations.dead_letters.page(limit, cursor), "dead letters")

    @routes.get("/dead-letters/<letter>", needs=Permission.OPERATIONS_READ, summary="One dead letter, with its body")
    def get_dead_letter(letter: DeadLetterId) -> Reply[DeadLetterDetails]:
        return Reply(services().operations.dead_letters.show(letter), "dead letter")

    @routes.post(
        "/dead-letters/<letter>/redrive", needs=Permission.OPERATIONS_WRITE, summary="Send a dead letter again"
    )
    def redrive_dead_letter(letter: DeadLetterId) -> Accepted[DeadLetterRow]:
        found = services().operations.redriver.redrive(letter)
        audit("redriven", found)
        return Accepted(found, "dead letter sent again")

    @routes.delete("/dead-letters/<letter>", needs=Permission.OPERATIONS_WRITE, summary="Forget a dead letter")
    def drop_dead_letter(letter: DeadLetterId) -> Reply[DeadLetterRow]:
        found = services().operations.dead_letters.drop(letter)
        audit("dropped", found)
        return Reply(found, "dead letter dropped")

    return routes
