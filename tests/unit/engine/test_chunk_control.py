"""Chunks are paused, cancelled, timed out, repaired and retried with their execution."""

from __future__ import annotations

import pytest
from tests.conftest import Failure, World
from tests.unit.engine.chunk_lists import LIST, Watch, chunk
from tests.unit.engine.test_chunks import CHILD, PARENT

from attune.adapters.memory.execution_store import StateOf
from attune.engine.ids import chunk_id, home_of
from attune.engine.messages import Cancel, ChunkEnded, Dead, Pause, Resume, StartChunk
from attune.engine.wire import encode
from attune.exceptions import NotFound
from attune.execution.ports.queues import Delivery, Envelope
from attune.execution.queries import Reader
from attune.model.status import ExecutionStatus


@pytest.mark.parametrize("message", [Cancel("enough"), Pause("wait")])
def test_control_reaches_the_sub_workflows_of_chunks(message):
    w = World(PARENT, CHILD, chunk_size=2)
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 10)
    w.post(execution, message)
    w.run()
    status = ExecutionStatus.CANCELLED if isinstance(message, Cancel) else ExecutionStatus.PAUSED
    children = {owner for owner, _ in w.store.items} - {execution}
    assert {w.state(child).status for child in [*children, execution]} == {status}
    assert w.runner.names() == []
    if status is ExecutionStatus.PAUSED:
        w.post(execution, Resume())
        w.run()
        assert w.ended(execution).output == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("after", range(1, 40, 3))
def test_a_pause_at_any_point_starts_nothing_new_and_a_resume_finishes_the_list(after):
    w = World(LIST % "concurrency: 25, retry: {count: 1, delay: 3}", takes={"a": 7}, chunk_size=4)
    execution = w.start("t.w", {"over": list(range(30))})
    w.run(until=w.clock.now() + after)
    w.post(execution, Pause())
    w.run()
    ran = len(w.runner.ran)
    assert w.state(execution).status in (ExecutionStatus.PAUSED, ExecutionStatus.COMPLETED)
    w.run(until=w.clock.now() + 1000)
    assert len(w.runner.ran) == ran
    w.post(execution, Resume())
    w.run()
    assert w.ended(execution).output["counts"] == [30, 30, 0]
    assert len(w.runner.ran) == 30


@pytest.mark.parametrize("after", range(1, 40, 3))
def test_a_cancellation_at_any_point_stops_every_chunk(after):
    w = World(LIST % "concurrency: 25", takes={"a": 7}, chunk_size=4)
    execution = w.start("t.w", {"over": list(range(30))})
    w.run(until=w.clock.now() + after)
    w.post(execution, Cancel("enough"))
    w.run(until=w.clock.now())
    begun = {attempt for attempt, _ in w.store.records(execution)}
    w.run()
    assert w.state(execution).status in (ExecutionStatus.CANCELLED, ExecutionStatus.COMPLETED)
    assert len({attempt for attempt, _ in w.store.records(execution)}) <= len(begun) + 25
    states = [place.chunk for _, place in w.store.items if isinstance(place, StateOf) and place.chunk]
    assert all(w.store.load(mailbox).status.ended for mailbox in states)


@pytest.mark.parametrize("how", ["timeout: 20\n", "fail_fast: true\n"])
def test_a_workflows_timeout_and_fail_fast_stop_the_chunks(how, fail):
    more = "  - {name: other, action: t.do}\n"
    text = how + LIST.replace("output_map", more + "output_map") % "concurrency: 1"
    w = World(text, script={"other": fail()}, takes={"a": 7, "other": 15}, chunk_size=3)
    ended = w.go(over=list(range(10)))
    assert ended.status is (ExecutionStatus.TIMED_OUT if "timeout" in how else ExecutionStatus.FAILED)
    assert len(ended.ran) <= 5
    assert chunk(w.state(ended.execution), w, 0).status.ended


