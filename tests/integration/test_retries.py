"""Retries of executions, through the functions."""

from __future__ import annotations

import copy

import pytest

from attune.execution.ports.catalog import WorkflowVersion
from attune.language.compiler import compile_workflow
from attune.language.source import load
from attune.model.action import workflow_as_action
from attune.wiring import functions, storage

TEXT = """
ref: flows.mending
label: Mending
parameters:
  folder: {type: string, required: true}
  times: {type: object, required: true}
tasks:
  - {name: a, action: faults.counts, input: {path: "{{ parameters.folder }}/a"}, on_success: b}
  - name: b
    action: faults.flaky
    with_items: [x, y, z]
    input: {path: "{{ parameters.folder }}/{{ item }}", fail_times: "{{ parameters.times[item] }}"}
    on_success: c
  - {name: c, action: faults.counts, input: {path: "{{ parameters.folder }}/c"}}
output_map: "{{ task.b.result }}"
"""
PARENT = """
ref: flows.parent_of_mending
label: Parent
parameters: {folder: {type: string}, times: {type: object}}
tasks:
  - name: sub
    action: flows.mending
    input: {folder: "{{ parameters.folder }}", times: "{{ parameters.times }}"}
output_map: "{{ task.sub.result }}"
"""


def register(text, version=1):
    source = load(text, "w.yaml")
    actions = storage.catalog().actions() | {
        "flows.mending": workflow_as_action("flows.mending", "flows", {"type": "object"})
    }
    graph = compile_workflow(source, pack="flows", actions=actions).graph
    assert storage.catalog().add_version(WorkflowVersion(graph.ref, version, graph))


@pytest.fixture
def failed(stack, tmp_path):
    """An execution of which one item of three has failed."""
    register(TEXT)
    execution = stack.start("flows.mending", folder=str(tmp_path), times={"x": 0, "y": 1, "z": 0})
    stack.pump()
    assert stack.execution(execution)["status"] == "failed"
    return execution


def retry(stack, execution, **body):
    return stack.api("POST", f"/api/v1/workflow-executions/{execution}/retry", body or None)


def test_only_what_failed_runs_again_and_the_retry_is_on_record(stack, failed):
    status, body = retry(stack, failed)
    assert (status, body["data"]) == (202, {"id": failed, "retry": 1, "existing": False})
    stack.pump()
    ended = stack.execution(failed)
    assert (ended["status"], ended["error"], ended["output"]) == ("completed", None, [1, 2, 1])
    (row,) = ended["retries"]
    assert row.pop("at") > ended["created_at"]
    assert row == {"number": 1, "by": "tester", "from": [], "workflow_version": 1, "changed_parameters": False}
    rows = stack.api("GET", f"/api/v1/workflow-executions/{failed}/tasks")[1]["data"]["items"]
    assert [(r["task"], r["index"], r["attempt"]) for r in rows] == [
        ("a", None, 1),
        ("b", 0, 1),
        ("b", 1, 1),
        ("b", 1, 2),
        ("b", 2, 1),
        ("c", None, 1),
    ]
    failures = stack.api("GET", "/api/v1/workflow-executions?status=failed")[1]["data"]["items"]
    assert failures == [], "listed where it stands"


def test_every_batch_of_a_retry_may_come_twice(stack, failed, tmp_path):
    retry(stack, failed)
    moved = True
    while moved:
        moved = False
        for name, receive in (("advance", stack.messages), ("run_task", stack.tasks)):
            if (event := receive()) is not None:
                moved = True
                for _ in range(2):
                    assert stack.invoke(name, copy.deepcopy(event)) == {"batchItemFailures": []}
    assert stack.execution(failed)["output"] == [1, 2, 1]
    assert (tmp_path / "c").read_text().count("\n") == 1


def test_a_retry_is_asked_for_once_per_key(stack, failed):
    assert retry(stack, failed, idempotency_key="k")[1]["data"]["existing"] is False
    stack.pump()
    assert retry(stack, failed, idempotency_key="k")[1]["data"] == {"id": failed, "retry": 1, "existing": True}
    stack.pump()
    assert len(stack.execution(failed)["retries"]) == 1


