"""The schedules of rules."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from attune.adapters.aws.scheduler import Scheduler, Target
from attune.adapters.aws.schedules import AwsSchedules
from attune.model.rule import Rule, TriggerType

ROLE = "arn:aws:iam::123456789012:role/schedules"
NIGHTLY = Rule(
    ref="p.nightly",
    pack="p",
    trigger=TriggerType.SCHEDULE,
    action="p.import",
    schedule="cron(0 3 * * ? *)",
    timezone="Europe/Paris",
)


@pytest.fixture
def schedules(clients, queues):
    clients.scheduler.create_schedule_group(Name="attune")
    return AwsSchedules(Scheduler(clients.scheduler, "attune", Target(queues.timers.arn, ROLE)))


def present(clients):
    """Schedules by the rule that their message names."""
    names = [s["Name"] for s in clients.scheduler.list_schedules(GroupName="attune")["Schedules"]]
    found = [clients.scheduler.get_schedule(GroupName="attune", Name=name) for name in names]
    return {json.loads(schedule["Target"]["Input"])["rule"]: schedule for schedule in found}


def test_a_schedule_rule_gets_a_schedule_that_posts_to_the_timer_queue(clients, schedules, queues):
    schedules.sync("p", [NIGHTLY])
    schedule = present(clients)["p.nightly"]
    assert schedule["ScheduleExpression"] == "cron(0 3 * * ? *)"
    assert schedule["ScheduleExpressionTimezone"] == "Europe/Paris"
    assert schedule["State"] == "ENABLED"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert (schedule["Target"]["Arn"], schedule["Target"]["RoleArn"]) == (queues.timers.arn, ROLE)
    assert json.loads(schedule["Target"]["Input"])["time"] == "<aws.scheduler.scheduled-time>"


def test_a_rule_for_events_gets_none(clients, schedules):
    schedules.sync("p", [replace(NIGHTLY, trigger=TriggerType.EVENT, schedule="", pattern={"source": ["x"]})])
    assert present(clients) == {}


def test_syncing_twice_changes_nothing(clients, schedules):
    schedules.sync("p", [NIGHTLY])
    before = present(clients)["p.nightly"]["Arn"]
    schedules.sync("p", [NIGHTLY])
    assert {rule: schedule["Arn"] for rule, schedule in present(clients).items()} == {"p.nightly": before}


def test_a_changed_rule_changes_its_schedule(clients, schedules):
    schedules.sync("p", [NIGHTLY])
    schedules.sync("p", [replace(NIGHTLY, schedule="rate(5 minutes)", enabled=False)])
    schedule = present(clients)["p.nightly"]
    assert (schedule["ScheduleExpression"], schedule["State"]) == ("rate(5 minutes)", "DISABLED")


def test_the_schedule_of_a_rule_that_went_goes_too_but_none_of_another_pack(clients, schedules):
    for pack in ("p", "p2", "q"):
        schedules.sync(pack, [replace(NIGHTLY, ref=f"{pack}.{name}", pack=pack) for name in ("a", "b")])
    schedules.sync("p", [replace(NIGHTLY, ref="p.b")])
    assert sorted(present(clients)) == ["p.b", "p2.a", "p2.b", "q.a", "q.b"]


def test_timers_in_the_same_group_are_left_alone(clients, schedules):
    clients.scheduler.create_schedule(
        Name="timer-abc",
        GroupName="attune",
        ScheduleExpression="at(2030-01-01T00:00:00)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:sqs:eu-central-1:123456789012:x", "RoleArn": ROLE, "Input": '{"rule": "none"}'},
    )
    schedules.sync("p", [])
    assert "none" in present(clients)


def test_one_that_scheduler_refuses_is_reported_and_the_others_are_made(clients, schedules, monkeypatch):
    """AWS refuses more than moto does: a time that is past, for one."""
    make = clients.scheduler.create_schedule

    def strict(**request):
        if request["ScheduleExpression"].startswith("at(2020"):
            said = {"Error": {"Code": "ValidationException", "Message": "Invalid Schedule Expression"}}
            raise ClientError(said, "CreateSchedule")
        return make(**request)

    monkeypatch.setattr(clients.scheduler, "create_schedule", strict)
    past = replace(NIGHTLY, ref="p.a", schedule="at(2020-01-01T00:00:00)")
    (refused,) = schedules.sync("p", [past, NIGHTLY])
    assert refused == (
        "p.a has no schedule now: EventBridge Scheduler refuses at(2020-01-01T00:00:00): Invalid Schedule Expression"
    )
    assert list(present(clients)) == ["p.nightly"]


def test_more_schedules_than_a_page_shows_are_all_kept_in_line(clients, schedules):
    schedules.sync("p", [replace(NIGHTLY, ref=f"p.r{n}") for n in range(120)])
    schedules.sync("p", [])
    assert present(clients) == {}


def test_long_and_odd_refs_give_names_that_scheduler_takes(clients, schedules):
    rules = [replace(NIGHTLY, ref="p." + "long" * 30 + end) for end in ("é a", "é b")]
    schedules.sync("p", rules)
    names = [schedule["Name"] for schedule in present(clients).values()]
    assert len(set(names)) == 2
    assert all(re.fullmatch(r"[0-9a-zA-Z_.-]{1,64}", name) for name in names)
