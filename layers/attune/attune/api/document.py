"""The OpenAPI document: what Powertools makes of the routes, with what each needs and answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from aws_lambda_powertools.event_handler.openapi.models import Components, HTTPBearer, OpenAPI, Operation, Schema
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, JsonSchemaValue
from pydantic_core import core_schema

from attune.api.routing import OPEN, Endpoint
from attune.exceptions import AttuneError
from attune.execution.answers import key_of

BEARER: Final = {"bearer": HTTPBearer(description="made by 'attune token create'")}

Address = tuple[str, str]
"""Of an endpoint: method and path."""

_REFERENCE: Final = "#/components/schemas/{model}"
_ERROR: Final = {
    "type": "object",
    "required": ["error", "code", "details"],
    "properties": {"error": {"type": "string"}, "code": {"type": "string"}, "details": {"type": "object"}},
}


def complete(document: OpenAPI, endpoints: Mapping[Address, Endpoint]) -> OpenAPI:
    """The document with the answers and needs of all endpoints.

    Powertools would document 200 and a 422 of its own, whatever the routes answer.
    """
    data, definitions = _data_schemas(endpoints)
    document.components = components = document.components or Components()
    components.schemas = {**(components.schemas or {}), **definitions}
    paths = document.paths or {}
    for (method, path), endpoint in endpoints.items():
        operation = getattr(paths[re.sub(r"<(\w+)>", r"{\1}", path)], method.lower())
        _complete(operation, endpoint, data.get((method, path)))
    return document


class _AnswerSchema(GenerateJsonSchema):
    """The JSON Schema of what :func:`attune.execution.answers.to_json` makes: its keys, and all of them."""

    def dataclass_args_schema(self, schema: core_schema.DataclassArgsSchema) -> JsonSchemaValue:
        """See pydantic."""
        named: list[core_schema.DataclassField] = [
            {**field, "serialization_alias": key_of(field["name"])} for field in schema["fields"]
        ]
        return super().dataclass_args_schema({**schema, "fields": named})

    def field_is_required(self, field: Any, total: bool) -> bool:
        """See pydantic."""
        del field, total
        return True

    def field_title_should_be_set(self, schema: Any) -> bool:
        """See pydantic: its titles only repeat the keys."""
        del schema
        return False


def _data_schemas(endpoints: Mapping[Address, Endpoint]) -> tuple[dict[Address, JsonSchemaValue], dict[str, Schema]]:
    """The schema of ``data`` of every endpoint that has it, and what these refer to, by name."""
    mode: JsonSchemaMode = "serialization"
    types = {address: endpoint.data for address, endpoint in endpoints.items() if endpoint.data is not None}
    adapters = [(address, mode, TypeAdapter[Any](data)) for address, data in types.items()]
    schemas, rest = TypeAdapter.json_schemas(adapters, ref_template=_REFERENCE, schema_generator=_AnswerSchema)
    definitions = {name: Schema(**found) for name, found in rest.get("$defs", {}).items()}
    return {address: schema for (address, _), schema in schemas.items()}, definitions


def _complete(operation: Operation, endpoint: Endpoint, data: JsonSchemaValue | None) -> None:
    operation.security = [] if endpoint.needs is OPEN else [{"bearer": [str(endpoint.needs)]}]
    good = _answer(endpoint.status, {"type": "object"} if data is None else _envelope(data))
    operation.responses = {endpoint.status: good} | {status: _answer(status, _ERROR) for status in _refusals()}


def _envelope(data: JsonSchemaValue) -> JsonSchemaValue:
    properties = {"data": data, "message": {"type": "string"}}
    return {"type": "object", "required": ["data", "message"], "properties": properties}


def _refusals() -> list[int]:
    """The status of every error that the API tells on purpose."""
    kinds: list[type[AttuneError]] = AttuneError.__subclasses__()
    return sorted({kind.http_status for kind in kinds} - {500})


def _answer(status: int, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": HTTPStatus(status).phrase, "content": {"application/json": {"schema": schema}}}
