"""The queues: bodies, batches, order, and partial failures."""

from __future__ import annotations

import json

import pytest

from attune.adapters.aws.batches import Parcel, pack
from attune.adapters.aws.blobs import INLINE_LIMIT
from attune.adapters.aws.sqs import (
    BATCH_BYTES,
    Queue,
    SqsMailbox,
    SqsTaskQueue,
    body_to_envelope,
    body_to_task,
    envelope_to_body,
    task_to_body,
    whole_delay,
)
from attune.adapters.aws.timers import body_to_timer
from attune.engine.ids import AttemptId
from attune.engine.messages import Cancel, Dead, Parent, Pause, Resume, TaskEnded, TimerFired, TimerKind
from attune.engine.wire import encode
from attune.exceptions import AttuneError, InvalidRequest, Unavailable
from attune.execution.ports.queues import Envelope
from attune.model.status import TaskStatus

BIG = "x" * (INLINE_LIMIT + 1)
ATTEMPT = AttemptId("each", 2, 7, 3)
ERROR = {"type": "Oops", "message": "no", "details": None, "retryable": True}


@pytest.fixture
def mailbox(clients, queues, blobs):
    return SqsMailbox(Queue(clients.sqs, queues.advance.url, lambda seconds: None), blobs)


@pytest.fixture
def tasks(clients, queues, blobs):
    return SqsTaskQueue(Queue(clients.sqs, queues.tasks.url, lambda seconds: None), blobs)


def envelopes_of(make):
    start = make.start(parent=Parent("01JPARENT00000000000000000", ATTEMPT, 2))
    messages = [
        start,
        TaskEnded(ATTEMPT, TaskStatus.COMPLETED, {"r": [1, "ä"]}),
        TaskEnded(ATTEMPT, TaskStatus.FAILED, None, has_result=False, error=ERROR, resend_id="salt"),
        TimerFired(TimerKind.RETRY, ATTEMPT),
        TimerFired(TimerKind.WORKFLOW_TIMEOUT),
        Cancel("why", "2"),
        Pause("why"),
        Resume("3"),
        Dead("9", encode(start)),
    ]
    return [Envelope(make.execution, message) for message in messages]


class TestBodies:
    def test_every_kind_of_message_comes_back(self, make, blobs):
        for envelope in envelopes_of(make):
            assert body_to_envelope(envelope_to_body(envelope, blobs), blobs) == envelope

    def test_a_task_comes_back(self, make, blobs):
        message = make.task(ATTEMPT, x=[1, None])
        assert body_to_task(task_to_body(message, blobs), blobs) == message

    @pytest.mark.parametrize("large", ["start", "dead", "reason"])
    def test_a_large_message_is_small_on_the_queue_and_comes_back(self, make, blobs, large):
        start = make.start(parameters={"big": BIG})
        message = {"start": start, "dead": Dead("1", encode(start)), "reason": Cancel(BIG)}[large]
        body = envelope_to_body(Envelope(make.execution, message), blobs)
        assert len(body) < 1024
        assert body_to_envelope(body, blobs) == Envelope(make.execution, message)

    def test_a_large_task_is_small_on_the_queue_and_comes_back(self, make, blobs):
        message = make.task(text=BIG)
        body = task_to_body(message, blobs)
        assert len(body) < 1024
        assert body_to_task(body, blobs) == message

    def test_a_large_input_is_stored_once_for_the_message_and_the_record(self, make, blobs, ledger):
        message = make.task(text=BIG)
        task_to_body(message, blobs)
        blobs.put(message.execution, dict(message.input))
        assert ledger.of("s3") == {"PutObject": 1}

    @pytest.mark.parametrize(
        "body",
        [
            "",
            "not json",
            "[]",
            "null",
            "3",
            '"text"',
            "{}",
            '{"execution": "e"}',
            '{"execution": "e", "message": null}',
        ],
    )
    def test_a_body_of_something_else_is_an_invalid_request(self, blobs, body):
        for read in (body_to_envelope, body_to_task):
            with pytest.raises(InvalidRequest, match="not a message of ours"):
                read(body, blobs)

    @pytest.mark.parametrize("execution", ["", "two words", "ünïcode", "x" * 129, None, 7])
    def test_what_is_for_nobody_whom_sqs_could_bring_it_is_refused(self, blobs, make, execution):
        """One such message would have SQS refuse the nine others of its batch."""
        task = {**json.loads(task_to_body(make.task(), blobs)), "execution": execution}
        envelope = {"execution": execution, "message": encode(Cancel("why"))}
        for read, data in (
            (body_to_task, task),
            (body_to_envelope, envelope),
            (body_to_timer, {**envelope, "due": 1.0}),
        ):
            with pytest.raises(InvalidRequest):
                read(json.dumps(data), blobs)

    def test_a_message_of_an_unknown_type_or_with_a_wrong_field_is_an_invalid_request(self, make, blobs):
        for message in ({"type": "party"}, {"type": "cancel", "volume": 11}, {"type": "timer", "kind": "tea"}):
            with pytest.raises(InvalidRequest):
                body_to_envelope(json.dumps({"execution": make.execution, "message": message}), blobs)


