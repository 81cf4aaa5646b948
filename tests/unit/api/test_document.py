"""The OpenAPI document describes what every route answers, as it is encoded."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

from attune.api.application import Application
from attune.execution.answers import key_of
from attune.execution.graph_view import Edge
from attune.execution.inquiries import Inquiry
from attune.execution.queries import ExecutionDetails, RetryRow

RESOLVER = Application(lambda: None).resolver
DOCUMENT = json.loads(RESOLVER.get_openapi_json_schema(title="Attune", version="1"))
COMPONENTS = DOCUMENT["components"]["schemas"]
ENDPOINTS = {
    (method, re.sub(r"<(\w+)>", r"{\1}", path)): endpoint for (method, path), endpoint in RESOLVER.endpoints.items()
}
BARE = ("GET", "/api/v1/openapi.json")
"""Answers without an envelope."""


USERS = (list, dict, Sequence, Mapping)
"""What may hold what users gave."""


def good(address: tuple[str, str]) -> Any:
    """The schema of its good answer, and of no other one below 300."""
    method, path = address
    responses = DOCUMENT["paths"][path][method.lower()]["responses"]
    ((_, answer),) = ((status, found) for status, found in responses.items() if int(status) < 300)
    return answer["content"]["application/json"]["schema"]


def references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix("#/components/schemas/")
        schema = list(schema.values())
    if isinstance(schema, list):
        for inner in schema:
            yield from references(inner)


def test_every_operation_is_one_of_our_endpoints():
    named = {(method.upper(), path) for path, item in DOCUMENT["paths"].items() for method in item}
    assert named == ENDPOINTS.keys()


@pytest.mark.parametrize("address", [address for address in ENDPOINTS if address != BARE], ids=" ".join)
def test_the_data_of_every_answer_has_a_schema(address):
    envelope = good(address)
    assert set(envelope["required"]) == set(envelope["properties"]) == {"data", "message"}
    (name,) = references(envelope["properties"]["data"])
    schema = COMPONENTS[name]
    assert schema["properties"]
    assert set(schema["required"]) == set(schema["properties"]), "every key is always there"
    assert schema["description"]


def test_what_is_referred_to_is_there():
    assert set(references(DOCUMENT)) <= COMPONENTS.keys()


@pytest.mark.parametrize("kind", [Edge, RetryRow, ExecutionDetails, Inquiry])
def test_the_keys_of_a_schema_are_those_of_the_json_in_their_order(kind):
    keys = [key_of(field.name) for field in dataclasses.fields(kind)]
    assert list(COMPONENTS[kind.__name__]["properties"]) == keys


def test_the_answer_of_an_accepted_request_is_documented_as_202():
    accepted = {address for address, endpoint in ENDPOINTS.items() if endpoint.status == 202}
    assert ("POST", "/api/v1/workflow-executions/{execution}/cancel") in accepted
    for method, path in ENDPOINTS:
        responses = DOCUMENT["paths"][path][method.lower()]["responses"]
        assert ("202" in responses, "200" in responses) == ((method, path) in accepted, (method, path) not in accepted)


def test_no_answer_has_the_name_of_something_else():
    """What Powertools says of requests stays as it is."""
    plain = json.loads(
        APIGatewayHttpResolver.get_openapi_schema(RESOLVER).model_dump_json(by_alias=True, exclude_none=True)
    )
    requests = plain["components"]["schemas"]
    assert {"Again", "Execute"} <= requests.keys()
    assert {name: COMPONENTS[name] for name in requests} == requests


def parts(kind: Any) -> Iterator[Any]:
    """What an annotation is made of, and that of the fields of dataclasses in it."""
    yield kind
    for inner in get_args(kind):
        yield from parts(inner)
    plain = get_origin(kind) or kind
    if dataclasses.is_dataclass(plain):
        for hint in get_type_hints(plain).values():
            yield from parts(hint)


@pytest.mark.parametrize("address", [address for address in ENDPOINTS if address != BARE], ids=" ".join)
def test_answers_lie_in_tuples_alone_for_lists_and_mappings_are_passed_on_as_they_are(address):
    for kind in parts(ENDPOINTS[address].data):
        if get_origin(kind) in USERS:
            assert not any(map(dataclasses.is_dataclass, get_args(kind))), kind
