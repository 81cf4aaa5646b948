"""Every route of the API says what it needs of its caller, and that is asked before anything else."""

from __future__ import annotations

import json
import re
from types import SimpleNamespace
from typing import Any

import pytest

from attune.adapters.memory.clock import VirtualClock
from attune.adapters.memory.cloud import MemoryCloud
from attune.adapters.memory.directory import MemoryDirectory
from attune.adapters.memory.execution_store import MemoryStore
from attune.adapters.memory.key_values import MemoryKeyValueStore
from attune.api.application import Application
from attune.api.resolver import DOCS
from attune.api.routing import Endpoint, Routes
from attune.execution.caller import ANONYMOUS, GRANTS, Caller, Permission, Role

OPEN = {("get", "/api/v1/health"), ("get", "/api/v1/openapi.json")}
METHODS = ("get", "put", "post", "delete", "patch")


def directory() -> MemoryDirectory:
    clock = VirtualClock()
    found = MemoryDirectory(MemoryStore(MemoryKeyValueStore({})), clock, MemoryCloud(clock, None).order)
    found.put_token("token", "ann")
    return found


@pytest.fixture(scope="module")
def nobody() -> Application:
    """The API for people whose tokens are known and have no role. No service is there: none may be touched."""
    known = SimpleNamespace(directory=directory())
    return Application(lambda: known, roles=frozenset())


def ask(application: Application, method: str, path: str, signed: bool = True, body: str | None = None) -> Any:
    request = {"http": {"method": method.upper(), "path": path}, "stage": "$default"}
    headers = {"authorization": "Bearer token"} if signed else {}
    event = {"version": "2.0", "rawPath": path, "headers": headers, "requestContext": request, "body": body}
    return application.answer(event, None)


DOCUMENT = json.loads(ask(Application(lambda: None), "get", "/api/v1/openapi.json", signed=False)["body"])
OPERATIONS = {
    (method, path): item[method] for path, item in DOCUMENT["paths"].items() for method in METHODS if method in item
}


def name_of(value: Any) -> str:
    return " ".join(value) if isinstance(value, tuple) else ""


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_every_route_of_the_document_states_its_need(operation):
    needs = OPERATIONS[operation]["security"]
    if operation in OPEN:
        assert needs == []
    else:
        ((scheme, (need,)),) = needs[0].items()
        assert (scheme, len(needs)) == ("bearer", 1)
        assert Permission(need)


def test_every_permission_is_needed_by_a_route():
    needed = {need for operation in OPERATIONS.values() for row in operation["security"] for need in row["bearer"]}
    assert needed == set(Permission)


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
@pytest.mark.parametrize("body", [None, "{"], ids=["no body", "a broken body"])
def test_who_has_no_role_may_ask_for_nothing_but_what_is_open(nobody, operation, body):
    method, path = operation
    answer = ask(nobody, method, re.sub(r"\{\w+\}", "x", path), body=body)
    if operation in OPEN:
        assert answer["statusCode"] == 200
        return
    ((need,),) = (row["bearer"] for row in OPERATIONS[operation]["security"])
    said = json.loads(answer["body"])
    assert (answer["statusCode"], said["code"]) == (403, "forbidden")
    assert said["error"] == f"'ann' may not do this: it needs {need}"
    assert said["details"] == {"needs": need}


@pytest.mark.parametrize("operation", OPERATIONS, ids=name_of)
def test_who_has_no_token_is_asked_for_one_but_where_it_is_open(nobody, operation):
    method, path = operation
    answer = ask(nobody, method, re.sub(r"\{\w+\}", "x", path), signed=False)
    assert answer["statusCode"] == (200 if operation in OPEN else 401)


def test_the_page_that_shows_the_api_is_open(nobody):
    assert ask(nobody, "get", DOCS, signed=False)["statusCode"] == 200


def test_nothing_is_routed_that_has_not_stated_its_need():
    """All that Powertools knows, but its own page: what the document does not name, too."""
    resolver = Application(lambda: None).resolver
    routed = {route.path: route.func for route in (*resolver._static_routes, *resolver._dynamic_routes)}
    assert {path for path, func in routed.items() if not isinstance(func, Endpoint)} == {DOCS}


def test_a_route_cannot_be_added_without_its_need():
    with pytest.raises(TypeError, match="needs"):
        Routes("things").get("/things", summary="Things")


def test_an_admin_may_do_everything_and_somebody_without_a_token_nothing():
    admin = Caller(name="ann", roles=frozenset({Role.ADMIN}))
    assert all(admin.may(permission) for permission in Permission)
    assert not any(ANONYMOUS.may(permission) for permission in Permission)
    assert GRANTS.keys() == set(Role)
