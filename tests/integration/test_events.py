"""Announcements on the event bus, and the ledger that counts calls."""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError

from attune.adapters.aws.event_bus import EventBridgeBus
from attune.engine.effects import Announce
from attune.engine.ids import AttemptId
from attune.engine.messages import Parent
from attune.exceptions import InvalidRequest, PayloadTooLarge, Unavailable
from attune.model.status import ExecutionStatus
from tests.metering.call_ledger import CallLedger


@pytest.fixture
def sent(clients, monkeypatch):
    """The entries of each PutEvents call, which go to moto as well."""
    whole, calls = clients.events.put_events, []

    def put(Entries):  # noqa: N803
        calls.append(Entries)
        return whole(Entries=Entries)

    monkeypatch.setattr(clients.events, "put_events", put)
    return calls


@pytest.fixture
def bus(clients):
    clients.events.create_event_bus(Name="attune")
    return EventBridgeBus(clients.events, "attune", sleep=lambda seconds: None)


def test_an_end_is_announced_with_what_a_rule_may_want_to_match(bus, sent, make):
    parent = Parent("01JPARENT00000000000000000", AttemptId("call"))
    state = make.state(status=ExecutionStatus.TIMED_OUT, parent=parent, ended_at=make.now + 60)
    bus.announce(state, [Announce(ExecutionStatus.TIMED_OUT, {"type": "timeout"})])
    ((entry,),) = sent
    assert (entry["EventBusName"], entry["Source"]) == ("attune", "attune")
    assert entry["DetailType"] == "Workflow Execution Timed Out"
    assert json.loads(entry["Detail"]) == {
        "execution_id": make.execution,
        "workflow": "t.w",
        "workflow_version": 3,
        "status": "timed_out",
        "error": {"type": "timeout"},
        "created_at": "2026-01-01T00:00:00.250+00:00",
        "ended_at": "2026-01-01T00:01:00.250+00:00",
        "parent": "01JPARENT00000000000000000",
    }


def test_an_error_too_large_for_an_event_is_cut(bus, sent, make):
    error = {"type": "E" * 300_000, "message": "m" * 300_000, "details": {"d": "d" * 300_000}, "retryable": True}
    bus.announce(make.state(), [Announce(ExecutionStatus.FAILED, error)])
    cut = json.loads(sent[0][0]["Detail"])["error"]
    assert (len(cut["type"]), len(cut["message"]), cut["details"]) == (200, 2000, None)


@pytest.mark.parametrize(("number", "details"), [(2**63, None), (2**63 - 1, {"in": [2**63 - 1]})])
def test_details_with_a_number_that_eventbridge_does_not_take_stay_out(bus, sent, make, number, details):
    error = {"type": "E", "message": "m", "details": {"in": [number]}, "retryable": True}
    bus.announce(make.state(), [Announce(ExecutionStatus.FAILED, error)])
    assert json.loads(sent[0][0]["Detail"])["error"] == {**error, "details": details}


def test_an_entry_that_was_not_accepted_is_put_again(clients, bus, make, monkeypatch):
    calls, answers = [], [{"Entries": [{"ErrorCode": "InternalFailure"}]}, {"Entries": [{"EventId": "1"}]}]

    def put(Entries):  # noqa: N803
        calls.append(Entries)
        return answers[len(calls) - 1]

    monkeypatch.setattr(clients.events, "put_events", put)
    bus.announce(make.state(), [Announce(ExecutionStatus.COMPLETED)])
    assert calls[0] == calls[1]


def test_an_entry_that_is_never_accepted_is_unavailable(clients, bus, make, monkeypatch):
    refused = {"Entries": [{"ErrorCode": "ThrottlingException"}]}
    monkeypatch.setattr(clients.events, "put_events", lambda **_: refused)
    with pytest.raises(Unavailable, match="PutEvents"):
        bus.announce(make.state(), [Announce(ExecutionStatus.COMPLETED)])


class TestLedger:
    def test_it_counts_by_service_and_operation_what_a_sessions_clients_call(self, clients, queues, ledger):
        clients.sqs.send_message(QueueUrl=queues.tasks.url, MessageBody="x" * 1000)
        clients.sqs.send_message(QueueUrl=queues.tasks.url, MessageBody="y")
        assert ledger.of("sqs") == {"SendMessage": 2}
        assert ledger.total() == 2
        assert 1000 < ledger.request_bytes["sqs", "SendMessage"] < 1500

    def test_it_can_listen_to_one_client_and_begin_again(self, clients, queues):
        own = CallLedger()
        own.attach(clients.sqs)
        clients.sqs.list_queues()
        clients.s3.list_buckets()
        assert own.counts == {("sqs", "ListQueues"): 1}
        own.reset()
        assert own.total() == 0


def test_an_event_that_is_refused_is_not_put_again_but_the_others_are(clients, bus, monkeypatch):
    answers = [[{"ErrorCode": "MalformedDetail", "ErrorMessage": "no"}, {"ErrorCode": "ThrottlingException"}], [{}]]
    put = []

    def answer(Entries):  # noqa: N803
        put.append([entry["DetailType"] for entry in Entries])
        return {"Entries": answers[len(put) - 1]}

    monkeypatch.setattr(clients.events, "put_events", answer)
    with pytest.raises(InvalidRequest, match="refuses 1 events, the first as MalformedDetail: no"):
        bus.emit([{"source": "s", "detail-type": kind, "detail": {}} for kind in ("bad", "good")])
    assert put == [["bad", "good"], ["good"]]


def test_a_call_that_is_too_large_says_so(clients, bus, monkeypatch):
    """EventBridge answers with a status and nothing else."""

    def refuse(Entries):  # noqa: N803
        empty = {"Error": {"Code": "413", "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": 413}}
        raise ClientError(empty, "PutEvents")

    monkeypatch.setattr(clients.events, "put_events", refuse)
    with pytest.raises(PayloadTooLarge):
        bus.emit([{"source": "s", "detail-type": "t", "detail": {}}])
