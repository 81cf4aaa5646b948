"""The HTTP API, through the function that serves it."""

from __future__ import annotations

import jsonschema
import pytest

from tests.integration.conftest import TABLE
from tests.integration.registration import Registration


def test_health_needs_no_token(stack):
    status, body = stack.api("GET", "/api/v1/health", token="")
    assert (status, body["data"]["status"]) == (200, "ok")


@pytest.mark.parametrize("token", ["", "wrong"])
@pytest.mark.parametrize("path", ["/api/v1/workflows", "/api/v1/workflows/docs", "/api/v1/packs/health", "/"])
def test_everything_else_does(stack, token, path):
    status, body = stack.api("GET", path, token=token)
    assert (status, body["code"]) == (401, "unauthorized")
    assert "attune token create" in body["details"]["hint"]


def test_who_has_no_token_learns_nothing_of_what_is_wrong_with_the_request(stack):
    assert stack.api("POST", "/api/v1/workflows/flows.diamond/execute", raw="{", token="wrong")[0] == 401


def test_packs_are_registered_from_disk_and_workflows_become_versions(bare_stack):
    status, body = bare_stack.api("POST", "/api/v1/packs/nowhere/workflows/sync")
    assert status == 404, body
    status, body = bare_stack.api("POST", "/api/v1/packs/sync")
    assert status == 200, body
    by_pack = {row["pack_ref"]: row for row in body["data"]["packs"]}
    assert by_pack["my_pack"]["errors"] == []
    assert by_pack["my_pack"]["workflows"][0]["ref_name"] == "my_pack.deploy_application"
    assert by_pack["my_pack"]["workflows"][0]["created"] is True
    again = bare_stack.api("POST", "/api/v1/packs/my_pack/workflows/sync")[1]["data"]
    assert again["workflows"][0] == by_pack["my_pack"]["workflows"][0] | {"created": False}


def test_a_registration_put_into_an_empty_account_is_what_a_sync_would_make_there(stack, clients):
    """Every test that finds its packs registered relies on it."""
    made = Registration.of(clients)
    clients.dynamodb.delete_table(TableName="attune")
    clients.dynamodb.create_table(**TABLE)
    clients.scheduler.delete_schedule_group(Name="attune")
    clients.scheduler.create_schedule_group(Name="attune")
    made.put(clients)
    assert Registration.of(clients) == made
    synced = stack.api("POST", "/api/v1/packs/sync")[1]["data"]["packs"]
    versions = [row for pack in synced for row in pack["workflows"]]
    assert {(row["created"], row["workflow_def_id"]) for row in versions} == {(False, 1)}
    assert Registration.of(clients).items == made.items
    assert len(made.items) > 2 * len(versions)
    assert made.schedules


def test_an_execution_runs_from_request_to_output(stack):
    execution = stack.start("flows.diamond", word="hello")
    assert stack.execution(execution)["status"] == "requested"
    stack.pump()
    ended = stack.execution(execution)
    assert (ended["status"], ended["error"]) == ("completed", None)
    assert ended["output"] == {"word": "hello"}
    assert ended["identity"] == "tester"
    assert ended["tasks"] == {"completed": 4}
    rows = stack.api("GET", f"/api/v1/workflow-executions/{execution}/tasks")[1]["data"]["items"]
    assert [row["task"] for row in rows] == ["a", "b", "c", "d"]
    assert all(row["status"] == "completed" and row["duration"] is not None for row in rows)
    graph = stack.api("GET", f"/api/v1/workflow-executions/{execution}/graph")[1]["data"]
    assert {"from": "a", "to": "b", "on": "success", "when": None} in graph["edges"]


