"""Routes of packs: registering what lies in ``ATTUNE__PACKS_BASE_DIR``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from aws_lambda_powertools.event_handler.openapi.params import Body, Path
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, ConfigDict, Field

from attune.api.reply import Reply, reply
from attune.api.services import Services

PackRef = Annotated[str, Path(description="The pack's ref", pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=128)]


class NewPack(BaseModel):
    """A pack to register; its folder must be there."""

    model_config = ConfigDict(extra="allow")
    ref: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_-]*$", max_length=128)
    label: str = ""
    version: str = ""


def packs(services: Callable[[], Services]) -> APIGatewayHttpRouter:
    """Listing, registering, validating."""
    router = APIGatewayHttpRouter()
    _add_reading(router, services)
    _add_registering(router, services)
    return router


def _add_reading(router: APIGatewayHttpRouter, services: Callable[[], Services]) -> None:
    tags = ["packs"]

    @router.get("/packs", tags=tags, summary="All registered packs")
    def list_packs() -> Reply:
        return reply(services().catalog.packs(), "packs")

    @router.get("/packs/<pack>", tags=tags, summary="One registered pack")
    def get_pack(pack: PackRef) -> Reply:
        return reply(services().catalog.pack(pack), "pack")

    @router.get("/packs/<pack>/workflows", tags=tags, summary="The workflows of a pack")
    def list_workflows(pack: PackRef) -> Reply:
        return reply(services().catalog.workflows_of(pack), "workflows")


def _add_registering(router: APIGatewayHttpRouter, services: Callable[[], Services]) -> None:
    tags = ["packs"]

    @router.post("/packs", tags=tags, summary="Register a pack and its workflows")
    def create_pack(body: Annotated[NewPack, Body()]) -> Reply:
        return reply(services().registry.sync(body.ref), "Pack registered")

    @router.put("/packs/<pack>", tags=tags, summary="Register a pack anew")
    def update_pack(pack: PackRef) -> Reply:
        return reply(services().registry.sync(pack), "Pack updated")

    @router.post("/packs/sync", tags=tags, summary="Register every pack on disk")
    def sync_all() -> Reply:
        return reply(services().registry.sync_all(), "Packs synced")

    @router.post("/packs/<pack>/workflows/sync", tags=tags, summary="Register the pack's workflows")
    def sync(pack: PackRef) -> Reply:
        return reply(services().registry.sync(pack), "Pack workflows synced successfully")

    @router.post("/packs/<pack>/workflows/validate", tags=tags, summary="Check the pack's workflows")
    def validate(pack: PackRef) -> Reply:
        return reply(services().registry.validate(pack), "Pack workflows validated")
