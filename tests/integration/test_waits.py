"""Questions to people and events that executions wait for, through the functions."""

from __future__ import annotations

import pytest

from attune.engine.effects import WriteWait
from attune.engine.facts import WaitFact
from attune.engine.ids import AttemptId
from attune.model.built_ins import WaitKind
from attune.wiring import process, storage


@pytest.fixture
def asking(stack):
    """An execution that has asked its question; with the question."""
    execution = stack.start("flows.approval")
    stack.pump()
    assert stack.execution(execution)["status"] == "waiting"
    inquiries = stack.api("GET", "/api/v1/inquiries")[1]["data"]["items"]
    assert [row["execution"] for row in inquiries] == [execution]
    return execution, inquiries[0]


def test_an_inquiry_is_listed_answered_once_and_its_answer_is_the_result(stack, asking):
    execution, inquiry = asking
    assert inquiry["prompt"] == "Go on with ünïcode?"
    path = f"/api/v1/inquiries/{inquiry['id']}/answer"
    status, body = stack.api("POST", path, {"response": {"approved": "maybe"}})
    assert (status, body["code"]) == (422, "invalid_parameters")
    assert stack.api("POST", path, {"response": {"approved": True}})[0] == 202
    stack.pump()
    ended = stack.execution(execution)
    assert (ended["status"], ended["output"]) == ("completed", {"approved": True, "after": "yes"})
    assert stack.api("GET", "/api/v1/inquiries")[1]["data"]["items"] == []
    status, body = stack.api("POST", path, {"response": {"approved": False}})
    assert (status, body["error"]) == (409, f"inquiry '{inquiry['id']}' is no longer open: answered by tester")


def test_cancelling_the_execution_closes_its_inquiry(stack, asking):
    execution, inquiry = asking
    stack.api("POST", f"/api/v1/workflow-executions/{execution}/cancel")
    stack.pump()
    assert stack.execution(execution)["status"] == "cancelled"
    assert stack.api("GET", "/api/v1/inquiries")[1]["data"]["items"] == []
    assert stack.api("POST", f"/api/v1/inquiries/{inquiry['id']}/answer", {"response": {}})[0] == 409


def test_only_those_who_are_asked_may_answer_and_find_it_by_their_name(stack):
    execution = stack.start("flows.approval", assignees=["ada", "tester"])
    other, open_to_all = stack.start("flows.approval", assignees=["ada"]), stack.start("flows.approval")
    stack.pump()

    def listed(query=""):
        items = stack.api("GET", f"/api/v1/inquiries{query}")[1]["data"]["items"]
        return {row["execution"]: row for row in items}

    assert listed().keys() == {execution, other, open_to_all}
    assert listed("?assignee=tester&limit=1").keys() == {execution}
    inquiry = listed("?assignee=ada")[other]
    assert inquiry["assignees"] == ["ada"]
    path = f"/api/v1/inquiries/{inquiry['id']}/answer"
    status, body = stack.api("POST", path, {"response": {"approved": True}})
    assert (status, body["code"], body["details"]["assignees"]) == (403, "forbidden", ["ada"])
    assert "asks ada" in body["error"]
    path = f"/api/v1/inquiries/{listed()[execution]['id']}/answer"
    assert stack.api("POST", path, {"response": {"approved": True}})[0] == 202
    stack.pump()
    assert [stack.execution(each)["status"] for each in (execution, other)] == ["completed", "waiting"]


def test_assignees_that_are_no_names_fail_the_task(stack):
    execution = stack.start("flows.approval", assignees=[1])
    stack.pump()
    assert "assignees must be a list of names" in stack.execution(execution)["error"]["message"]


def test_an_inquiry_whose_id_could_be_no_key_is_refused(stack):
    assert stack.api("GET", f"/api/v1/inquiries/{'ü' * 300}")[0] == 422


@pytest.mark.parametrize("inquiry", ["nonsense", "01NONE.task.1.-.1"])
def test_an_inquiry_that_is_not_there_is_404(stack, inquiry):
    assert stack.api("GET", f"/api/v1/inquiries/{inquiry}")[0] == 404
    assert stack.api("POST", f"/api/v1/inquiries/{inquiry}/answer", {"response": 1})[0] == 404