def test_parameters_and_version_may_change(stack, failed):
    register(TEXT.replace("[x, y, z]", "[x]").replace("task.b.result }}", "[task.b.result, parameters.times] }}"), 2)
    status, body = retry(stack, failed, workflow_version="latest", parameters={"times": {"x": 0, "y": 2, "z": 9}})
    assert status == 202, body
    stack.pump()
    assert stack.execution(failed)["status"] == "failed", "y fails once more"
    retry(stack, failed)
    stack.pump()
    ended = stack.execution(failed)
    assert (ended["status"], ended["workflow_version"]) == ("completed", 2)
    assert ended["output"] == [[1, 3, 1], {"x": 0, "y": 2, "z": 9}], "the items are those of the first time"
    assert ended["parameters"]["times"]["y"] == 2
    assert [(r["workflow_version"], r["changed_parameters"]) for r in ended["retries"]] == [(2, True), (2, False)]


def test_what_cannot_be_retried_says_what_to_do(stack, failed, tmp_path):
    running = stack.start("flows.mending", folder=str(tmp_path), times={})
    assert retry(stack, running)[0] == 409
    stack.invoke("advance", stack.messages())
    status, body = retry(stack, running)
    assert (status, body["code"], body["details"]["hint"]) == (409, "conflict", "wait for its end, or cancel it first")
    retry(stack, failed)
    stack.pump()
    status, body = retry(stack, failed)
    assert (status, body["details"]["hint"]) == (409, "start a new one")
    assert retry(stack, "01NONE")[0] == 404


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"from": ["bb"]}, 422, "there is no task 'bb'; did you mean 'b'?"),
        ({"from": ["c"]}, 422, "task 'c' has not begun"),
        ({"workflow_version": 9}, 404, ""),
        ({"workflow_version": 0}, 422, "workflow_version"),
        ({"workflow_version": "newest"}, 422, "workflow_version"),
        ({"parameters": {"times": 7}}, 422, "times"),
        ({"workflow_version": 2}, 422, "task 'a' has run or was about to, and is not there any more"),
        ({"workflow_version": 2}, 422, "task 'b' has begun, and its with_items differs"),
        ({"nonsense": 1}, 422, "nonsense"),
    ],
)
def test_wrong_requests_change_nothing(stack, failed, body, status, words):
    register(
        TEXT.replace("name: a,", "name: aa,")
        .replace("    with_items: [x, y, z]\n", "")
        .replace("[item]", ".x")
        .replace("{{ item }}", "x"),
        2,
    )
    before = stack.execution(failed)
    got, answer = retry(stack, failed, **body)
    assert (got, words in str(answer)) == (status, True), answer
    stack.pump()
    assert stack.execution(failed) == before


def test_a_sub_workflow_is_started_anew_with_its_parent_and_may_be_retried_by_itself(stack, tmp_path):
    register(TEXT)
    register(PARENT)
    parent = stack.start("flows.parent_of_mending", folder=str(tmp_path), times={"x": 1, "y": 0, "z": 0})
    stack.pump()
    rows = stack.api("GET", f"/api/v1/workflow-executions/{parent}/tasks")[1]["data"]["items"]
    child = rows[0]["child"]
    assert retry(stack, child)[0] == 202
    stack.pump()
    assert stack.execution(child)["status"] == "completed"
    assert stack.execution(parent)["status"] == "failed", "its attempt is over"
    retry(stack, parent)
    stack.pump()
    assert stack.execution(parent)["output"] == [3, 2, 2], "a new child did all anew"


def test_a_retry_is_announced(stack, failed):
    taken = []
    bus = functions.advancer()._dispatcher._bus
    announce = bus.announce
    bus.announce = lambda state, said: (taken.extend(str(one.status) for one in said), announce(state, said))
    retry(stack, failed)
    stack.pump()
    assert taken == ["running", "completed"]