def test_wrong_parameters_are_all_named_and_nothing_starts(stack):
    wrong = {"parameters": {"app_name": 7, "environment": "moon"}}
    status, body = stack.api("POST", "/api/v1/workflows/my_pack.deploy_application/execute", wrong)
    assert (status, body["code"]) == (422, "invalid_parameters")
    assert len(body["details"]["errors"]) == 3
    assert stack.api("GET", "/api/v1/workflow-executions")[1]["data"]["items"] == []


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ("{", 400, "invalid_request"),
        ("[]", 422, "invalid_parameters"),
        ('{"parameters": []}', 422, "invalid_parameters"),
        ('{"unknown": 1}', 422, "invalid_parameters"),
        ('{"x": "' + "x" * (2 * 1024 * 1024) + '"}', 413, "payload_too_large"),
        ('{"parameters": {"word": "' + "x" * (2 * 1024 * 1024) + '"}}', 413, "payload_too_large"),
    ],
)
def test_bad_bodies_are_refused_clearly(stack, raw, status, code):
    got, body = stack.api("POST", "/api/v1/workflows/flows.diamond/execute", raw=raw)
    assert (got, body["code"]) == (status, code), body


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/workflow-executions/01NOPE",
        "/api/v1/workflow-executions/01NOPE/tasks",
        "/api/v1/workflows/no.such",
        "/nowhere",
    ],
)
def test_what_is_not_there_is_404(stack, path):
    status, body = stack.api("GET", path)
    assert (status, body["code"]) == (404, "not_found")


def test_an_idempotency_key_starts_once_and_refuses_another_request(stack):
    path, body = "/api/v1/workflows/flows.diamond/execute", {"parameters": {"word": "x"}, "idempotency_key": "k-1"}
    first = stack.api("POST", path, body)[1]["data"]
    second = stack.api("POST", path, body)[1]["data"]
    assert (first["existing"], second["existing"], second["id"]) == (False, True, first["id"])
    status, refused = stack.api("POST", path, body | {"parameters": {"word": "y"}})
    assert (status, refused["code"]) == (409, "conflict")


def test_listing_filters_and_pages_newest_first(stack):
    made = [stack.start("flows.diamond", word=str(n)) for n in range(3)]
    stack.pump()
    made.append(stack.start("flows.diamond", word="late"))
    first = stack.api("GET", "/api/v1/workflow-executions?workflow=flows.diamond&limit=2")[1]["data"]
    rest = stack.api("GET", f"/api/v1/workflow-executions?workflow=flows.diamond&limit=2&cursor={first['cursor']}")[1][
        "data"
    ]
    assert [row["id"] for row in first["items"] + rest["items"]] == made[::-1]
    done = stack.api("GET", "/api/v1/workflow-executions?status=completed")[1]["data"]["items"]
    assert [row["id"] for row in done] == made[2::-1]
    for unknown in ("nonsense", "scheduling"):
        assert stack.api("GET", f"/api/v1/workflow-executions?status={unknown}")[0] == 422
    assert stack.api("GET", "/api/v1/workflow-executions?cursor=nonsense")[0] == 400


def test_cancel_reaches_a_running_execution_and_is_refused_for_an_ended_one(stack):
    execution = stack.start("flows.diamond", word="x")
    status, _ = stack.api("POST", f"/api/v1/workflow-executions/{execution}/cancel", {"reason": "enough"})
    assert status == 202
    stack.pump()
    assert stack.execution(execution)["status"] == "cancelled"
    status, body = stack.api("POST", f"/api/v1/workflow-executions/{execution}/cancel")
    assert (status, body["code"]) == (409, "conflict")


def test_the_openapi_document_names_every_route(stack):
    status, document = stack.api("GET", "/api/v1/openapi.json", token="")
    assert status == 200
    assert "/api/v1/workflows/{workflow}/execute" in document["paths"]


def closed(schema):
    """The schema, without leave for keys that it does not name."""
    if isinstance(schema, dict):
        found = {key: closed(value) for key, value in schema.items()}
        return {"additionalProperties": False, **found} if "properties" in found else found
    return [closed(inner) for inner in schema] if isinstance(schema, list) else schema


def test_answers_have_the_keys_that_the_document_describes_and_no_others(stack):
    document = closed(stack.api("GET", "/api/v1/openapi.json", token="")[1])
    asking, ended = stack.start("flows.approval"), stack.start("flows.diamond", word="x")
    stack.pump()
    inquiry = stack.api("GET", "/api/v1/inquiries")[1]["data"]["items"][0]["id"]
    real = {"execution": ended, "inquiry": inquiry, "workflow": "flows.diamond", "pack": "flows"}
    plain = [path for path, item in document["paths"].items() if "get" in item and "{letter}" not in path]
    for path in plain:
        if path.endswith(("/openapi.json", "/kv/{key}")):
            continue
        schema = document["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        for execution in (asking, ended):
            status, body = stack.api("GET", path.format(**{**real, "execution": execution}))
            assert status == 200, body
            jsonschema.validate(body, {**schema, "components": document["components"]})