class TestMailbox:
    def test_a_message_goes_into_its_executions_group(self, make, mailbox, queues):
        mailbox.post([Envelope(make.execution, Cancel("why"))])
        (message,) = queues.advance.messages()
        assert message["Attributes"]["MessageGroupId"] == make.execution

    def test_the_same_message_to_two_executions_reaches_both(self, mailbox, queues, blobs):
        """Also where deduplication is not kept to the group."""
        envelopes = [Envelope(f"execution-{n}", Cancel("why")) for n in range(2)]
        mailbox.post(envelopes)
        received = [body_to_envelope(body, blobs) for body in queues.advance.bodies()]
        assert sorted(received, key=lambda envelope: envelope.execution) == envelopes

    def test_a_copy_is_dropped(self, make, mailbox, queues):
        for _ in range(2):
            mailbox.post([Envelope(make.execution, Cancel("why"))])
        assert len(queues.advance.messages()) == 1

    def test_ten_messages_to_ten_executions_are_one_call(self, mailbox, ledger, queues):
        mailbox.post([Envelope(f"execution-{n}", Cancel()) for n in range(10)])
        assert ledger.counts == {("sqs", "SendMessageBatch"): 1}

    def test_messages_to_one_execution_go_in_one_call_and_none_is_lost_when_it_fails_in_part(
        self, clients, make, mailbox, queues, blobs, ledger, monkeypatch
    ):
        fail_first_of_each_batch_once(monkeypatch, clients.sqs)
        envelopes = [Envelope(make.execution, Cancel(request_id=str(n))) for n in range(5)]
        mailbox.post(envelopes)
        assert ledger.counts == {("sqs", "SendMessageBatch"): 2}
        arrived = [body_to_envelope(body, blobs) for body in queues.advance.bodies()]
        assert sorted(arrived, key=repr) == envelopes

    def test_nothing_to_post_is_no_call(self, mailbox, ledger):
        mailbox.post([])
        assert ledger.total() == 0


def fail_first_of_each_batch_once(monkeypatch, client):
    """The first entry of a batch is refused when it comes for the first time."""
    whole, refused = client.send_message_batch, set()

    def partly(QueueUrl, Entries):  # noqa: N803
        body = Entries[0]["MessageBody"]
        if body in refused:
            return whole(QueueUrl=QueueUrl, Entries=Entries)
        refused.add(body)
        answer = whole(QueueUrl=QueueUrl, Entries=Entries[1:]) if Entries[1:] else {}
        return {**answer, "Failed": [{"Id": Entries[0]["Id"], "Code": "InternalError", "SenderFault": False}]}

    monkeypatch.setattr(client, "send_message_batch", partly)


