"""Letting go of executions that have ended, and keeping those that go on: in the table, and in the bucket."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest

from attune.adapters.aws.blobs import ENDED, S3BlobStore
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.dead_letter_store import DynamoDeadLetterStore
from attune.adapters.aws.dynamodb.execution_store import DynamoStore
from attune.adapters.aws.dynamodb.retention import DynamoRetention, Rest, never
from attune.adapters.aws.dynamodb.states import DAY
from attune.adapters.aws.dynamodb.table import with_key
from attune.adapters.memory.clock import VirtualClock
from attune.engine.effects import WriteVars
from attune.engine.ids import AttemptId, chunk_id
from attune.engine.messages import TimerFired, TimerKind
from attune.engine.wire import encode
from attune.execution.event_names import RETENTION_CONTINUED
from attune.execution.ports.dead_letters import DeadLetter, Origin
from attune.model.rule import Rule, TriggerType
from attune.model.status import ExecutionStatus
from attune.wiring import process, storage
from tests.integration.conftest import NOW

MOST = 10
"""Parts in which all is done."""


@pytest.fixture
def store(table, blobs):
    return DynamoStore(table, blobs)


def raw(clients, key):
    """An item as DynamoDB has it."""
    answer = clients.dynamodb.get_item(TableName="attune", Key={"PK": {"S": key[0]}, "SK": {"S": key[1]}})
    return answer.get("Item")


def test_nothing_expires_by_default(clients, table, blobs, store, make):
    store.save(make.state(status=ExecutionStatus.COMPLETED), 0)
    retention(table, blobs, days=0).mark_expired(make.execution, make.now)
    assert "ttl" not in raw(clients, keys.state(make.execution))


def test_only_an_ended_state_expires(clients, table, blobs, make):
    store = DynamoStore(table, blobs, retention_days=2)
    store.save(make.state(), 0)
    assert "ttl" not in raw(clients, keys.state(make.execution))
    store.save(make.state(status=ExecutionStatus.FAILED, ended_at=make.now), 1)
    assert raw(clients, keys.state(make.execution))["ttl"] == {"N": str(int(make.now + 2 * 86_400))}


def test_a_chunk_that_is_complete_expires_with_its_execution_and_not_before(clients, table, blobs, make):
    """A retry would go over all its items again."""
    store = DynamoStore(table, blobs, retention_days=2)
    chunk = chunk_id(make.execution, "each", 1, 0)
    store.save(make.state(chunk, status=ExecutionStatus.COMPLETED, ended_at=make.now), 0)
    assert "ttl" not in raw(clients, keys.state(chunk))
    store.save(make.state(status=ExecutionStatus.FAILED, ended_at=make.now + 9 * DAY), 0)
    retention(table, blobs).mark_expired(make.execution, make.now + 9 * DAY)
    assert raw(clients, keys.state(chunk))["ttl"] == {"N": str(int(make.now + 11 * DAY))}


def test_a_start_that_outlives_its_state_begins_nothing_and_is_nowhere_to_be_seen(table, blobs, make):
    """DynamoDB deletes what has expired in no order, over some days."""
    store = DynamoStore(table, blobs, retention_days=2)
    store.create(make.start())
    assert (store.load_start(make.execution), store.load_all([make.execution])) == (
        make.start(),
        [(make.start(), None)],
    )
    store.save(make.state(status=ExecutionStatus.COMPLETED, ended_at=make.now), 0)
    retention(table, blobs).mark_expired(make.execution, make.now)
    later = DynamoStore(table, blobs)
    assert later.load_start(make.execution) == make.start(), "it may be retried"
    table.delete(keys.state(make.execution))
    later = DynamoStore(table, blobs)
    assert (later.load_start(make.execution), later.load_all([make.execution])) == (None, [(None, None)])


def test_a_late_timer_does_not_begin_an_execution_again_of_which_the_start_is_left(stack, table, blobs):
    execution = stack.start("flows.diamond", word="x")
    stack.pump()
    envelope = {"execution": execution, "message": encode(TimerFired(TimerKind.WORKFLOW_TIMEOUT))}
    retention(table, blobs).mark_expired(execution, 1.0)
    table.delete(keys.state(execution))
    process.reset()
    stack.queues.advance.client.send_message(
        QueueUrl=stack.queues.advance.url,
        MessageBody=json.dumps(envelope),
        MessageGroupId=execution,
        MessageDeduplicationId="late",
    )
    stack.pump()
    assert table.get(keys.state(execution)) is None
    assert stack.api("GET", f"/api/v1/workflow-executions/{execution}")[0] == 404


def test_a_key_of_a_request_whose_execution_was_let_go_starts_nothing(stack, table, monkeypatch):
    monkeypatch.setenv("ATTUNE__RETENTION_DAYS", "2")
    process.reset()
    request = {"parameters": {"word": "x"}, "idempotency_key": "k"}
    ask = partial(stack.api, "POST", "/api/v1/workflows/flows.diamond/execute", request)
    execution = ask()[1]["data"]["id"]
    stack.pump()
    for key in (keys.start(execution), keys.state(execution)):
        table.delete(key)
    process.reset()
    now = process.clock.now
    monkeypatch.setattr(process.clock, "now", lambda: now() + 3 * DAY)
    status, body = ask()
    assert (status, body["data"]["id"], body["data"]["existing"]) == (202, execution, True)
    assert stack.pump() == 0


def test_the_rest_of_an_ended_execution_expires_with_it_and_no_other(clients, table, blobs, make):
    store = DynamoStore(table, blobs, retention_days=2)
    other = "01JEXECVT10N00000000000002"
    for execution in (make.execution, other):
        store.create(make.start(execution))
    store.claim(make.task(), "t", make.now, make.now + 60)
    store.write(make.execution, [WriteVars(1, {})])
    store.save(make.state(status=ExecutionStatus.COMPLETED, ended_at=make.now), 0)
    assert retention(table, blobs).mark_expired(make.execution, make.now) is None
    items = clients.dynamodb.scan(TableName="attune")["Items"]
    expiring = {item["PK"]["S"] for item in items if "ttl" in item}
    lasting = {item["PK"]["S"] for item in items if "ttl" not in item}
    assert (expiring, lasting) == ({keys.partition(make.execution)}, {keys.partition(other)})
    assert len({item["ttl"]["N"] for item in items if "ttl" in item}) == 1


def test_what_goes_on_after_its_end_is_kept_whenever_the_events_come(clients, table, blobs, make):
    store, marks = DynamoStore(table, blobs, retention_days=2), retention(table, blobs)
    store.create(make.start())
    store.save(make.state(status=ExecutionStatus.FAILED, ended_at=make.now), 0)
    marks.mark_expired(make.execution, make.now)
    marks.unmark(make.execution)
    assert "ttl" in raw(clients, keys.start(make.execution)), "it has not gone on yet"
    store.save(make.state(status=ExecutionStatus.RUNNING), 1)
    assert "ttl" not in raw(clients, keys.state(make.execution))
    marks.unmark(make.execution)
    marks.mark_expired(make.execution, make.now)  # news of the first end that comes late
    assert not [item for item in clients.dynamodb.scan(TableName="attune")["Items"] if "ttl" in item]


def test_a_mark_that_was_left_is_moved_to_the_new_end(clients, table, blobs, make):
    store, marks = DynamoStore(table, blobs, retention_days=2), retention(table, blobs)
    store.create(make.start())
    store.save(make.state(status=ExecutionStatus.FAILED, ended_at=make.now), 0)
    marks.mark_expired(make.execution, make.now)
    store.save(make.state(status=ExecutionStatus.COMPLETED, ended_at=make.now + 1000), 1)
    marks.mark_expired(make.execution, make.now + 1000)
    items = clients.dynamodb.scan(TableName="attune")["Items"]
    assert {item["ttl"]["N"] for item in items} == {str(int(make.now + 1000 + 2 * 86_400))}


def test_only_payloads_of_the_ended_execution_are_marked(clients, table, blobs, make):
    large = ["x" * 30_000]
    references = {owner: blobs.put(owner, large) for owner in (make.execution, "other", "workflows/t.w")}
    retention(table, blobs).mark_expired(make.execution, make.now)
    tags = {
        owner: clients.s3.get_object_tagging(Bucket="attune", Key=reference[1:])["TagSet"]
        for owner, reference in references.items()
    }
    key, _, value = ENDED.partition("=")
    assert tags == {make.execution: [{"Key": key, "Value": value}], "other": [], "workflows/t.w": []}
    assert S3BlobStore(clients.s3, "attune").get(references[make.execution]) == large
    assert blobs.unmark(make.execution, "", never) is None
    held = clients.s3.get_object_tagging(Bucket="attune", Key=references[make.execution][1:])
    assert held["TagSet"] == [], "it goes on"


def test_many_items_are_marked_in_parts_each_once_and_none_is_left_out(clients, ledger, table, blobs, make):
    _, marks = ended_execution(table, blobs, make, items=250)
    ledger.reset()
    rest, rounds = Rest(make.now), 0
    while rest is not None and rounds < MOST:
        rest, rounds = marks.mark_expired(make.execution, rest.ended_at, rest.after, lambda: True), rounds + 1
    assert 3 <= rounds <= 5
    assert ledger.of("dynamodb")["UpdateItem"] == 251, "the start and the attempts; the state had its own"
    items = clients.dynamodb.scan(TableName="attune")["Items"]
    assert len(items) == 252
    assert {item["ttl"]["N"] for item in items} == {str(int(make.now + 2 * 86_400))}
    assert marks.mark_expired(make.execution, make.now) is None
    assert ledger.of("dynamodb")["UpdateItem"] == 251, "what is marked is not written again"


def test_so_are_marks_taken_away_again(clients, table, blobs, make):
    store, marks = ended_execution(table, blobs, make, items=250)
    marks.mark_expired(make.execution, make.now)
    store.save(make.state(), 1)
    rest = marks.unmark(make.execution, "", lambda: True)
    assert rest is not None and rest.ended_at is None
    for _ in range(MOST):
        rest = rest and marks.unmark(make.execution, rest.after, lambda: True)
    assert not [item for item in clients.dynamodb.scan(TableName="attune")["Items"] if "ttl" in item]


def test_of_many_payloads_none_is_left_out_either(clients, table, blobs, make):
    _, marks = ended_execution(table, blobs, make)
    references = [blobs.put(make.execution, [str(number) * 30_000]) for number in range(40)]
    rest, rounds = Rest(make.now), 0
    while rest is not None and rounds < MOST:
        rest, rounds = marks.mark_expired(make.execution, rest.ended_at, rest.after, lambda: True), rounds + 1
    assert rounds >= 3
    tags = [clients.s3.get_object_tagging(Bucket="attune", Key=reference[1:])["TagSet"] for reference in references]
    assert all(tags)


def test_one_that_is_retried_while_it_is_marked_is_to_be_kept(clients, table, blobs, make):
    store, marks = ended_execution(table, blobs, make, items=250)

    def retried():
        state = store.load(make.execution)
        return not state.status.ended or not store.save(make.state(), state.version)

    rest = marks.mark_expired(make.execution, make.now, "", retried)
    assert rest == Rest(None)
    assert marks.unmark(make.execution, rest.after) is None
    assert not [item for item in clients.dynamodb.scan(TableName="attune")["Items"] if "ttl" in item]


def test_news_of_a_retry_that_comes_amid_the_next_end_does_not_undo_that(clients, table, blobs, make):
    store, marks = ended_execution(table, blobs, make)
    store.save(make.state(), 1)
    later = int(make.now + 1000 + 2 * 86_400)
    table.update(keys.start(make.execution), "SET #ttl = :ttl", {":ttl": later}, None, {"#ttl": "ttl"})
    marks.unmark(make.execution)
    assert raw(clients, keys.start(make.execution))["ttl"] == {"N": str(later)}


def test_a_dead_letter_keeps_its_own_time(clients, table, blobs, make):
    store, marks = ended_execution(table, blobs, make)
    dead_letter = DeadLetter(
        id=f"1.{make.execution}", queue=Origin.TASK, at=make.now, reason="why", body="body", execution=make.execution
    )
    DynamoDeadLetterStore(table, blobs).add(dead_letter)
    before = raw(clients, keys.dead_letter(dead_letter.id))["ttl"]
    marks.mark_expired(make.execution, make.now + 90 * 86_400)
    assert raw(clients, keys.dead_letter(dead_letter.id))["ttl"] == before
    store.save(make.state(), 1)
    marks.unmark(make.execution)
    assert raw(clients, keys.dead_letter(dead_letter.id))["ttl"] == before


def retention(table, blobs, days=2):
    """At the time that :class:`Make` has for now, and a little later."""
    return DynamoRetention(table, blobs, days, VirtualClock(NOW + 500))


def ended_execution(table, blobs, make, items=0):
    """Two days of retention, and an execution that has failed, with the records of so many items."""
    store = DynamoStore(table, blobs, retention_days=2)
    store.create(make.start())
    rows = [with_key(keys.attempt(make.execution, AttemptId("each", 1, n)), st="completed") for n in range(items)]
    table.write_many(rows)
    store.save(make.state(status=ExecutionStatus.FAILED, ended_at=make.now), 0)
    return store, retention(table, blobs)


class Hurried:
    """A function that is told at once that its time is nearly up."""

    def get_remaining_time_in_millis(self):
        return 5_000


@pytest.fixture
def told(stack):
    """What is put on the bus."""
    events = []

    def note(params: dict[str, Any], **_: Any) -> None:
        body = json.loads(params["body"])
        events.extend(
            {"source": e["Source"], "detail-type": e["DetailType"], "detail": json.loads(e["Detail"])}
            for e in body["Entries"]
        )

    process.client("events").meta.events.register("before-call.events.PutEvents", note)
    return events


def test_on_event_leaves_the_rest_for_later(stack, told, clients, monkeypatch):
    monkeypatch.setenv("ATTUNE__RETENTION_DAYS", "2")
    execution = stack.start("flows.many", items=250)
    stack.pump()
    (end,) = [event for event in told if event["detail"]["execution_id"] == execution]
    pending, rounds = [{"id": "e-1", **end}], 0
    while pending and rounds < MOST:
        told.clear()
        assert stack.functions["on_event"].handler(pending.pop(), Hurried()) == {"started": {}}
        pending, rounds = [{"id": "e-2", **event} for event in told], rounds + 1
        assert all(event["detail-type"] == RETENTION_CONTINUED for event in pending)
    assert rounds >= 3
    rows = clients.dynamodb.query(
        TableName="attune",
        KeyConditionExpression="PK = :pk",
        ExpressionAttributeValues={":pk": {"S": keys.partition(execution)}},
    )["Items"]
    assert len(rows) > 250
    assert len({row["ttl"]["N"] for row in rows if not row["SK"]["S"].startswith("STATE")}) == 1


def test_on_event_may_mark_the_payloads_of_what_ended(stack, told, clients, monkeypatch):
    monkeypatch.setenv("ATTUNE__RETENTION_DAYS", "2")
    execution = stack.start("flows.diamond", word="x" * 30_000)
    stack.pump()
    (end,) = [event for event in told if event["detail"]["execution_id"] == execution]
    stack.invoke("on_event", {"id": "e-1", **end})
    found = clients.s3.list_objects_v2(Bucket="attune", Prefix=f"payloads/{execution}/")["Contents"]
    assert all(clients.s3.get_object_tagging(Bucket="attune", Key=payload["Key"])["TagSet"] for payload in found)


@pytest.mark.parametrize(("kind", "starts"), [("Workflow Execution Failed", 1), (RETENTION_CONTINUED, 0)])
def test_rules_see_what_ends_and_not_what_is_left_for_later(stack, kind, starts):
    rule = Rule(
        ref="t.all",
        pack="t",
        trigger=TriggerType.EVENT,
        action="flows.diamond",
        pattern={"source": ["attune"]},
        parameters={"word": "x"},
    )
    storage.catalog().put_rules("t", [rule])
    detail = {"execution_id": "01JEXECVT10N00000000000001", "ended_at": "2026-01-01T00:00:00+00:00"}
    answer = stack.invoke("on_event", {"id": "e-1", "source": "attune", "detail-type": kind, "detail": detail})
    assert len(answer["started"]) == starts


@pytest.mark.parametrize(
    "more", [{"execution_id": 1}, {"after": 7}, {"ended_at": "soon"}, {"execution_id": "x" * 3000}]
)
def test_what_cannot_be_read_is_nothing(stack, more, monkeypatch):
    monkeypatch.setenv("ATTUNE__RETENTION_DAYS", "2")
    process.reset()
    detail = {"execution_id": "01JEXECVT10N00000000000001", "ended_at": "2026-01-01T00:00:00+00:00"} | more
    event = {"id": "e-1", "source": "attune", "detail-type": RETENTION_CONTINUED, "detail": detail}
    assert stack.invoke("on_event", event) == {"started": {}}


def test_only_what_executions_have_stored_is_let_go_whatever_is_said_on_the_bus(stack, clients, blobs, monkeypatch):
    """Every workflow may put an event there that looks like one of Attune's own."""
    monkeypatch.setenv("ATTUNE__RETENTION_DAYS", "2")
    process.reset()
    reference = blobs.put("kv", "x" * 30_000)
    detail = {"execution_id": "kv", "ended_at": "2026-01-01T00:00:00+00:00"}
    stack.invoke("on_event", {"id": "e-1", "source": "attune", "detail-type": "Mine", "detail": detail})
    assert clients.s3.get_object_tagging(Bucket="attune", Key=reference[1:])["TagSet"] == []
