"""The API against its own OpenAPI document: no 5xx, and every answer has a status and a shape that is documented."""

from __future__ import annotations

import pytest
import schemathesis
from hypothesis import given
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS, load_all_checks

from attune.api.application import Application
from tests.fuzz.effort import tries
from tests.fuzz.gateway import Gateway

DOCUMENT = Application(lambda: None).resolver.get_openapi_schema()
OPERATIONS = [
    (path, method)
    for path, item in DOCUMENT.paths.items()
    for method in ("get", "put", "post", "delete", "patch")
    if getattr(item, method)
]
SLOW = frozenset({"sync", "validate", "{pack}", "packs"})
"""How paths end that compile whole packs when something is sent to them: fewer examples are tried."""
HEADERS = {"Authorization": "Bearer token"}

load_all_checks()
# What is valid is more than a schema can say (a cursor is ours or not), and unknown query parameters are ignored.
LAX = CHECKS.get_by_names(["positive_data_acceptance", "negative_data_rejection"])


@pytest.fixture
def schema(stack):
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", Gateway(stack.functions["api"]))


@pytest.fixture
def known(stack, schema):
    """What a path may name that is really there."""
    asking, ended = stack.start("flows.approval"), stack.start("flows.diamond", word="x")
    stack.pump()
    inquiry = stack.api("GET", "/api/v1/inquiries")[1]["data"]["items"][0]["id"]
    stack.api("PUT", "/api/v1/kv/limits.rate", {"value": 7})
    return {
        "key": ["limits.rate"],
        "execution": [asking, ended],
        "inquiry": [inquiry],
        "workflow": ["flows.diamond", "flows.approval"],
        "pack": ["flows", "core"],
    }


def test_every_answer_is_documented_whatever_is_asked(schema, known):
    for path, method in OPERATIONS:
        try:
            ask_all_kinds_of_things(schema[path][method], path, method, known)
        except BaseException as error:
            error.add_note(f"operation: {method.upper()} {path}")
            raise


def ask_all_kinds_of_things(operation, path, method, known):
    count = 2 if method != "get" and path.rpartition("/")[2] in SLOW else 20
    modes = [mode for mode in GenerationMode if mode.is_positive or operation.path_parameters or operation.body]

    @tries(count)
    @given(
        case=st.one_of(operation.as_strategy(generation_mode=mode) for mode in modes),
        real=st.fixed_dictionaries({name: st.none() | st.sampled_from(found) for name, found in known.items()}),
    )
    def ask(case, real):
        for name in case.path_parameters or {}:
            case.path_parameters[name] = real.get(name) or case.path_parameters[name]
        case.call_and_validate(headers=HEADERS, excluded_checks=LAX)

    ask()
