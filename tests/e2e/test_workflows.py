"""Workflows on the deployed stack, through its HTTP API: real queues, real functions, policies enforced."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from attune.cli.local import StackOutputs
from tests.conftest import PROJECT
from tests.e2e.conftest import Api

DEPLOY = {"version": "1.2.3", "environment": "production"}
GOOD_PATH = [
    "create_deployment", "build_image", "deploy_containers", "wait_for_ready", "health_check",
    "update_deployment_status", "notify_success",
]  # fmt: skip
HANDLERS = ["rollback_deployment", "cleanup_deployment", "notify_failure"]


def test_deploy_application_goes_its_good_path(api: Api) -> None:
    ended = api.run("my_pack.deploy_application", app_name="shop", **DEPLOY)
    assert ended["status"] == "completed", ended
    assert ended["output"] == {
        "deployment_id": "shop-1.2.3-production",
        "status": "success",
        "deployed_version": "1.2.3",
    }
    assert [row["task"] for row in api.tasks(ended["id"]) if row["started_at"]] == GOOD_PATH


def test_deploy_application_rolls_back_cleans_up_and_tells_when_the_health_check_fails(
    api: Api, healthy: dict[str, int]
) -> None:
    healthy["sick"] = 503
    ended = api.run("my_pack.deploy_application", app_name="sick", **DEPLOY)
    assert ended["status"] == "completed", "every failure was handled"
    ran = [row for row in api.tasks(ended["id"]) if row["started_at"]]
    assert [row["task"] for row in ran] == GOOD_PATH[:5] + HANDLERS
    by_task = {row["task"]: row for row in ran}
    assert by_task["health_check"]["error"]["type"] == "unexpected_status"
    assert by_task["cleanup_deployment"]["input"]["rollback"] is True
    assert by_task["notify_failure"]["input"]["message"] == "❌ Failed to deploy sick v1.2.3"
    assert ended["output"]["status"] is None


def test_the_end_of_a_diamond_runs_once_after_both_sides(api: Api) -> None:
    ended = api.run("flows.diamond", word="ünïcode")
    assert ended["output"] == {"word": "ünïcode"}
    rows = {row["task"]: row for row in api.tasks(ended["id"])}
    assert set(rows) == {"a", "b", "c", "d"}
    assert rows["d"]["started_at"] >= max(rows["b"]["ended_at"], rows["c"]["ended_at"])


def test_two_hundred_executions_of_five_tasks_at_once_all_complete_and_none_twice(api: Api, tmp_path: Path) -> None:
    started = [api.start("flows.counted_chain", folder=str(tmp_path)) for _ in range(200)]
    for execution in started:
        ended = api.ended(execution, within=240)
        assert (ended["status"], ended["output"]) == ("completed", {"lines": [1, 1, 1, 1, 1]}), ended
    lines = Counter(file.read_text().count("\n") for file in tmp_path.iterdir())
    assert lines == {1: 1000}


def test_items_run_in_a_window_and_keep_their_order(api: Api) -> None:
    ended = api.run("flows.fan_out", items=60, within=180)
    assert (ended["status"], ended["output"]) == ("completed", {"total": 60})


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        ("raises", "ValueError"),
        ("not_json", "result_not_json"),
        ("huge_result", "result_too_large"),
        ("exits", "exited"),
        ("hard_exits", "crashed"),
        ("never_returns", "timeout"),
        ("template", "template_error"),
        ("big_print", None),
        ("big_result", None),
    ],
)
def test_a_misbehaving_action_is_an_error_of_its_task_and_the_execution_ends(
    api: Api, kind: str, type_: str | None
) -> None:
    ended = api.run("flows.fault", kind=kind)
    assert ended["status"] == "completed", ended
    assert ended["output"]["type"] == type_


def test_waiting_retrying_sub_workflows_and_time_limits_go_over_the_real_timers(api: Api, tmp_path: Path) -> None:
    ended = api.run("flows.timers", path=str(tmp_path / "attempts"), within=180)
    assert ended["status"] == "completed", ended
    assert ended["output"] == {"attempts": 3, "child": "from a child", "late": "timed_out"}


def test_cancel_stops_an_execution_and_its_children(api: Api) -> None:
    execution = api.start("flows.long_parent")
    child = api.until(lambda: next((row["child"] for row in api.tasks(execution) if row["child"]), None))
    api.until(lambda: api.http.get(f"/api/v1/workflow-executions/{child}").status_code == 200)
    api.post(f"/api/v1/workflow-executions/{execution}/cancel", {"reason": "a test"})
    assert api.ended(execution)["status"] == "cancelled"
    assert api.ended(child)["status"] == "cancelled"


def test_an_event_on_the_bus_starts_what_its_rule_names(
    api: Api, stack: StackOutputs, aws: Callable[[str], Any]
) -> None:
    entry = {"Source": "tests", "DetailType": "Hello", "Detail": json.dumps({"word": "from the bus"})}
    aws("events").put_events(Entries=[{**entry, "EventBusName": stack.event_bus_name}])

    def started() -> list[dict[str, Any]]:
        rows = api.get("/api/v1/workflow-executions?workflow=flows.diamond")["items"]
        return [row for row in rows if row["identity"] == "rule:flows.on_hello"]

    (execution,) = api.until(started)
    assert api.ended(execution["id"])["output"] == {"word": "from the bus"}
    assert len(started()) == 1


def test_the_example_imports_its_orders(api: Api, stack: StackOutputs, aws: Callable[[str], Any]) -> None:
    data = (PROJECT / "packs" / "examples" / "data" / "orders.csv").read_bytes()
    s3 = aws("s3")
    s3.put_object(Bucket=stack.bucket_name, Key="orders/e2e.csv", Body=data)
    ended = api.run("examples.import_orders", bucket=stack.bucket_name, key="orders/e2e.csv", within=240)
    assert ended["status"] == "completed", ended
    written = {o["Key"] for o in s3.list_objects_v2(Bucket=stack.bucket_name).get("Contents", [])}
    assert any(key.endswith("report.json") for key in written), written


@pytest.mark.parametrize(
    ("method", "path", "headers", "content", "status"),
    [
        ("GET", "/api/v1/workflows", {"authorization": ""}, b"", 401),
        ("GET", "/api/v1/workflows", {"authorization": "Bearer wrong"}, b"", 401),
        ("GET", "/api/v1/workflow-executions/01NONE", {}, b"", 404),
        ("POST", "/api/v1/workflows/flows.none/execute", {}, b"{}", 404),
        ("POST", "/api/v1/workflows/flows.diamond/execute", {}, b"{", 400),
        ("POST", "/api/v1/workflows/flows.diamond/execute", {}, b'{"parameters": {"word": 7}}', 422),
        ("POST", "/api/v1/workflows/flows.diamond/execute", {}, b'{"x": "' + b"x" * 2_000_000 + b'"}', 413),
    ],
)
def test_bad_requests_get_a_clear_answer(
    api: Api, method: str, path: str, headers: dict[str, str], content: bytes, status: int
) -> None:
    answer = api.http.request(method, path, headers=headers, content=content)
    assert answer.status_code == status
    assert set(answer.json()) == {"error", "code", "details"}