@pytest.mark.parametrize("later", [0, 3, 6, 400])
def test_every_message_that_comes_again_later_changes_nothing(fail, later):
    """The queue's own deduplication is switched off."""

    def answer(attempt):
        if attempt.number == 1 and attempt.index % 2:
            raise fail()
        return dict(attempt.input)

    text = LIST % "concurrency: 20, retry: {count: 1, delay: 5}"
    w = World(text, script={"a": answer}, takes={"a": 2}, chunk_size=3)
    posted: list[Envelope] = []

    def anyway(envelopes):
        w.cloud._envelopes._seen.clear()
        w.cloud.post(envelopes)

    def twice(envelopes):
        posted.extend(envelopes)
        anyway(envelopes)
        for envelope in envelopes:
            w.cloud.at(w.clock.now() + later, lambda envelope=envelope: anyway([envelope]))

    w.advancer._dispatcher._mailbox = w.worker._mailbox = type("Port", (), {"post": staticmethod(twice)})
    ended = w.go(over=list(range(11)))
    assert ended.output["counts"] == [11, 11, 0]
    assert len(w.runner.ran) == 11 + 5
    assert {type(envelope.message) for envelope in posted} >= {StartChunk, ChunkEnded}
    assert not w.cloud.dead


def test_a_cancellation_that_overtakes_the_start_of_a_chunk_leaves_a_tombstone():
    w = World(LIST % "concurrency: 1", chunk_size=3)
    mailbox = chunk_id("01EXEC", "a", 1, 0)
    w.post(mailbox, Cancel("early"))
    w.run()
    assert w.store.load(mailbox).status is ExecutionStatus.CANCELLED
    w.post(mailbox, StartChunk(task="a", visit=1, number=0, first=0, stop=3, window=1))
    w.run()
    assert w.store.load(mailbox).status is ExecutionStatus.CANCELLED
    assert w.runner.ran == []


def test_messages_for_a_chunk_that_never_was_begin_nothing():
    w = World(LIST % "concurrency: 1", chunk_size=3)
    ended = w.go(over=list(range(5)))
    before = dict(w.store.items)
    for message in (Pause(), Resume(), Dead("d", {"type": "no such thing"})):
        w.post(chunk_id(ended.execution, "a", 1, 77), message)
    w.run()
    assert w.store.items == before
    assert not w.cloud.dead


def test_a_repair_of_the_execution_reaches_what_its_chunks_wait_for():
    w = World("timeout: 50\n" + LIST % "concurrency: 20", chunk_size=3)
    lost = w.cloud.on_tasks
    w.cloud.on_tasks = lambda batch: []
    execution = w.start("t.w", {"over": list(range(8))})
    w.run(until=w.clock.now() + 5)
    assert w.runner.ran == [], "the queue was purged"
    w.cloud.on_tasks = lost
    w.post(execution, Dead("repair", None))
    w.run()
    assert w.ended(execution).output["counts"] == [8, 8, 0]
    assert len(w.runner.ran) == 8
    assert chunk(w.state(execution), w, 0).deadline is None, "the time limit is the execution's, not a chunk's"


def test_a_chunks_start_that_died_begins_it_when_it_is_told_of():
    w = World(LIST % "concurrency: 1", chunk_size=3)
    deliver = w.cloud.on_messages
    w.cloud.on_messages = lambda box, envelopes: len(envelopes) if home_of(box) != box else deliver(box, envelopes)
    execution = w.start("t.w", {"over": list(range(5))})
    w.run()
    w.cloud.on_messages = deliver
    w.post(
        chunk_id(execution, "a", 1, 0),
        Dead("d", encode(StartChunk(task="a", visit=1, number=0, first=0, stop=2, window=1))),
    )
    w.run()
    assert w.ended(execution).output["counts"] == [5, 5, 0]


def test_a_chunk_that_cannot_go_on_parks_its_execution_visibly():
    w = World(LIST % "concurrency: 1", takes={"a": 5}, chunk_size=3)
    execution = w.start("t.w", {"over": list(range(5))})
    w.run(until=w.clock.now() + 1)
    w.post(chunk_id(execution, "a", 1, 0), Dead("d", None, "it is poison"))
    w.run()
    state = w.state(execution)
    assert state.status is ExecutionStatus.PAUSED
    assert state.error["type"] == "poison_message"
    w.post(execution, Resume())
    w.run()
    assert w.ended(execution).output["counts"] == [5, 5, 0]


def test_one_batch_with_the_start_of_a_chunk_and_its_cancellation_runs_nothing():
    w = World(LIST % "concurrency: 1", takes={"a": 5}, chunk_size=3)
    execution = w.start("t.w", {"over": list(range(8))})
    w.run(until=w.clock.now() + 1)
    mailbox = chunk_id(execution, "a", 1, 2)
    deliveries = [
        Delivery("1", StartChunk(task="a", visit=1, number=2, first=5, stop=8, window=1)),
        Delivery("2", Cancel("at once")),
    ]
    w.advancer.deliver(mailbox, deliveries)
    assert w.store.load(mailbox).status is ExecutionStatus.CANCELLED
    assert w.store.load(mailbox).outbox == []


