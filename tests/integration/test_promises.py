"""Promises that only show on the real handlers: what is pinned, what is stored, what it costs."""

from __future__ import annotations

import json
import shutil
from collections import Counter

import pytest

from attune.adapters.aws.dynamodb import keys
from attune.wiring import functions, process
from tests.integration.queues import hold

SERVICES = ("dynamodb", "sqs", "s3", "events")


def count_calls(stack, ledger, ref, **parameters):
    """The calls of the functions for one execution, warm."""
    for service in SERVICES:
        ledger.attach(process.client(service))
    execution = stack.start(ref, **parameters)
    ledger.reset()
    stack.pump()
    counts = Counter(ledger.counts)
    assert stack.execution(execution)["status"] == "completed"
    for operation in ("ReceiveMessage", "DeleteMessageBatch"):
        del counts["sqs", operation]
    return counts


def item_size(clients, key):
    """Bytes of an item as DynamoDB counts text: names and values."""
    name = {"PK": {"S": key[0]}, "SK": {"S": key[1]}}
    item = clients.dynamodb.get_item(TableName="attune", Key=name)["Item"]
    return sum(len(field) + len(str(next(iter(value.values()))).encode()) for field, value in item.items())


def test_an_execution_goes_on_with_the_version_it_started_with(stack, packs_dir, tmp_path, monkeypatch):
    packs = tmp_path / "packs"
    shutil.copytree(packs_dir, packs)
    monkeypatch.setenv("ATTUNE__PACKS_BASE_DIR", str(packs))
    process.reset()
    old = stack.start("flows.diamond", word="x")
    stack.invoke("advance", stack.messages())
    file = packs / "flows" / "workflows" / "diamond.yaml"
    file.write_text(file.read_text().replace('word: "{{ task.d.result.message }}"', "word: changed"))
    synced = stack.api("POST", "/api/v1/packs/flows/workflows/sync")[1]["data"]["workflows"]
    assert {row["ref_name"]: row["workflow_def_id"] for row in synced}["flows.diamond"] == 2
    new = stack.start("flows.diamond", word="x")
    stack.pump()
    assert (stack.execution(old)["workflow_version"], stack.execution(old)["output"]) == (1, {"word": "x"})
    assert (stack.execution(new)["workflow_version"], stack.execution(new)["output"]) == (2, {"word": "changed"})


def test_what_an_item_costs_does_not_grow_with_their_number(stack, ledger, monkeypatch):
    """On a busy machine, too: attempts that end late are reported in one call with the others."""
    monkeypatch.setattr("attune.execution.worker.REPORT_EVERY", 600)
    hold(stack, monkeypatch)
    count_calls(stack, ledger, "flows.fan_out", items=10)
    few = count_calls(stack, ledger, "flows.fan_out", items=50).total() / 50
    many = count_calls(stack, ledger, "flows.fan_out", items=200).total() / 200
    assert many <= few


def test_states_stay_small_and_hold_no_results(stack, clients, monkeypatch):
    hold(stack, monkeypatch)
    execution = stack.start("flows.fan_out", items=200)
    largest = 0
    for _ in range(400):
        if (event := stack.messages()) is not None:
            stack.invoke("advance", event)
            largest = max(largest, item_size(clients, keys.state(execution)))
        if (event := stack.tasks()) is not None:
            stack.invoke("run_task", event)
        elif stack.execution(execution)["ended_at"]:
            break
    assert 0 < largest < 2048


@pytest.mark.parametrize("size", [1_000, 200_000, 5_000_000])
def test_parameters_and_results_of_any_size_arrive_whole(stack, clients, size):
    word = "ü" * (size // 12)
    execution = functions.starter().start("flows.diamond", {"word": word}, trigger={}, identity="t").id
    stack.pump()
    shown = stack.execution(execution)
    if (key := shown["stored"].get("output")) is None:
        assert shown["output"] == {"word": word}
    else:
        stored = json.loads(clients.s3.get_object(Bucket="attune", Key=key)["Body"].read())
        assert (shown["output"], stored["output"]) == (None, {"word": word}), "too large to be shown"
