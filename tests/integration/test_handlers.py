"""The handlers of advance and run_task: duplicates, crashes, broken messages, misbehaving actions."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys

import pytest

from attune.wiring import sending
from tests.integration.stack import PROJECT


def counted(stack, tmp_path):
    """Start a chain whose tasks leave a line each in a file of their own."""
    return stack.start("flows.counted_chain", folder=str(tmp_path))


def assert_each_ran_once(stack, execution, tmp_path):
    ended = stack.execution(execution)
    assert (ended["status"], ended["output"]) == ("completed", {"lines": [1, 1, 1, 1, 1]})
    assert sorted(file.read_text().count("\n") for file in tmp_path.iterdir()) == [1] * 5


def test_the_same_batch_delivered_twice_to_both_functions_runs_nothing_twice(stack, tmp_path):
    execution = counted(stack, tmp_path)
    moved = True
    while moved:
        moved = False
        for name, receive in (("advance", stack.messages), ("run_task", stack.tasks)):
            if (event := receive()) is not None:
                moved = True
                for _ in range(2):
                    assert stack.invoke(name, copy.deepcopy(event)) == {"batchItemFailures": []}
    assert_each_ran_once(stack, execution, tmp_path)


def test_a_crash_after_the_save_and_before_the_send_loses_no_task(stack, tmp_path, monkeypatch):
    execution = counted(stack, tmp_path)
    queue = sending.task_queue()
    send = queue.send
    crashes = []

    def dies_at_every_first_try(messages):
        name = messages[0].attempt.task
        if name not in crashes:
            crashes.append(name)
            raise RuntimeError("the process is gone")
        send(messages)

    monkeypatch.setattr(queue, "send", dies_at_every_first_try)
    moved = True
    while moved:
        moved = False
        if (event := stack.messages()) is not None:
            moved = True
            answer = stack.invoke("advance", event)
            if answer["batchItemFailures"]:
                assert len(answer["batchItemFailures"]) == len(event["Records"])
                assert stack.invoke("advance", event) == {"batchItemFailures": []}
        if (event := stack.tasks()) is not None:
            moved = True
            stack.invoke("run_task", event)
    assert crashes == ["a", "b", "c", "d", "e"]
    assert_each_ran_once(stack, execution, tmp_path)


def test_a_crash_after_the_result_and_before_its_report_reports_the_recorded_result(stack, tmp_path, monkeypatch):
    execution = counted(stack, tmp_path)
    mailbox = sending.mailbox()
    post = mailbox.post
    crashes = []

    def dies_at_the_first_report(envelopes):
        if envelopes and envelopes[0].execution == execution and not crashes:
            crashes.append(envelopes)
            raise RuntimeError("the process is gone")
        post(envelopes)

    stack.invoke("advance", stack.messages())
    monkeypatch.setattr(mailbox, "post", dies_at_the_first_report)
    event = stack.tasks()
    assert len(stack.invoke("run_task", event)["batchItemFailures"]) == 1
    assert stack.invoke("run_task", event) == {"batchItemFailures": []}
    stack.pump()
    assert_each_ran_once(stack, execution, tmp_path)


def test_one_broken_message_does_not_take_the_others_of_the_batch_along(stack):
    execution = stack.start("flows.diamond", word="x")
    event = stack.messages()
    broken = copy.deepcopy(event["Records"][0]) | {"messageId": "broken", "body": "{"}
    broken["attributes"] = {**broken["attributes"], "MessageGroupId": "01OTHER"}
    event["Records"].insert(0, broken)
    assert stack.invoke("advance", event) == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    stack.pump()
    assert stack.execution(execution)["status"] == "completed"


def test_a_task_message_nobody_can_read_comes_again_and_the_others_run(stack):
    execution = stack.start("flows.diamond", word="x")
    stack.invoke("advance", stack.messages())
    event = stack.tasks()
    event["Records"].append(event["Records"][0] | {"messageId": "broken", "body": '{"no": "task"}'})
    assert stack.invoke("run_task", event) == {"batchItemFailures": [{"itemIdentifier": "broken"}]}
    stack.pump()
    assert stack.execution(execution)["status"] == "completed"


def test_dead_letters_of_both_queues_reach_their_execution(stack):
    execution = stack.start("flows.diamond", word="x")
    start = stack.messages()
    assert stack.invoke("on_dead", start) == {"batchItemFailures": []}
    stack.invoke("advance", stack.messages())
    dead = stack.tasks()
    assert stack.invoke("on_dead", dead) == {"batchItemFailures": []}
    stack.pump()
    ended = stack.execution(execution)
    assert (ended["status"], ended["error"]["type"]) == ("failed", "worker_lost")


@pytest.mark.parametrize(
    ("kind", "type_", "words"),
    [
        ("raises", "ValueError", ""),
        ("not_json", "result_not_json", "datetime"),
        ("huge_result", "result_too_large", ""),
        ("exits", "exited", "3"),
        ("hard_exits", "crashed", ""),
        ("never_returns", "timeout", "2"),
        ("template", "template_error", "kind"),
    ],
)
def test_a_misbehaving_action_is_a_clear_error_of_its_task_and_the_execution_ends(stack, kind, type_, words):
    execution = stack.start("flows.fault", kind=kind)
    stack.pump()
    ended = stack.execution(execution)
    assert ended["status"] == "completed", ended
    assert ended["output"]["type"] == type_
    assert words in ended["output"]["message"]


@pytest.mark.parametrize("kind", ["big_result", "big_print"])
def test_large_results_and_output_are_no_trouble(stack, kind):
    execution = stack.start("flows.fault", kind=kind)
    stack.pump()
    ended = stack.execution(execution)
    assert ended["status"] == "completed", ended
    if kind == "big_result":
        assert ended["output"]["size"] == 1_000_000


def test_an_event_starts_what_its_rule_names_once(stack, clients):
    event = {
        "id": "e-1",
        "source": "tests",
        "detail-type": "Hello",
        "detail": {"word": "from an event"},
    }
    first = stack.invoke("on_event", event)["started"]
    again = stack.invoke("on_event", event)["started"]
    assert list(first) == ["flows.on_hello"]
    assert first == again
    stack.pump()
    ended = stack.execution(first["flows.on_hello"])
    assert ended["output"] == {"word": "from an event"}
    assert ended["trigger"] == {"type": "event", "rule": "flows.on_hello", "event": "e-1"}
    assert stack.invoke("on_event", event | {"id": "e-2", "source": "others"}) == {"started": {}}
    assert stack.invoke("on_event", event | {"id": "e-3", "detail": {"word": 7}}) == {"started": {}}, "a wrong type"


def test_a_schedule_fires_through_the_timer_queue(stack, clients, queues):
    names = [s["Name"] for s in clients.scheduler.list_schedules(GroupName="attune")["Schedules"]]
    assert any("flows.hourly" in name for name in names)
    body = json.dumps({"rule": "flows.hourly", "time": "2026-01-01T00:00:00Z"})
    record = {"messageId": "m", "body": body, "attributes": {"SentTimestamp": "1"}, "eventSourceARN": queues.timers.arn}
    for _ in range(2):
        assert stack.invoke("on_timer", {"Records": [record]}) == {"batchItemFailures": []}
    stack.pump()
    items = stack.api("GET", "/api/v1/workflow-executions?workflow=flows.diamond")[1]["data"]["items"]
    assert [(row["status"], row["trigger"]["type"]) for row in items] == [("completed", "schedule")]


@pytest.mark.parametrize(("name", "made", "more"), [("advance", "advancer", ()), ("run_task", "worker", ("jinja2",))])
def test_the_hot_path_imports_neither_pydantic_nor_yaml_nor_boto3(name, made, more):
    unwanted = ("pydantic", "yaml", "jsonschema", "httpx", "boto3", "s3transfer", "asyncio", *more)
    code = (
        f"import sys; sys.path.insert(0, 'functions/{name}'); import app; app.{made}();"
        f"print([m for m in {unwanted} if m in sys.modules])"
    )
    settings = ("TABLE", "BUCKET", "ADVANCE_QUEUE_URL", "TASK_QUEUE_URL", "TIMER_QUEUE_URL", "TIMER_QUEUE_ARN")
    settings += ("SCHEDULE_GROUP", "SCHEDULE_ROLE_ARN", "EVENT_BUS", "WORKER_TIMEOUT")
    environment = {**os.environ, **{f"ATTUNE__{setting}": "9" for setting in settings}, "AWS_DEFAULT_REGION": "x"}
    run = {"cwd": PROJECT, "env": environment, "capture_output": True, "text": True, "check": True}
    assert subprocess.run([sys.executable, "-c", code], **run).stdout.strip() == "[]"