def test_an_execution_goes_on_with_the_event_it_waits_for_and_no_other(stack):
    execution = stack.start("flows.wait_for_payment", order=7)
    stack.pump()
    assert stack.execution(execution)["status"] == "waiting"
    event = {"source": "shop", "detail-type": "OrderPaid", "detail": {"order": 8, "amount": 1}}
    stack.invoke("on_event", {**event, "id": "e-1"})
    stack.pump()
    assert stack.execution(execution)["status"] == "waiting"
    paid = {**event, "id": "e-2", "detail": {"order": 7, "amount": 12.5}}
    for _ in range(2):
        stack.invoke("on_event", paid)
    stack.pump()
    ended = stack.execution(execution)
    assert (ended["status"], ended["output"]) == ("completed", {"amount": 12.5})


PARCEL = {"source": "shop", "detail-type": "ParcelSent", "id": "p-1", "detail": {"order": 7, "parcel": "A"}}


def rows(stack, partition):
    return list(storage.table().query(partition))


def test_an_event_that_came_before_the_wait_is_found_by_who_waits(stack):
    stack.invoke("on_event", PARCEL)
    stack.invoke("on_event", {**PARCEL, "id": "p-2", "detail": {"order": 8, "parcel": "B"}})
    execution = stack.start("flows.wait_for_parcel", order=7)
    stack.pump()
    ended = stack.execution(execution)
    assert (ended["status"], ended["output"]) == ("completed", {"parcel": "A"})
    kept = rows(stack, "EVENTS#ParcelSent")
    assert len(kept) == 2 and all(row["ttl"] - process.clock.now() < 3602 for row in kept)


def test_only_events_are_kept_that_a_workflow_looks_back_for_or_somebody_waits_for(stack):
    stack.invoke("on_event", {**PARCEL, "detail-type": "OrderPaid"})
    assert rows(stack, "EVENTS#OrderPaid") == []
    stack.start("flows.wait_for_payment", order=7)
    stack.pump()
    for number, order in enumerate((8, 7)):
        stack.invoke(
            "on_event", {**PARCEL, "id": f"p-{number}", "detail-type": "OrderPaid", "detail": {"order": order}}
        )
    assert [row["SK"].partition("#")[2] for row in rows(stack, "EVENTS#OrderPaid")] == ["p-1"]


def test_a_wait_begins_when_it_is_first_written(stack):
    """The batch that began it may come again, with events in between."""
    execution, attempt = stack.start("flows.wait_for_payment", order=7), AttemptId("paid")
    for since in (10.0, 20.0):
        storage.store().write(execution, [WriteWait(attempt, WaitKind.EVENT, terms={"pattern": {}}, since=since)])
    assert storage.store().facts(execution, [WaitFact(attempt)])[WaitFact(attempt)]["since"] == 10.0
    assert list(storage.events().waits("OrderPaid")) == [(execution, attempt, {})]


def test_kept_events_are_found_by_when_they_came(stack):
    events, kind = storage.events(), "long" * 1000
    for came in (10.0004, 10.0014, 12.5):
        events.keep(kind, {**PARCEL, "id": str(came)}, came, 1e12)
    assert [(came, event["id"]) for came, event in events.kept(kind, 10.0019)] == [(10.001, "10.0014"), (12.5, "12.5")]


def test_who_takes_an_event_in_reads_the_waits_by_their_own_keys_not_through_the_index(stack):
    execution = stack.start("flows.wait_for_parcel", order=7)
    stack.pump()
    queries = []
    process.client("dynamodb").meta.events.register(
        "provide-client-params.dynamodb.Query", lambda params, **_: queries.append(params)
    )
    stack.invoke("on_event", PARCEL)
    assert queries and all(query["ConsistentRead"] and "IndexName" not in query for query in queries)
    stack.pump()
    assert stack.execution(execution)["status"] == "completed"
    assert rows(stack, "WAITS#ParcelSent") == []


def test_a_function_that_died_after_keeping_the_event_loses_and_doubles_nothing(stack):
    storage.events().keep("ParcelSent", PARCEL, process.clock.now(), 600)
    execution = stack.start("flows.wait_for_parcel", order=7)
    stack.pump()
    version = stack.execution(execution)
    assert version["status"] == "completed"
    stack.invoke("on_event", PARCEL)
    stack.pump()
    assert stack.execution(execution) == version
