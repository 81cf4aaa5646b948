"""Routes of packs: registering what lies in ``ATTUNE__PACKS_BASE_DIR``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Path
from pydantic import BaseModel, ConfigDict, Field

from attune.api.reply import Reply
from attune.api.routing import Routes
from attune.api.services import Services
from attune.execution.answers import AllOf
from attune.execution.caller import Permission
from attune.execution.catalog_queries import PackWorkflow
from attune.execution.ports.catalog import PackRecord
from attune.packs.registry import SyncResult, SyncResults, ValidationResult

PackRef = Annotated[str, Path(description="The pack's ref", pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=128)]


class NewPack(BaseModel):
    """A pack to register; its folder must be there."""

    model_config = ConfigDict(extra="allow")
    ref: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=128)
    label: str = ""
    version: str = ""


def packs(services: Callable[[], Services]) -> Routes:
    """Listing, registering, validating."""
    routes = Routes("packs")
    _add_reading(routes, services)
    _add_registering(routes, services)
    return routes


def _add_reading(routes: Routes, services: Callable[[], Services]) -> None:
    needs = Permission.PACKS_READ

    @routes.get("/packs", needs=needs, summary="All registered packs")
    def list_packs() -> Reply[AllOf[PackRecord]]:
        return Reply(services().catalog.packs(), "packs")

    @routes.get("/packs/<pack>", needs=needs, summary="One registered pack")
    def get_pack(pack: PackRef) -> Reply[PackRecord]:
        return Reply(services().catalog.pack(pack), "pack")

    @routes.get("/packs/<pack>/workflows", needs=needs, summary="The workflows of a pack")
    def list_workflows(pack: PackRef) -> Reply[AllOf[PackWorkflow]]:
        return Reply(services().catalog.workflows_of(pack), "workflows")

    @routes.post("/packs/<pack>/workflows/validate", needs=needs, summary="Check the pack's workflows")
    def validate(pack: PackRef) -> Reply[ValidationResult]:
        return Reply(services().registry.validate(pack), "Pack workflows validated")


def _add_registering(routes: Routes, services: Callable[[], Services]) -> None:
    needs = Permission.PACKS_WRITE

    @routes.post("/packs", needs=needs, summary="Register a pack and its workflows")
    def create_pack(body: Annotated[NewPack, Body()]) -> Reply[SyncResult]:
        return Reply(services().registry.sync(body.ref), "Pack registered")

    @routes.put("/packs/<pack>", needs=needs, summary="Register a pack anew")
    def update_pack(pack: PackRef) -> Reply[SyncResult]:
        return Reply(services().registry.sync(pack), "Pack updated")

    @routes.post("/packs/sync", needs=needs, summary="Register every pack on disk")
    def sync_all() -> Reply[SyncResults]:
        return Reply(services().registry.sync_all(), "Packs synced")

    @routes.post("/packs/<pack>/workflows/sync", needs=needs, summary="Register the pack's workflows")
    def sync(pack: PackRef) -> Reply[SyncResult]:
        return Reply(services().registry.sync(pack), "Pack workflows synced successfully")
