"""Routes for what stands still: diagnoses and repairs of executions, dead letters, the state of the stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Path
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter

from attune.api.execution_routes import Cursor, ExecutionId, Limit
from attune.api.log import logger
from attune.api.reply import ACCEPTED, Reply, accepted, reply
from attune.api.services import Services
from attune.execution.kept_dead_letters import DeadLetterRow

LetterId = Annotated[str, Path(description="The dead letter's id", min_length=1, max_length=200)]


def operations(services: Callable[[], Services]) -> APIGatewayHttpRouter:
    """Diagnosis, repair, dead letters, check-up."""
    router = APIGatewayHttpRouter()
    _add_doctor(router, services)
    _add_dead_letters(router, services)
    return router


def _add_doctor(router: APIGatewayHttpRouter, services: Callable[[], Services]) -> None:
    @router.get("/checkup", tags=["service"], summary="Is the stack well?")
    def checkup() -> Reply:
        return reply(services().operations.checkup.report(), "checkup")

    @router.get(
        "/workflow-executions/<execution>/diagnosis",
        tags=["executions"],
        summary="Why it stands where it does",
    )
    def get_diagnosis(execution: ExecutionId) -> Reply:
        return reply(services().operations.doctor.diagnosis(execution), "diagnosis")

    @router.post(
        "/workflow-executions/<execution>/repair",
        tags=["executions"],
        summary="Send again what was lost",
        responses=ACCEPTED,
    )
    def repair_execution(execution: ExecutionId) -> Any:
        found = services().operations.doctor.repair(execution)
        return accepted(found, "repair requested" if found.repaired else "there is nothing to repair")


def _add_dead_letters(router: APIGatewayHttpRouter, services: Callable[[], Services]) -> None:
    tags = ["dead letters"]

    def audit(done: str, dead_letter: DeadLetterRow) -> None:
        about = {
            "dead_letter": dead_letter.id,
            "execution_id": dead_letter.execution or "",
            "reason": dead_letter.reason,
        }
        logger.warning(f"dead letter {done}", extra={**about, "by": str(router.context.get("identity", ""))})

    @router.get("/dead-letters", tags=tags, summary="Messages that nobody could handle, newest first")
    def list_dead_letters(limit: Limit = 50, cursor: Cursor = "") -> Reply:
        return reply(services().operations.dead_letters.page(limit, cursor), "dead letters")

    @router.get("/dead-letters/<letter>", tags=tags, summary="One dead letter, with its body")
    def get_dead_letter(letter: LetterId) -> Reply:
        return reply(services().operations.dead_letters.show(letter), "dead letter")

    @router.post("/dead-letters/<letter>/redrive", tags=tags, summary="Send a dead letter again", responses=ACCEPTED)
    def redrive_dead_letter(letter: LetterId) -> Any:
        found = services().operations.redriver.redrive(letter)
        audit("redriven", found)
        return accepted(found, "dead letter sent again")

    @router.delete("/dead-letters/<letter>", tags=tags, summary="Forget a dead letter")
    def drop_dead_letter(letter: LetterId) -> Reply:
        found = services().operations.dead_letters.drop(letter)
        audit("dropped", found)
        return reply(found, "dead letter dropped")
