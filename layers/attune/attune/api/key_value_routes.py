"""Routes of the key-value store, and of secrets: those can be set and removed, never read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from aws_lambda_powertools.event_handler.router import APIGatewayHttpRouter
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from attune.api.execution_routes import Cursor, Limit
from attune.api.reply import Reply, reply
from attune.api.services import Services
from attune.model.masking import SHORTEST

NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.@-]*$"
"""Keys and names of secrets: what fits into a URL and what Secrets Manager takes."""
MAX_SECRET = 65_536
"""Characters; what Secrets Manager keeps at most, in bytes."""

Key = Annotated[str, Path(description="The key, like pack.setting", pattern=NAME, max_length=255)]
Name = Annotated[str, Path(description="The secret's name, like pack.token", pattern=NAME, max_length=255)]
Prefix = Annotated[str, Query(description="Only keys that begin so", pattern=f"{NAME}|^$", max_length=255)]


class Value(BaseModel):
    """Any JSON."""

    model_config = ConfigDict(extra="forbid")
    value: Any


class Secret(BaseModel):
    """A text. One that is shorter than 4 characters could not be masked in results and logs."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)
    value: SecretStr = Field(min_length=SHORTEST, max_length=MAX_SECRET)


def values(services: Callable[[], Services]) -> APIGatewayHttpRouter:
    """Reading and writing values."""
    router = APIGatewayHttpRouter()
    tags = ["key-value store"]

    @router.get("/kv", tags=tags, summary="The keys there are")
    def list_keys(prefix: Prefix = "", limit: Limit = 50, cursor: Cursor = "") -> Reply:
        return reply(services().values.keys(prefix, limit, cursor), "keys")

    @router.get("/kv/<key>", tags=tags, summary="A value")
    def get_value(key: Key) -> Reply:
        return reply(services().values.get(key), "value")

    @router.put("/kv/<key>", tags=tags, summary="Set a value")
    def put_value(key: Key, body: Annotated[Value, Body()]) -> Reply:
        return reply(services().values.put(key, body.value), "value set")

    @router.delete("/kv/<key>", tags=tags, summary="Remove a value")
    def delete_value(key: Key) -> Reply:
        return reply(services().values.remove(key), "value removed")

    return router


def secrets(services: Callable[[], Services]) -> APIGatewayHttpRouter:
    """Setting and removing secrets."""
    router = APIGatewayHttpRouter()
    tags = ["secrets"]

    @router.get("/secrets", tags=tags, summary="The names of the secrets")
    def list_secrets(limit: Limit = 50, cursor: Cursor = "") -> Reply:
        return reply(services().secrets.names(limit, cursor), "secrets")

    @router.put("/secrets/<name>", tags=tags, summary="Set a secret; nobody can read it here")
    def put_secret(name: Name, body: Annotated[Secret, Body()]) -> Reply:
        return reply(services().secrets.put(name, body.value.get_secret_value()), "secret set")

    @router.delete("/secrets/<name>", tags=tags, summary="Remove a secret for good")
    def delete_secret(name: Name) -> Reply:
        return reply(services().secrets.remove(name), "secret removed")

    return router
