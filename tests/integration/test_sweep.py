"""sweep, doctor and dead letters: the functions as they are, on moto."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from attune.adapters.aws.cursors import encode_cursor
from attune.adapters.aws.dynamodb.dead_letter_store import KEPT, DynamoDeadLetterStore
from attune.adapters.aws.dynamodb.execution_store import DynamoStore
from attune.adapters.aws.dynamodb.inspector import DynamoInspector
from attune.adapters.aws.timers import TimerDue, timer_to_body
from attune.engine.effects import WriteWait
from attune.engine.ids import AttemptId, chunk_id, execution_id
from attune.engine.messages import Cancel, TimerFired, TimerKind
from attune.exceptions import InvalidRequest, NotFound
from attune.execution.ports.dead_letters import DeadLetter, Origin
from attune.execution.ports.execution_store import Record
from attune.execution.ports.inspector import Recorded, SweepNotes
from attune.execution.ports.queues import Envelope
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus
from attune.wiring import process, sending, storage

EXECUTIONS = "/api/v1/workflow-executions"
DEAD_LETTERS = "/api/v1/dead-letters"
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00")


class Later:
    """A clock that can be put forward."""

    def __init__(self) -> None:
        self.ahead, self._real = 0.0, process.SystemClock()

    def now(self) -> float:
        return self._real.now() + self.ahead


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Iterator[Later]:
    clock = Later()
    monkeypatch.setattr(process.clock, "now", clock.now)
    yield clock


@pytest.fixture
def stack(later: Later, stack: Any) -> Any:
    return stack


def sweep(stack: Any) -> dict[str, Any]:
    return dict(stack.invoke("sweep", {}))


class TestSweep:
    def test_an_idle_sweep_makes_a_handful_of_reads_and_one_write(self, stack: Any, ledger: Any) -> None:
        for service in ("dynamodb", "sqs"):
            ledger.attach(process.client(service))
        sweep(stack)
        ledger.reset()
        assert sweep(stack) == {"looked": 0, "repairs": {}}
        statuses = sum(not status.ended for status in ExecutionStatus)
        workflows = len(storage.inspector().workflows())
        assert ledger.counts["dynamodb", "PutItem"] == 1
        assert ledger.counts["dynamodb", "GetItem"] == 1
        assert ledger.counts["dynamodb", "Query"] - 1 == statuses + 1 + 1 + workflows, (
            "with the chunks and the list of workflows"
        )
        assert ledger.counts["sqs", "SendMessageBatch"] == 0
        assert ledger.counts["sqs", "GetQueueAttributes"] == 1

    def test_a_lost_task_is_asked_for_again_and_the_metric_says_so(self, stack: Any, later: Later, capsys: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        stack.invoke("advance", stack.messages())
        assert stack.tasks() is not None, "received by nobody"
        later.ahead = 1000
        assert sweep(stack) == {"looked": 1, "repairs": {"task_lost": 1}}
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
        assert [line["Repairs"] for line in lines] == [[1.0]]
        assert [line["level"] for line in lines] == ["ERROR"], "else Lambda drops it when LogLevel is ERROR"
        assert all(RFC3339.fullmatch(line["timestamp"]) for line in lines)
        stack.pump()
        assert stack.execution(execution)["status"] == "completed"

    def test_a_lost_start_is_sent_again(self, stack: Any, later: Later) -> None:
        execution = stack.start("flows.diamond", word="x")
        assert stack.messages() is not None, "received by nobody"
        later.ahead = 1000
        assert sweep(stack)["repairs"] == {"start_lost": 1}
        stack.pump()
        assert stack.execution(execution)["status"] == "completed"
        later.ahead = 2000
        assert sweep(stack)["repairs"] == {}

    @pytest.mark.parametrize(
        ("workflow", "event", "said"),
        [
            ("flows.wait_for_parcel", "ParcelSent", {"parcel": "A"}),
            ("flows.wait_for_payment", "OrderPaid", {"amount": 12}),
        ],
    )
    def test_the_lost_news_of_an_event_is_sent_again(
        self, stack: Any, later: Later, workflow: str, event: str, said: Any
    ) -> None:
        execution = stack.start(workflow, order=7)
        stack.pump()
        detail = {"order": 7, "parcel": "A", "amount": 12}
        stack.invoke("on_event", {"source": "shop", "detail-type": event, "id": "p-1", "detail": detail})
        assert stack.messages() is not None, "received by nobody"
        later.ahead = 1000
        assert sweep(stack) == {"looked": 1, "repairs": {"event_lost": 1}}
        stack.pump()
        assert stack.execution(execution)["output"] == said

    def test_it_changes_nothing_but_its_own_notes(
        self, stack: Any, later: Later, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What its role may not do it does not do."""
        stack.start("flows.diamond", word="x")
        stack.invoke("advance", stack.messages())
        stack.tasks()
        later.ahead = 1000
        client = process.client("dynamodb")
        for name in ("update_item", "delete_item", "batch_write_item"):
            monkeypatch.setattr(client, name, None)
        put = client.put_item
        keys = []
        monkeypatch.setattr(client, "put_item", lambda **call: keys.append(call["Item"]["PK"]["S"]) or put(**call))
        assert sweep(stack)["repairs"] == {"task_lost": 1}
        assert keys == ["SWEEP"]


