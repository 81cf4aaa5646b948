"""A sensor from its file to what rules start for what it finds, through the functions."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from attune.wiring import process


@pytest.fixture
def bus(stack):
    """What the functions put on the bus and nobody has been given yet."""
    sent = []
    process.client("events").meta.events.register(
        "provide-client-params.events.PutEvents", lambda params, **_: sent.extend(params["Entries"])
    )
    return sent


def poll(stack, time):
    body = json.dumps({"rule": "flows.things", "time": time})
    record = {"messageId": f"m-{time}", "body": body, "attributes": {"SentTimestamp": "1"}}
    assert stack.invoke("on_timer", {"Records": [record]}) == {"batchItemFailures": []}
    stack.pump()


def deliver(stack, bus):
    """Give on_event what is on the bus now; (what it was given, what that started)."""
    entries, bus[:] = list(bus), []
    given, started = [], []
    for entry in entries:
        detail = json.loads(entry["Detail"])
        event = {"id": f"e-{id(entry)}", "source": entry["Source"], "detail-type": entry["DetailType"]}
        started += stack.invoke("on_event", {**event, "detail": detail})["started"].items()
        given.append((entry["DetailType"], detail))
    return given, started


def found(given):
    return [(detail["key"], detail["item"]) for kind, detail in given if kind == "ThingFound"]


def test_a_sensor_polls_by_its_schedule_and_rules_start_for_what_is_new(stack, bus, clients):
    assert stack.api("POST", "/api/v1/packs/flows/workflows/sync")[1]["data"]["errors"] == []
    names = [row["Name"] for row in clients.scheduler.list_schedules(GroupName="attune")["Schedules"]]
    (name,) = [name for name in names if name.endswith("flows.things")]
    schedule = clients.scheduler.get_schedule(GroupName="attune", Name=name)
    assert (schedule["ScheduleExpression"], json.loads(schedule["Target"]["Input"])["rule"]) == (
        "rate(5 minutes)",
        "flows.things",
    )

    poll(stack, "2026-01-01T00:00:00Z")
    assert [kind for kind, _ in deliver(stack, bus)[0]] == ["Workflow Execution Completed"]
    given, started = deliver(stack, bus)
    assert found(given) == [("old", {"id": "old"}), ("1", {"id": 1})]
    assert [rule for rule, _ in started] == ["flows.on_thing"] * 2

    for _ in range(2):
        poll(stack, "2026-01-01T00:05:00Z")
    deliver(stack, bus)
    assert found(deliver(stack, bus)[0]) == [("2", {"id": 2})]


def test_the_same_find_starts_a_rule_once_whatever_event_brings_it(stack):
    stack.api("POST", "/api/v1/packs/flows/workflows/sync")
    detail = {"sensor": "flows.things", "key": "k", "item": {}, "execution_id": "E"}
    event = {"source": "attune.sensor", "detail-type": "ThingFound", "detail": detail}
    first, second = (stack.invoke("on_event", {**event, "id": each})["started"] for each in ("e-1", "e-2"))
    assert first == second and list(first) == ["flows.on_thing"]


def test_polls_are_executions_that_can_be_looked_at(stack, bus):
    stack.api("POST", "/api/v1/packs/flows/workflows/sync")
    poll(stack, "2026-01-01T00:00:00Z")
    (row,) = stack.api("GET", "/api/v1/workflow-executions?workflow=flows.things")[1]["data"]["items"]
    shown = stack.execution(row["id"])
    assert (shown["identity"], shown["trigger"]["sensor"]) == ("sensor:flows.things", "flows.things")
    assert shown["parameters"] == {"message": [{"id": "old"}, {"id": 1}]}


def test_schedules_that_aws_refuses_are_among_the_errors_of_their_pack(stack, monkeypatch):
    said = {"Error": {"Code": "ValidationException", "Message": "Invalid Schedule Expression"}}
    scheduler = process.client("scheduler")

    def refuse(**request):
        raise ClientError(said, "UpdateSchedule")

    monkeypatch.setattr(scheduler, "update_schedule", refuse)
    status, body = stack.api("POST", "/api/v1/packs/flows/workflows/sync")
    assert (status, [error.split(" has ")[0] for error in body["data"]["errors"]]) == (
        200,
        ["flows.hourly", "flows.things"],
    )