@pytest.mark.parametrize("concurrency", [1, 25, 1000])
def test_a_retry_runs_only_what_failed_in_each_chunk(fail, concurrency):
    mended = []

    def answer(attempt):
        if attempt.index in (3, 11, 12) and not mended:
            raise fail()
        return dict(attempt.input)

    w = World(LIST % f"concurrency: {concurrency}, retry: {{count: 1}}", script={"a": answer}, chunk_size=4)
    watch = Watch(w)
    ended = w.go(over=list(range(21)))
    assert ended.status is ExecutionStatus.FAILED
    w.runner.ran.clear()
    w.retry(ended.execution)
    w.run()
    assert w.ended(ended.execution).status is ExecutionStatus.FAILED
    assert sorted((a.index, a.number) for a in w.runner.ran) == [(i, n) for i in (3, 11, 12) for n in (3, 4)]
    w.runner.ran.clear()
    mended.append(True)
    w.retry(ended.execution)
    w.run()
    again = w.ended(ended.execution)
    assert again.status is ExecutionStatus.COMPLETED
    assert [item["index"] for item in again.output["result"]] == list(range(21))
    assert again.output["counts"] == [21, 21, 0]
    assert sorted((a.index, a.number) for a in w.runner.ran) == [(3, 5), (11, 5), (12, 5)]
    assert watch.most <= concurrency


@pytest.mark.parametrize("after", [0.5, 8, 15, 22, 29])
def test_a_retry_after_a_cancellation_goes_on_where_each_chunk_was(after):
    w = World(LIST % "concurrency: 25", takes={"a": 7}, chunk_size=4)
    execution = w.start("t.w", {"over": list(range(60))})
    w.run(until=w.clock.now() + after)
    w.post(execution, Cancel("enough"))
    w.run()
    ended = {attempt.index for attempt, record in w.store.records(execution) if record.get("status") == "completed"}
    w.retry(execution)
    w.run()
    assert w.ended(execution).output["counts"] == [60, 60, 0]
    assert len({(a.index, a.number) for a in w.runner.ran}) == len(w.runner.ran)
    assert len(w.runner.ran) <= 60 + 60 - len(ended)


def test_what_comes_before_the_start_that_begins_a_chunk_again_is_about_the_chunk_as_it_was():
    w = World(LIST % "concurrency: 1", takes={"a": 5}, chunk_size=3)
    execution = w.start("t.w", {"over": list(range(6))})
    w.run(until=w.clock.now() + 1)
    hold, w.cloud.on_messages = w.cloud.on_messages, lambda box, envelopes: 0
    w.cloud.on_messages = lambda box, envelopes: hold(box, envelopes) if box == execution else 0
    w.post(execution, Cancel("enough"))
    w.run(until=w.clock.now() + 1)
    w.retry(execution)
    w.run(until=w.clock.now() + 100)
    w.cloud.on_messages = hold
    w.run()
    assert w.ended(execution).output["counts"] == [6, 6, 0]


def test_a_named_retry_of_a_list_that_succeeded_runs_all_of_it_again():
    text = LIST.replace("output_map", "  - {name: z, action: t.do}\noutput_map") % "on_success: z"
    w = World(text, script={"z": Failure()}, chunk_size=2)
    ended = w.go(over=[1, 2, 3, 4, 5])
    assert ended.status is ExecutionStatus.FAILED
    w.runner.script["z"] = "fine"
    w.runner.ran.clear()
    w.retry(ended.execution, "a")
    w.run()
    assert w.ended(ended.execution).status is ExecutionStatus.COMPLETED
    assert sorted((a.index, a.number) for a in w.runner.ran if a.task == "a") == [(i, 2) for i in range(5)]


def test_what_is_shown_of_an_execution_knows_nothing_of_chunks():
    w = World(LIST % "concurrency: 20", takes={"a": 5}, chunk_size=10)
    execution = w.start("t.w", {"over": list(range(60))})
    reader = Reader(w.store, None, w.catalog)
    seen = []
    for _ in range(8):
        w.run(until=w.clock.now() + 5)
        (node,) = reader.graph(execution).nodes
        seen.append((node.status, node.items.done))
    assert seen == sorted(seen, key=lambda row: row[1])
    assert ("running", 20) in seen
    assert seen[-1] == ("completed", 60)
    assert {a.execution_id for a in w.runner.ran} == {execution}
    with pytest.raises(NotFound):
        reader.execution(chunk_id(execution, "a", 1, 0))