class TestDoctor:
    def test_the_api_says_why_and_repairs(self, stack: Any, later: Later) -> None:
        execution = stack.start("flows.diamond", word="x")
        stack.invoke("advance", stack.messages())
        stack.tasks()
        later.ahead = 1000
        status, body = stack.api("GET", f"{EXECUTIONS}/{execution}/diagnosis")
        assert status == 200
        assert body["data"]["findings"][0]["code"] == "task_lost"
        assert body["data"]["findings"][0]["repairable"] is True
        status, body = stack.api("POST", f"{EXECUTIONS}/{execution}/repair")
        assert (status, body["data"]["repaired"]) == (202, [execution])
        stack.pump()
        assert stack.execution(execution)["status"] == "completed"
        status, body = stack.api("POST", f"{EXECUTIONS}/{execution}/repair")
        assert (status, body["message"]) == (202, "there is nothing to repair")

    def test_it_says_who_paused_an_execution_and_why(self, stack: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        stack.api("POST", f"{EXECUTIONS}/{execution}/pause", {"reason": "lunch"})
        stack.pump()
        _, body = stack.api("GET", f"{EXECUTIONS}/{execution}/diagnosis")
        assert re.match(r"it was paused by tester \d+ s ago: lunch", body["data"]["sentence"])

    @pytest.mark.parametrize("method", [("GET", "diagnosis"), ("POST", "repair")])
    def test_an_unknown_execution_is_not_found(self, stack: Any, method: tuple[str, str]) -> None:
        status, body = stack.api(method[0], f"{EXECUTIONS}/nobody/{method[1]}")
        assert (status, body["code"]) == (404, "not_found")

    def test_the_checkup_says_what_is_not_well(self, stack: Any, later: Later) -> None:
        def checks() -> dict[str, bool]:
            status, body = stack.api("GET", "/api/v1/checkup")
            assert status == 200
            assert body["data"]["ok"] is all(check["ok"] for check in body["data"]["checks"])
            return {check["name"]: check["ok"] for check in body["data"]["checks"]}

        assert not checks()["sweep"]
        sweep(stack)
        assert all(checks().values())
        later.ahead = 3600
        storage.dead_letter_store().add(DeadLetter(id="1.x", queue=Origin.TASK, at=1.0, reason="why", body="{}"))
        alarm = {"Namespace": "n", "MetricName": "m", "ComparisonOperator": "GreaterThanThreshold", "Period": 60}
        cloudwatch = process.client("cloudwatch")
        for name, expected in {"attune-staging-X-1": [], "attune-X-1": ["alarms"]}.items():
            cloudwatch.put_metric_alarm(AlarmName=name, EvaluationPeriods=1, Threshold=0, Statistic="Sum", **alarm)
            cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
            assert [name for name, ok in checks().items() if not ok] == ["sweep", "dead_letters", *expected]


class TestDeadLetters:
    def dead(self, stack: Any, queue: str, body: str, group: str | None = None, message: str = "m-1") -> None:
        attributes = {"SentTimestamp": "1767225600000"} | ({"MessageGroupId": group} if group else {})
        record = {"messageId": message, "body": body, "attributes": attributes, "eventSourceARN": queue}
        assert stack.invoke("on_dead", {"Records": [record]}) == {"batchItemFailures": []}

    def listed(self, stack: Any) -> list[dict[str, Any]]:
        status, body = stack.api("GET", DEAD_LETTERS)
        assert status == 200
        return list(body["data"]["items"])

    def test_a_message_of_a_mailbox_is_kept_once_shown_and_redriven(self, stack: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        (record,) = stack.messages()["Records"]
        for _ in range(2):
            self.dead(stack, "AdvanceDeadQueue", record["body"], execution)
        (row,) = self.listed(stack)
        assert (row["queue"], row["execution"]) == ("advance", execution)
        assert row["reason"] == "start could not be folded; its execution was asked to try once more"
        _, body = stack.api("GET", f"{DEAD_LETTERS}/{row['id']}")
        assert body["data"]["body"] == record["body"]
        status, _ = stack.api("POST", f"{DEAD_LETTERS}/{row['id']}/redrive")
        assert status == 202
        assert self.listed(stack) == []
        stack.pump()
        assert stack.execution(execution)["status"] == "completed"

    def test_a_dead_timer_is_told_to_its_execution_at_once(self, stack: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        stack.invoke("advance", stack.messages())
        fired = TimerFired(TimerKind.SLEEP, AttemptId("a"))
        self.dead(stack, "TimerDeadQueue", timer_to_body(TimerDue(Envelope(execution, fired), 5.0)))
        (row,) = self.listed(stack)
        assert (row["queue"], row["execution"]) == ("timer", execution)
        envelopes = stack.messages()
        (record,) = envelopes["Records"]
        message = json.loads(record["body"])["message"]
        assert (message["type"], message["message"]["kind"]) == ("dead", "sleep")
        assert stack.invoke("advance", envelopes) == {"batchItemFailures": []}
        stack.pump()
        assert stack.execution(execution)["status"] == "completed"

    def test_a_dead_schedule_waits_to_be_redriven_and_goes_back_to_the_timer_queue(self, stack: Any) -> None:
        body = json.dumps({"rule": "t.nightly", "time": "2026-01-01T00:00:00Z"})
        self.dead(stack, "TimerDeadQueue", body)
        (row,) = self.listed(stack)
        assert row["reason"] == "the schedule of rule 't.nightly' could not start its workflow"
        assert stack.api("POST", f"{DEAD_LETTERS}/{row['id']}/redrive")[0] == 202
        assert stack.queues.timers.bodies() == [body]

    def test_a_task_whose_attempt_has_ended_is_not_redriven(self, stack: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        stack.invoke("advance", stack.messages())
        (record,) = stack.tasks()["Records"]
        self.dead(stack, "TaskDeadQueue", record["body"])
        (row,) = self.listed(stack)
        assert row["execution"] == execution
        status, body = stack.api("POST", f"{DEAD_LETTERS}/{row['id']}/redrive")
        assert (status, body["code"]) == (409, "conflict")
        assert "has ended (failed)" in body["error"]
        assert len(self.listed(stack)) == 1

    def test_what_nobody_can_read_is_kept_and_dropped_with_a_line_in_the_log(self, stack: Any, caplog: Any) -> None:
        self.dead(stack, "TaskDeadQueue", "no json at all")
        (row,) = self.listed(stack)
        assert row["execution"] is None
        assert row["reason"].startswith("nobody can read it: not a message of ours (JSONDecodeError")
        assert stack.api("POST", f"{DEAD_LETTERS}/{row['id']}/redrive")[0] == 400
        assert stack.api("DELETE", f"{DEAD_LETTERS}/{row['id']}")[0] == 200
        assert self.listed(stack) == []
        lines = [line for line in caplog.records if line.message == "dead letter dropped"]
        assert [(line.dead_letter, line.by) for line in lines] == [(row["id"], "tester")]
        assert stack.api("DELETE", f"{DEAD_LETTERS}/{row['id']}")[0] == 404

    def test_a_message_of_an_ended_execution_is_not_redriven(self, stack: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        envelopes = stack.messages()
        self.dead(stack, "AdvanceDeadQueue", envelopes["Records"][0]["body"], execution)
        stack.invoke("advance", envelopes)
        stack.pump()
        (row,) = self.listed(stack)
        status, body = stack.api("POST", f"{DEAD_LETTERS}/{row['id']}/redrive")
        assert (status, body["details"]["hint"]) == (409, "drop it")

    def test_news_of_a_dead_letter_that_dies_itself_is_sent_again_a_few_times(self, stack: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        body = stack.messages()["Records"][0]["body"]
        for number in range(6):
            self.dead(stack, "AdvanceDeadQueue", body, execution, message=f"m-{number}")
            body = stack.messages()["Records"][0]["body"]
            message = json.loads(body)["message"]
            assert (message["type"], message["message"]["type"]) == ("dead", "start"), "not nested"
        self.dead(stack, "AdvanceDeadQueue", body, execution, message="m-6")
        assert stack.messages() is None
        (last,) = [row for row in self.listed(stack) if row["reason"] == "start could not be folded, 5 times over"]
        assert stack.api("POST", f"{DEAD_LETTERS}/{last['id']}/redrive")[0] == 202
        stack.pump()
        assert stack.execution(execution)["status"] == "completed"

    def test_a_poison_message_parks_its_execution_and_the_doctor_names_it(self, stack: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        stack.invoke("advance", stack.messages())
        self.dead(stack, "AdvanceDeadQueue", "garbage", execution)
        stack.invoke("advance", stack.messages())
        assert stack.execution(execution)["status"] == "paused"
        assert stack.execution(execution)["error"]["type"] == "poison_message"
        _, body = stack.api("GET", f"{EXECUTIONS}/{execution}/diagnosis")
        codes = [finding["code"] for finding in body["data"]["findings"]]
        assert codes[:2] == ["parked", "dead_letter"]


class TestDeadLetterStore:
    @pytest.fixture
    def dead_letter_store(self, table: Any, blobs: Any) -> DynamoDeadLetterStore:
        return DynamoDeadLetterStore(table, blobs)

    def dead_letter(self, number: int, execution: str = "e") -> DeadLetter:
        name = execution_id(1000.0 + number, bytes(10))
        return DeadLetter(
            id=f"{name}.{execution}",
            queue=Origin.TASK,
            at=1000.0 + number,
            reason="why",
            body="body",
            execution=execution,
        )

    def test_pages_are_newest_first_and_end(self, dead_letter_store: DynamoDeadLetterStore) -> None:
        dead_letters = [self.dead_letter(number, execution=f"e{number % 2}") for number in range(5)]
        for dead_letter in dead_letters:
            dead_letter_store.add(dead_letter)
        first = dead_letter_store.page(3)
        assert list(first.dead_letters) == dead_letters[:1:-1]
        rest = dead_letter_store.page(3, first.cursor or "")
        assert list(rest.dead_letters) == dead_letters[1::-1]
        assert rest.cursor is None
        assert dead_letter_store.of("e1") == [dead_letters[3], dead_letters[1]]

    def test_a_foreign_cursor_is_refused(self, dead_letter_store: DynamoDeadLetterStore) -> None:
        with pytest.raises(InvalidRequest):
            dead_letter_store.page(3, "é")
        with pytest.raises(InvalidRequest):
            dead_letter_store.page(3, encode_cursor("x" * 1100))

    def test_what_is_removed_is_gone(self, dead_letter_store: DynamoDeadLetterStore) -> None:
        dead_letter_store.add(self.dead_letter(1))
        dead_letter_store.remove(self.dead_letter(1).id)
        with pytest.raises(NotFound):
            dead_letter_store.get(self.dead_letter(1).id)

    def test_a_large_body_goes_to_the_bucket_and_the_item_expires(
        self, dead_letter_store: DynamoDeadLetterStore, table: Any
    ) -> None:
        dead_letter = DeadLetter(
            id="1.e", queue=Origin.TASK, at=1000.0, reason="why", body="x" * 100_000, execution="e"
        )
        dead_letter_store.add(dead_letter)
        assert dead_letter_store.get("1.e") == dead_letter
        (item,) = table.query("EXEC#e")
        assert item["ttl"] == 1000 + KEPT
        assert len(item["d"]) < 200


class TestInspector:
    def test_listings_are_oldest_first_between_two_ids(self, table: Any, blobs: Any, make: Any) -> None:
        store, inspector = DynamoStore(table, blobs), DynamoInspector(table, blobs)
        ids = [execution_id(make.now + n, bytes(10)) for n in range(6)]
        for name in ids:
            store.create(make.start(name))
            store.save(make.state(name), 0)
        assert inspector.live(ExecutionStatus.RUNNING, ids[1], ids[5], 2) == ids[2:4]
        assert inspector.live(ExecutionStatus.RUNNING, "", ids[2], 9) == ids[:2]
        assert inspector.started("t.w", ids[3], "Z", 9) == ids[4:]
        assert inspector.live(ExecutionStatus.PAUSED, "", "Z", 9) == []
        assert set(inspector.states([*ids, "nobody"])) == set(ids)

    def test_chunks_are_listed_until_they_have_ended_and_among_no_executions(
        self, table: Any, blobs: Any, make: Any
    ) -> None:
        store, inspector = DynamoStore(table, blobs), DynamoInspector(table, blobs)
        homes = [execution_id(make.now + n, bytes(10)) for n in range(3)]
        chunks = [chunk_id(home, "a", 1, number) for home in homes for number in range(2)]
        for name in (*homes, *chunks):
            store.save(make.state(name), 0)
        assert inspector.live(ExecutionStatus.RUNNING, "", "Z", 9) == homes
        assert inspector.chunks("", "Z", 9) == chunks
        assert inspector.chunks(chunks[1], homes[2], 1) == chunks[2:3]
        store.save(make.state(chunks[2], status=ExecutionStatus.CANCELLED), 1)
        assert inspector.chunks(f"{homes[1]}~", f"{homes[1]}~\x7f", 9) == chunks[3:4]
        assert inspector.states(chunks[2:3])[chunks[2]].status is ExecutionStatus.CANCELLED

    def test_a_record_tells_who_holds_the_lease_and_how_it_ended(self, table: Any, blobs: Any, make: Any) -> None:
        store, inspector = DynamoStore(table, blobs), DynamoInspector(table, blobs)
        message, other = make.task(), AttemptId("b")
        store.claim(message, "me", 10.0, 20.5)
        assert inspector.records(make.execution, [message.attempt, other]) == {
            message.attempt: Recorded(holder="me", lease_until=20.5, started_at=10.0)
        }
        store.finish(make.execution, message.attempt, Record("completed"), 15.0)
        assert inspector.records(make.execution, [message.attempt]) == {
            message.attempt: Recorded(holder="me", lease_until=20.5, started_at=10.0, status="completed", ended_at=15.0)
        }

    def test_what_is_awaited_from_outside_is_told(self, table: Any, blobs: Any, make: Any) -> None:
        store, inspector = DynamoStore(table, blobs), DynamoInspector(table, blobs)
        store.write(make.execution, [WriteWait(AttemptId("a"), WaitKind.INQUIRY, terms={"prompt": "p"}, since=3.0)])
        assert inspector.terms(make.execution, AttemptId("a"), WaitKind.INQUIRY)["prompt"] == "p"
        assert inspector.terms(make.execution, AttemptId("a"), WaitKind.EVENT) == {}

    def test_notes_are_kept(self, table: Any, blobs: Any) -> None:
        inspector = DynamoInspector(table, blobs)
        assert inspector.notes() == SweepNotes()
        notes = SweepNotes(at=5.0, status="running", after="x", started=4.0, late=["late"], marks={"e a#1#-#1": 3.5})
        inspector.save_notes(notes)
        assert inspector.notes() == notes


def test_a_cancellation_that_died_is_told_again(stack: Any) -> None:
    """Any message, not only those of tasks."""
    execution = stack.start("flows.diamond", word="x")
    stack.invoke("advance", stack.messages())
    sending.mailbox().post([Envelope(execution, Cancel("enough"))])
    TestDeadLetters().dead(stack, "AdvanceDeadQueue", stack.messages()["Records"][0]["body"], execution)
    stack.pump()
    assert stack.execution(execution)["status"] == "cancelled"
