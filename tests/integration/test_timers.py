"""Timers: delayed messages up to 15 minutes, one-time schedules beyond."""

from __future__ import annotations

import json
import re

import pytest

from attune.adapters.aws.scheduler import Scheduler, Target
from attune.adapters.aws.sqs import Queue
from attune.adapters.aws.timers import AwsTimers, ScheduleFired, TimerDue, body_to_timer, timer_to_body
from attune.engine.effects import SetTimer
from attune.engine.ids import AttemptId
from attune.engine.messages import TimerFired, TimerKind
from attune.exceptions import InvalidRequest, Unavailable
from attune.execution.ports.queues import Envelope

ROLE = "arn:aws:iam::123456789012:role/schedules"


@pytest.fixture
def timers(clients, queues):
    clients.scheduler.create_schedule_group(Name="attune")
    scheduler = Scheduler(clients.scheduler, "attune", Target(queues.timers.arn, ROLE))
    return AwsTimers(Queue(clients.sqs, queues.timers.url, lambda seconds: None), scheduler)


def retry(due, number=1, resend_id=""):
    return SetTimer(TimerKind.RETRY, due, AttemptId("a", 1, None, number), resend_id)


def schedules(clients):
    names = [s["Name"] for s in clients.scheduler.list_schedules(GroupName="attune")["Schedules"]]
    return [clients.scheduler.get_schedule(GroupName="attune", Name=name) for name in names]


def test_a_timer_that_is_due_is_on_the_queue_at_once(make, timers, queues, blobs):
    timers.set(make.execution, [retry(make.now - 5)], make.now)
    (body,) = queues.timers.bodies()
    envelope = Envelope(make.execution, TimerFired(TimerKind.RETRY, AttemptId("a")))
    assert body_to_timer(body, blobs) == TimerDue(envelope, make.now - 5)


def test_a_timer_within_fifteen_minutes_is_a_delayed_message(clients, make, timers, queues):
    timers.set(make.execution, [retry(make.now + 0.5), retry(make.now + 900, 2)], make.now)
    assert (queues.timers.bodies(), queues.timers.delayed(), schedules(clients)) == ([], 2, [])


def test_timers_are_sent_by_the_ten(make, timers, ledger):
    ledger.reset()
    timers.set(make.execution, [retry(make.now + n, n) for n in range(1, 21)], make.now)
    assert ledger.counts == {("sqs", "SendMessageBatch"): 2}


def test_a_later_timer_is_a_one_time_schedule_that_sends_the_same_message(clients, make, timers, queues, blobs):
    due = 1_767_225_600.25 + 86_400
    timers.set(make.execution, [retry(due)], make.now)
    (schedule,) = schedules(clients)
    assert schedule["ScheduleExpression"] == "at(2026-01-02T00:00:01)"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert schedule["ActionAfterCompletion"] == "DELETE"
    assert (schedule["Target"]["Arn"], schedule["Target"]["RoleArn"]) == (queues.timers.arn, ROLE)
    envelope = Envelope(make.execution, TimerFired(TimerKind.RETRY, AttemptId("a")))
    assert body_to_timer(schedule["Target"]["Input"], blobs) == TimerDue(envelope, due)


def test_setting_a_later_timer_twice_is_harmless_and_different_timers_do_not_collide(clients, make, timers):
    due = make.now + 5000
    others = [retry(due, 2), retry(due, 1, "salt"), SetTimer(TimerKind.SLEEP, due, AttemptId("a"))]
    for _ in range(2):
        timers.set(make.execution, [retry(due), *others, SetTimer(TimerKind.WORKFLOW_TIMEOUT, due)], make.now)
    timers.set("01JEXECVT10N00000000000002", [retry(due)], make.now)
    names = [schedule["Name"] for schedule in schedules(clients)]
    assert len(names) == 6
    assert all(re.fullmatch(r"[0-9a-zA-Z_.-]{1,64}", name) for name in names)


def test_what_came_early_is_delayed_again(make, timers, queues, blobs):
    early = TimerDue(Envelope(make.execution, TimerFired(TimerKind.SLEEP, AttemptId("a"))), make.now + 100)
    timers.post([early], make.now)
    assert queues.timers.delayed() == 1
    timers.post([early], make.now + 100)
    assert [body_to_timer(body, blobs) for body in queues.timers.bodies()] == [early]


def test_a_schedule_that_fired_says_for_what_time(blobs):
    assert body_to_timer('{"rule": "p.nightly", "time": "2026-01-02T03:00:00Z"}', blobs) == ScheduleFired(
        "p.nightly", "2026-01-02T03:00:00Z"
    )


def test_a_local_scheduler_that_does_not_say_the_time_says_nothing(blobs):
    body = json.dumps({"rule": "p.nightly", "time": "<aws.scheduler.scheduled-time>"})
    assert body_to_timer(body, blobs) == ScheduleFired("p.nightly", "")


@pytest.mark.parametrize("body", ["", "{}", '{"rule": "r"}', '{"execution": "e", "message": {}, "due": 1}', "[1]"])
def test_anything_else_is_an_invalid_request(blobs, body):
    with pytest.raises(InvalidRequest):
        body_to_timer(body, blobs)


def test_a_due_time_that_is_no_number_is_an_invalid_request(make, blobs):
    body = timer_to_body(TimerDue(Envelope(make.execution, TimerFired(TimerKind.SLEEP, AttemptId("a"))), 1.0))
    with pytest.raises(InvalidRequest):
        body_to_timer(json.dumps({**json.loads(body), "due": "soon"}), blobs)


def test_a_throttled_scheduler_is_unavailable(clients, make, timers, monkeypatch):
    error = clients.scheduler.exceptions.ThrottlingException(
        {"Error": {"Code": "ThrottlingException"}}, "CreateSchedule"
    )

    def throttled(**_):
        raise error

    monkeypatch.setattr(clients.scheduler, "create_schedule", throttled)
    with pytest.raises(Unavailable, match="Scheduler"):
        timers.set(make.execution, [retry(make.now + 5000)], make.now)
