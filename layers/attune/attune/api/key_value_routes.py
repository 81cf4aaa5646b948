"""Routes of the key-value store, and of secrets: those can be set and removed, never read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aws_lambda_powertools.event_handler.openapi.params import Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from attune.api.parameters import Cursor, Limit
from attune.api.reply import Reply
from attune.api.routing import Routes
from attune.api.services import Services
from attune.execution.answers import PageOf
from attune.execution.caller import Permission
from attune.execution.stored_values import SecretRemoved, SecretSet, StoredValue, ValueRemoved, ValueSet
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


def values(services: Callable[[], Services]) -> Routes:
    """Reading and writing values."""
    routes = Routes("key-value store")

    @routes.get("/kv", needs=Permission.VALUES_READ, summary="The keys there are")
    def list_keys(prefix: Prefix = "", limit: Limit = 50, cursor: Cursor = "") -> Reply[PageOf[str]]:
        return Reply(services().values.keys(prefix, limit, cursor), "keys")

    @routes.get("/kv/<key>", needs=Permission.VALUES_READ, summary="A value")
    def get_value(key: Key) -> Reply[StoredValue]:
        return Reply(services().values.get(key), "value")

    @routes.put("/kv/<key>", needs=Permission.VALUES_WRITE, summary="Set a value")
    def put_value(key: Key, body: Annotated[Value, Body()]) -> Reply[ValueSet]:
        return Reply(services().values.put(key, body.value), "value set")

    @routes.delete("/kv/<key>", needs=Permission.VALUES_WRITE, summary="Remove a value")
    def delete_value(key: Key) -> Reply[ValueRemoved]:
        return Reply(services().values.remove(key), "value removed")

    return routes


def secrets(services: Callable[[], Services]) -> Routes:
    """Setting and removing secrets."""
    routes = Routes("secrets")

    @routes.get("/secrets", needs=Permission.SECRETS_READ, summary="The names of the secrets")
    def list_secrets(limit: Limit = 50, cursor: Cursor = "") -> Reply[PageOf[str]]:
        return Reply(services().secrets.names(limit, cursor), "secrets")

    @routes.put("/secrets/<name>", needs=Permission.SECRETS_WRITE, summary="Set a secret; nobody can read it here")
    def put_secret(name: Name, body: Annotated[Secret, Body()]) -> Reply[SecretSet]:
        return Reply(services().secrets.put(name, body.value.get_secret_value()), "secret set")

    @routes.delete("/secrets/<name>", needs=Permission.SECRETS_WRITE, summary="Remove a secret for good")
    def delete_secret(name: Name) -> Reply[SecretRemoved]:
        return Reply(services().secrets.remove(name), "secret removed")

    return routes