class TestTaskQueue:
    def test_tasks_are_sent_by_the_ten(self, make, tasks, queues, ledger, blobs):
        messages = [make.task(AttemptId("each", 1, n), n=n) for n in range(25)]
        tasks.send(messages)
        assert ledger.counts == {("sqs", "SendMessageBatch"): 3}
        received = [body_to_task(body, blobs) for body in queues.tasks.bodies()]
        assert sorted(message.attempt for message in received) == [message.attempt for message in messages]

    def test_large_tasks_share_a_call_up_to_its_limit_of_bytes(self, make, tasks, queues, ledger):
        tasks.send([make.task(AttemptId("each", 1, n), text="x" * (INLINE_LIMIT - 1000)) for n in range(20)])
        assert ledger.of("s3") == {}
        assert ledger.of("sqs") == {"SendMessageBatch": 2}
        assert len(queues.tasks.bodies()) == 20

    def test_no_call_has_more_bytes_than_its_limit(self, clients, queues, ledger):
        queue = Queue(clients.sqs, queues.tasks.url)
        queue.send({"MessageBody": "x" * 100_000} for _ in range(5))
        assert ledger.counts == {("sqs", "SendMessageBatch"): 3}

    def test_what_a_call_did_not_accept_is_sent_again_and_nothing_twice(
        self, clients, make, tasks, queues, blobs, monkeypatch
    ):
        fail_first_of_each_batch_once(monkeypatch, clients.sqs)
        tasks.send([make.task(AttemptId("each", 1, n)) for n in range(10)])
        received = [body_to_task(body, blobs).attempt.index for body in queues.tasks.bodies()]
        assert sorted(received) == list(range(10))

    def test_what_is_never_accepted_is_unavailable(self, clients, make, tasks, monkeypatch):
        refuse(monkeypatch, clients.sqs, SenderFault=False, Code="InternalError")
        with pytest.raises(Unavailable, match="1 of 1"):
            tasks.send([make.task()])

    def test_what_is_throttled_is_unavailable_whosever_fault_it_is(self, clients, make, tasks, monkeypatch):
        refuse(monkeypatch, clients.sqs, SenderFault=True, Code="RequestThrottled")
        with pytest.raises(Unavailable, match="1 of 1"):
            tasks.send([make.task()])

    def test_what_is_our_own_fault_is_not_tried_again(self, clients, make, tasks, monkeypatch):
        calls = refuse(monkeypatch, clients.sqs, SenderFault=True, Code="InvalidMessageContents")
        with pytest.raises(AttuneError, match="InvalidMessageContents"):
            tasks.send([make.task()])
        assert len(calls) == 1

    def test_a_task_sent_for_later_is_delayed(self, make, tasks, queues):
        tasks.send_later(make.task(), 30)
        assert queues.tasks.bodies() == []
        assert queues.tasks.delayed() == 1


def refuse(monkeypatch, client, **failure):
    calls = []

    def send(QueueUrl, Entries):  # noqa: N803
        calls.append(Entries)
        return {"Failed": [{"Id": entry["Id"], **failure} for entry in Entries]}

    monkeypatch.setattr(client, "send_message_batch", send)
    return calls


@pytest.mark.parametrize(("seconds", "delay"), [(-5, 0), (0, 0), (0.1, 1), (899.5, 900), (900, 900), (5000, 900)])
def test_delays_are_whole_seconds_within_what_sqs_takes(seconds, delay):
    assert whole_delay(seconds) == delay


def test_batches_respect_count_and_size():
    assert list(pack((Parcel(n) for n in range(5)), 2)) == [[0, 1], [2, 3], [4]]
    assert list(pack([Parcel("a", 6), Parcel("b", 4), Parcel("c", 1), Parcel("d", 99)], 10, 10)) == [
        ["a", "b"],
        ["c"],
        ["d"],
    ]
    assert list(pack([], 10)) == []


def test_ten_messages_of_the_inline_limit_fit_into_one_call():
    assert 10 * INLINE_LIMIT <= BATCH_BYTES
