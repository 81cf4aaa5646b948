"""Dead letters out of the ordinary: events, and those whose content is gone. The functions as they are, on moto."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from attune.exceptions import Unavailable
from attune.execution.ports.dead_letters import Origin
from attune.wiring import functions, process, storage
from tests.integration.aws_rules import Referee

DEAD_LETTERS = "/api/v1/dead-letters"
EXECUTIONS = "/api/v1/workflow-executions"
EVENT = {"id": "e-1", "source": "tests", "detail-type": "Hello", "detail": {"word": "from an event"}}
LARGE = "x" * 100_000


@pytest.fixture
def invoked(stack: Any) -> Iterator[list[dict[str, Any]]]:
    """What Lambda is asked to run; moto would need containers for it."""
    calls: list[dict[str, Any]] = []

    def answer(params: dict[str, Any], **_: Any) -> tuple[SimpleNamespace, dict[str, Any]]:
        calls.append(params)
        return SimpleNamespace(status_code=202), {"StatusCode": 202}

    process.client("lambda").meta.events.register("before-call.lambda.Invoke", answer)
    yield calls


def die(stack: Any, queue: str, body: str, *, group: str | None = None, message: str = "m-1", **more: Any) -> None:
    attributes = {"SentTimestamp": "1767225600000"} | ({"MessageGroupId": group} if group else {})
    record = {"messageId": message, "body": body, "attributes": attributes, "eventSourceARN": queue, **more}
    assert stack.invoke("on_dead", {"Records": [record]}) == {"batchItemFailures": []}


def listed(stack: Any) -> list[dict[str, Any]]:
    status, body = stack.api("GET", DEAD_LETTERS)
    assert status == 200
    return list(body["data"]["items"])


class TestEvents:
    def die(self, stack: Any, body: str, **more: Any) -> None:
        die(stack, os.environ["ATTUNE__EVENT_DEAD_QUEUE_ARN"], body, **more)

    def wrapped(self, event: Any) -> str:
        """As Lambda's destination for failures has it."""
        failure = {"errorMessage": "DynamoDB did not answer: InternalServerError", "errorType": "Unavailable"}
        context = {"condition": "RetriesExhausted", "approximateInvokeCount": 3}
        return json.dumps(
            {"version": "1.0", "requestContext": context, "requestPayload": event, "responsePayload": failure}
        )

    def attributes(self, **values: str) -> dict[str, Any]:
        """As EventBridge's own dead letters have them."""
        return {name: {"stringValue": value, "dataType": "String"} for name, value in values.items()}

    def test_one_that_on_event_gave_up_is_kept_once_with_the_reason(self, stack: Any) -> None:
        for _ in range(2):
            self.die(stack, self.wrapped(EVENT))
        (row,) = listed(stack)
        assert (row["queue"], row["execution"]) == ("event", None)
        assert row["id"].isalnum(), "nothing that a double click would miss"
        assert row["reason"] == (
            "event e-1 ('Hello' of tests) could not be taken in: "
            "Unavailable: DynamoDB did not answer: InternalServerError"
        )

    def test_one_that_eventbridge_could_not_hand_over_says_so_too(self, stack: Any) -> None:
        told = self.attributes(ERROR_CODE="NO_PERMISSIONS", ERROR_MESSAGE="not authorized", RULE_ARN="arn:…")
        self.die(stack, json.dumps(EVENT), messageAttributes=told)
        (row,) = listed(stack)
        assert row["reason"].endswith("could not be taken in: NO_PERMISSIONS: not authorized")

    @pytest.mark.parametrize("attribute", [{"binaryValue": "AA=="}, {}, {"stringValue": ""}])
    def test_attributes_that_say_nothing_are_no_trouble(self, stack: Any, attribute: dict[str, str]) -> None:
        self.die(stack, json.dumps(EVENT), messageAttributes={"ERROR_CODE": attribute})
        (row,) = listed(stack)
        assert row["reason"].endswith("('Hello' of tests) could not be taken in")

    def test_a_name_that_no_database_can_hold_is_no_trouble(self, stack: Any) -> None:
        self.die(stack, json.dumps(EVENT | {"source": "a\ud800b"}))
        (row,) = listed(stack)
        assert "of a?b)" in row["reason"]

    @pytest.mark.parametrize("form", ["wrapped", "bare"])
    def test_a_redrive_hands_the_event_to_on_event_which_starts_what_it_asks_for(
        self, stack: Any, invoked: list[dict[str, Any]], form: str
    ) -> None:
        self.die(stack, self.wrapped(EVENT) if form == "wrapped" else json.dumps(EVENT))
        (row,) = listed(stack)
        assert stack.api("POST", f"{DEAD_LETTERS}/{row['id']}/redrive")[0] == 202
        assert listed(stack) == []
        (call,) = invoked
        assert call["headers"]["X-Amz-Invocation-Type"] == "Event"
        assert call["url_path"].endswith("/functions/on_event/invocations")
        started = stack.invoke("on_event", json.loads(call["body"]))["started"]
        stack.pump()
        assert stack.execution(started["flows.on_hello"])["output"] == {"word": "from an event"}

    def test_what_was_half_done_is_not_done_twice(self, stack: Any, invoked: list[dict[str, Any]]) -> None:
        first = stack.invoke("on_event", EVENT)["started"]
        self.die(stack, self.wrapped(EVENT))
        stack.api("POST", f"{DEAD_LETTERS}/{listed(stack)[0]['id']}/redrive")
        assert stack.invoke("on_event", json.loads(invoked[0]["body"]))["started"] == first
        stack.pump()
        items = stack.api("GET", f"{EXECUTIONS}?workflow=flows.diamond")[1]["data"]["items"]
        assert len([row for row in items if row["trigger"].get("event") == "e-1"]) == 1

    def test_one_that_fails_at_being_handed_over_is_kept(self, stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(**_: Any) -> None:
            raise Unavailable("Lambda did not answer")

        monkeypatch.setattr(process.client("lambda"), "invoke", refuse)
        self.die(stack, json.dumps(EVENT))
        (row,) = listed(stack)
        assert stack.api("POST", f"{DEAD_LETTERS}/{row['id']}/redrive")[0] == 503
        assert listed(stack) == [row]

    @pytest.mark.parametrize("body", ["no json", "[1]", '{"a": 1}', '{"requestPayload": null}', '{"source": 1}'])
    def test_what_nobody_can_read_is_kept_and_says_why_it_cannot_be_redriven(self, stack: Any, body: str) -> None:
        self.die(stack, body)
        (row,) = listed(stack)
        assert row["queue"] == "event"
        assert row["reason"].startswith("nobody can read it: it holds no event")
        status, answer = stack.api("POST", f"{DEAD_LETTERS}/{row['id']}/redrive")
        assert (status, answer["code"]) == (400, "invalid_request")
        assert answer["error"].startswith("it holds no event")
        assert answer["details"]["hint"].startswith("drop it")
        assert stack.api("DELETE", f"{DEAD_LETTERS}/{row['id']}")[0] == 200
        assert listed(stack) == []


class TestWhatIsGone:
    """on_dead is the last of all: nothing may come to it for ever."""

    def empty(self, clients: Any) -> None:
        """Somebody deletes what lies in the bucket."""
        found = clients.s3.list_objects_v2(Bucket="attune").get("Contents", [])
        assert found
        for entry in found:
            clients.s3.delete_object(Bucket="attune", Key=entry["Key"])

    def waiting(self, stack: Any) -> tuple[str, dict[str, Any]]:
        """An execution with a large input, and its first task's message."""
        execution = stack.start("flows.diamond", word=LARGE)
        stack.invoke("advance", stack.messages())
        (record,) = stack.tasks()["Records"]
        storage.blobs.cache_clear()
        return execution, record

    def fresh(self) -> None:
        """As a new process has it, with nothing read before."""
        for made in (storage.blobs, functions.dead_letter_handler, storage.store):
            made.cache_clear()

    def test_a_task_without_its_input_ends_as_worker_lost_and_says_why(self, stack: Any, clients: Any) -> None:
        execution, record = self.waiting(stack)
        assert "input_ref" in json.loads(record["body"])
        self.fresh()
        self.empty(clients)
        die(stack, "TaskDeadQueue", record["body"])
        (row,) = listed(stack)
        assert (row["queue"], row["execution"]) == ("task", execution)
        assert "its input cannot be read" in row["reason"] and "is gone" in row["reason"]
        (envelope,) = stack.messages()["Records"]
        told = json.loads(envelope["body"])["message"]
        assert (told["type"], told["error"]["type"]) == ("task_ended", "worker_lost")
        assert "is gone" in told["error"]["message"]

    @pytest.mark.parametrize("body", ["reference", "no attempt"])
    def test_a_task_that_tells_no_more_than_its_execution_parks_that(self, stack: Any, clients: Any, body: str) -> None:
        execution = stack.start("flows.diamond", word="x")
        stack.invoke("advance", stack.messages())
        stack.tasks()
        reference = storage.blobs().put(execution, {"execution": execution, "more": LARGE})
        self.fresh()
        self.empty(clients)
        die(
            stack,
            "TaskDeadQueue",
            reference if body == "reference" else json.dumps({"execution": execution, "attempt": 1}),
        )
        (row,) = listed(stack)
        assert (row["queue"], row["execution"]) == ("task", execution)
        assert row["reason"].endswith("its execution was parked")
        stack.pump()
        found = stack.execution(execution)
        assert (found["status"], found["error"]["type"]) == ("paused", "poison_message")
        assert "could not be read" in found["error"]["message"]

    def test_a_message_whose_content_is_gone_parks_its_execution_and_says_so(self, stack: Any, clients: Any) -> None:
        execution = stack.start("flows.diamond", word="x")
        stack.invoke("advance", stack.messages())
        reference = storage.blobs().put(execution, LARGE)
        self.fresh()
        self.empty(clients)
        die(stack, "AdvanceDeadQueue", reference, group=execution)
        (row,) = listed(stack)
        assert "is gone" in row["reason"]
        stack.pump()
        assert "is gone" in stack.execution(execution)["error"]["message"]

    def test_a_bucket_that_refuses_is_no_reason_to_come_again(
        self, stack: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from botocore.exceptions import ClientError

        execution, record = self.waiting(stack)
        self.fresh()

        def denied(**_: Any) -> None:
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetObject")

        monkeypatch.setattr(process.client("s3"), "get_object", denied)
        die(stack, "TaskDeadQueue", record["body"])
        (row,) = listed(stack)
        assert (row["execution"], "AccessDenied" in row["reason"]) == (execution, True)

    def test_a_bucket_that_does_not_answer_is(self, stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        _, record = self.waiting(stack)
        self.fresh()

        def throttled(**_: Any) -> None:
            raise Unavailable("S3 did not answer")

        monkeypatch.setattr(process.client("s3"), "get_object", throttled)
        answer = stack.invoke("on_dead", {"Records": [record]})
        assert answer == {"batchItemFailures": [{"itemIdentifier": record["messageId"]}]}
        assert listed(stack) == []

    def test_one_whose_execution_cannot_be_told_says_so(self, stack: Any, referee: Referee) -> None:
        """No key of the table is as long as this task's name."""
        _, record = self.waiting(stack)
        body = json.loads(record["body"])
        body["attempt"][0] = "t" * 5000
        die(stack, "TaskDeadQueue", json.dumps(body))
        (row,) = listed(stack)
        assert "; but that failed: ClientError" in row["reason"]
        assert len(row["reason"]) < 2600
        referee.forgive("SK has 5021 bytes")

    @pytest.mark.parametrize("name", ["", "0123456789" * 300, "01M7XXHAZ9", "01M7XXHAZ9K4APFEQV320825Eü", "x" * 26])
    def test_one_that_names_no_execution_that_could_be_is_kept_as_nobodys(self, stack: Any, name: str) -> None:
        _, record = self.waiting(stack)
        die(stack, "TaskDeadQueue", json.dumps(json.loads(record["body"]) | {"execution": name}))
        (row,) = listed(stack)
        assert (row["queue"], row["execution"]) == (Origin.TASK, None)
        assert "is no execution's id" in row["reason"]
