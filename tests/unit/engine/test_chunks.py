"""Long lists, cut into chunks: whatever holds for a short list holds for a long one, and its states stay small."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Failure, World, graphs

from attune.adapters.memory.execution_store import StateOf
from attune.engine import chunk_fold, codec
from attune.engine.chunk_owner import scope_of
from attune.engine.context import Context
from attune.engine.facts import Facts, VarsFact
from attune.engine.ids import AttemptId, chunk_id, home_of, wait_id, wait_of
from attune.engine.messages import Cancel, ChunkEnded, Dead, Pause, Resume, StartChunk
from attune.engine.state import State
from attune.engine.visits import Chunks, Visit
from attune.engine.wire import encode
from attune.exceptions import NotFound
from attune.execution.ports.queues import Delivery, Envelope
from attune.execution.queries import ParentTask, Reader
from attune.model.status import ExecutionStatus

LIST = """
parameters: {over: {}}
tasks:
  - {name: a, action: t.do, with_items: "{{ parameters.over }}", input: {item: "{{ item }}", index: "{{ index }}"}, %s}
output_map:
  items: "{{ task.a.items }}"
  result: "{{ task.a.result }}"
  counts: ["{{ task.a.total_count }}", "{{ task.a.succeeded_count }}", "{{ task.a.failed_count }}"]
"""
WHOLE = 1000
"""A chunk's size that no list here reaches."""


class Watch:
    """Looks at every state that is saved: how many items are under way in all, and whether it reads back the same."""

    def __init__(self, world: World) -> None:
        self.most, self.largest, self.saves = 0, 0, 0
        self._under_way: dict[str, int] = {}
        world.advancer._observer = self.see

    def see(self, state: State, messages: Any, steps: Any) -> None:
        self.saves += 1
        visits = state.active.values()
        self._under_way[state.execution] = sum(len(visit.items.active) for visit in visits if visit.items)
        self.most = max(self.most, sum(self._under_way.values()))
        encoded = json.dumps(codec.encode(state))
        self.largest = max(self.largest, len(encoded))
        kept = {"execution": state.execution, "workflow": state.workflow, "workflow_version": 1, "created_at": 0.0}
        again = codec.decode(json.loads(encoded), **kept, status=state.status)
        assert json.dumps(codec.encode(again)) == encoded


def chunk(state: State, world: World, number: int, task: str = "a") -> State:
    """The state of a chunk."""
    found = world.store.load(chunk_id(state.execution, task, 1, number))
    assert found is not None
    return found


@settings(max_examples=100, deadline=None, derandomize=True, database=None)
@given(st.integers(1, 5_000), st.integers(1, 200))
def test_every_item_is_in_one_chunk_and_none_is_larger_than_asked_for(total: int, size: int) -> None:
    chunks = Chunks(total, total, -(-total // size))
    bounds = [chunks.bounds(number) for number in range(chunks.count)]
    assert [first for first, _ in bounds] == [0, *(stop for _, stop in bounds[:-1])]
    assert bounds[-1][1] == total
    assert all(0 < stop - first <= size for first, stop in bounds)


@settings(max_examples=60, deadline=None, derandomize=True, database=None)
@given(data=st.data(), count=st.integers(1, 60), size=st.integers(1, 25), shape=st.sampled_from(["list", "mapping"]))
def test_a_list_in_chunks_ends_as_the_same_list_in_one_piece(data: st.DataObject, count: int, size: int, shape: str):
    concurrency = data.draw(st.one_of(st.none(), st.integers(1, 70)))
    batch = data.draw(st.one_of(st.none(), st.integers(1, 4)))
    bad = data.draw(st.sets(st.integers(0, count - 1)))
    settings_ = [f"tolerate_failures: {data.draw(st.sampled_from([0, 3, '50%']))}"]
    settings_ += [f"concurrency: {concurrency}"] if concurrency else []
    settings_ += [f"batch_size: {batch}"] if batch else []
    over: Any = list(range(count)) if shape == "list" else {f"k{n}": n for n in range(count)}

    def run(chunk_size: int) -> tuple[World, Watch, Any]:
        def answer(attempt: Any) -> Any:
            if attempt.index in bad:
                raise Failure(f"item {attempt.index}")
            return dict(attempt.input)

        w = World(LIST % ", ".join(settings_), script={"a": answer}, chunk_size=chunk_size)
        watch = Watch(w)
        return w, watch, w.go(over=over)

    _, _, whole = run(WHOLE)
    w, watch, cut = run(size)
    assert (cut.status, cut.output, cut.error) == (whole.status, whole.output, whole.error)
    assert sorted(a.index for a in w.runner.ran) == list(range(-(-count // (batch or 1))))
    assert concurrency is None or watch.most <= concurrency


@pytest.mark.parametrize(("concurrency", "count"), [(1, 30), (19, 60), (20, 60), (57, 200), (999, 200), (5000, 300)])
def test_the_windows_of_all_chunks_add_up_to_the_bound_and_never_exceed_it(concurrency, count):
    w = World(LIST % f"concurrency: {concurrency}", chunk_size=10)
    watch = Watch(w)
    sums = set()
    see = watch.see

    def note(state, messages, steps):
        see(state, messages, steps)
        sums.update(sum(v.chunks.running.values()) for v in state.active.values() if v.chunks)

    w.advancer._observer = note
    assert w.go(over=list(range(count))).status is ExecutionStatus.COMPLETED
    assert max(sums) == concurrency
    assert watch.most <= concurrency


def test_without_a_bound_all_chunks_run_at_once():
    w = World(LIST % "tolerate_failures: 0", chunk_size=7)
    watch = Watch(w)
    assert w.go(over=list(range(70))).status is ExecutionStatus.COMPLETED
    assert watch.most == 70


@pytest.mark.parametrize("when", ["action: core.noop", "action: t.do", "action: core.sleep, input: {seconds: 7}"])
def test_every_item_sees_the_variables_as_they_were_when_the_visit_began(when):
    text = """
vars: {v: before}
tasks:
  - {name: first, action: t.do, publish: [{v: begun}], on_success: [a, b]}
  - {name: a, action: t.do, with_items: "{{ range(9) | list }}", concurrency: 1, input: {v: "{{ vars.v }}"}}
  - {name: b, %s, publish: [{v: later}]}
output_map: {seen: "{{ task.a.result | map(attribute='v') | unique | list }}", v: "{{ vars.v }}"}
"""
    ended = World(text % when, takes={"a": 5}, chunk_size=2).go()
    assert ended.output == {"seen": ["begun"], "v": "later"}


def test_variables_that_a_list_keeps_are_written_once():
    """DynamoDB refuses a batch that has an item twice."""
    written = []
    w = World("vars: {v: 1}\ntasks: [{name: a, action: t.do, with_items: '{{ range(9) | list }}'}]", chunk_size=2)
    write = w.store.write
    w.store.write = lambda execution, writes: (written.append([one.fact for one in writes]), write(execution, writes))
    assert w.go().status is ExecutionStatus.COMPLETED
    assert any(isinstance(fact, VarsFact) for fact in written[0])
    assert all(len(set(facts)) == len(facts) for facts in written)


def test_items_see_tasks_and_visits_as_they_do_in_a_short_list():
    text = """
tasks:
  - {name: slow, action: core.sleep, input: {seconds: 100}}
  - {name: zero, action: core.noop, on_success: one}
  - {name: one, action: t.do, input: {n: 1}, on_success: a}
  - name: a
    action: t.do
    with_items: [1, 2, 3]
    input:
      slow: "{{ task.slow is defined }}"
      n: "{{ task.one.result.n }}"
      visit: "{{ task.a.visit | default(0) }}"
      system: "{{ [system.workflow, system.task, system.attempt, system.created_at] }}"
    next:
      - {when: "{{ task.a.visit == 1 }}", do: one}
output_map: "{{ task.a.result }}"
"""
    short, cut = World(text).go(), World(text, chunk_size=1).go()
    assert len(cut.ran) == 8
    assert cut.output == short.output


def test_what_a_chunk_knows_of_a_task_is_its_latest_visit_that_had_ended():
    state = State(
        execution="01EXEC",
        workflow="t.w",
        workflow_version=1,
        created_at=0.0,
        size=2,
        codes=["c", "."],
        visits={0: 3},
        begun=0b11,
    )
    state.open(Visit(0, 3))
    state.open(Visit(1, 1))
    graph = graphs("tasks: [{name: x, action: t.do, on_success: a}, {name: a, action: t.do, with_items: [1]}]")[0]
    fresh = chunk_fold.initial_state(
        "01EXEC~a.1.0",
        StartChunk(task="a", visit=1, number=0, first=0, stop=1),
        scope_of(state, Chunks(1, 1, 1)),
        graph,
    )
    assert Context(graph, fresh, Facts({}), 0.0).ended_visit(0) == 2


def test_retries_time_outs_and_tolerance_are_per_item(fail):
    def answer(attempt):
        if attempt.index == 3:
            raise fail(timeout=True)
        if attempt.number == 1:
            raise fail()
        return attempt.number

    text = LIST % "concurrency: 4, timeout: 60, retry: {count: 1, delay: 30, jitter: true}, tolerate_failures: 1"
    w = World(text, script={"a": answer}, chunk_size=2)
    begun = w.clock.now()
    ended = w.go(over=list(range(7)))
    assert ended.status is ExecutionStatus.COMPLETED
    assert ended.output["counts"] == [7, 6, 1]
    assert ended.output["items"][3]["status"] == "timed_out"
    assert w.clock.now() - begun > 30


def test_built_ins_and_waits_work_in_chunks():
    text = """
tasks:
  - {name: nap, action: core.sleep, with_items: [1, 2, 3, 4, 5], input: {seconds: "{{ item * 10 }}"},
     on_success: nothing}
  - {name: nothing, action: core.noop, with_items: "{{ range(30) | list }}", on_success: event}
  - {name: event, action: core.wait_for_event, with_items: [a, b, c], input: {event_type: "{{ item }}"},
     on_success: ask}
  - {name: ask, action: core.inquiry, with_items: [x, y, z], input: {prompt: "{{ item }}?"}}
output_map:
  naps: "{{ task.nap.succeeded_count }}"
  events: "{{ task.event.result | map(attribute='detail-type') | list }}"
  answers: "{{ task.ask.result }}"
"""
    w = World(text, chunk_size=2)
    execution = w.start("t.w", {})
    w.run()
    assert w.clock.now() - w.state(execution).created_at == pytest.approx(50, abs=1)
    for kind in "abc":
        assert w.event({"id": kind, "detail-type": kind, "source": "s", "detail": {}}) == 1
        w.run()
    for number in range(3):
        w.answer(execution, "ask", number)
        w.run()
    output = w.ended(execution).output
    assert output == {"naps": 5, "events": ["a", "b", "c"], "answers": [0, 1, 2]}


def test_what_is_waited_for_in_a_chunk_names_the_mailbox_that_the_answer_goes_to():
    attempt = AttemptId("a-b", 3, 250, 2)
    mailbox = chunk_id("01EXEC", "a-b", 3, 7)
    assert wait_of(wait_id(mailbox, attempt)) == (mailbox, attempt)
    assert (home_of(mailbox), home_of("01EXEC")) == ("01EXEC", "01EXEC")


def test_the_id_of_a_chunk_fits_the_name_of_a_fifo_group():
    assert len(chunk_id("X" * 26, "a" * 500, 10_000, 1_000)) <= 128


CHILD = """
ref: t.child
parameters: {n: {type: integer}}
tasks:
  - {name: inner, action: core.sleep, input: {seconds: 50}, on_success: out}
  - {name: out, action: t.do, input: {n: "{{ parameters.n + 1 }}"}}
output_map: {n: "{{ task.out.result.n }}"}
"""
PARENT = """
tasks:
  - {name: a, action: t.child, with_items: "{{ range(5) | list }}", concurrency: 20, input: {n: "{{ item }}"}}
output_map: "{{ task.a.result | map(attribute='n') | list }}"
"""


def test_items_that_are_sub_workflows_report_to_their_chunk():
    w = World(PARENT, CHILD, chunk_size=2)
    ended = w.go()
    assert ended.output == [1, 2, 3, 4, 5]
    children = {record["child"] for _, record in w.store.records(ended.execution)}
    starts = [w.store.load_start(child) for child in children]
    assert {start.trigger["execution"] for start in starts} == {ended.execution}
    assert {start.parent.depth for start in starts} == {1}
    reader = Reader(w.store, None, w.catalog)
    assert reader.execution(starts[0].execution).parent == ParentTask(execution=ended.execution, task="a")


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
    envelopes = [
        Delivery("1", StartChunk(task="a", visit=1, number=2, first=5, stop=8, window=1)),
        Delivery("2", Cancel("at once")),
    ]
    w.advancer.deliver(mailbox, envelopes)
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


def test_ten_thousand_items_cost_each_what_a_hundred_do():
    """Fifty at a time: messages, saves and bytes per item, and the largest state."""
    short, long = cost(100), cost(10_000)
    for name in ("messages", "saves", "bytes"):
        assert long[name] / 10_000 < 1.1 * short[name] / 100, name
    assert long["largest"] < 4096


def cost(items: int) -> dict[str, int]:
    """What one list costs in the simulator."""
    w = World(f"tasks: [{{name: a, action: t.do, with_items: '{{{{ range({items}) | list }}}}', concurrency: 50}}]")
    watch = Watch(w)
    counted = {"messages": 0, "bytes": 0}
    post, put = w.cloud.post, w.store._put

    def posting(envelopes):
        counted["messages"] += len(envelopes)
        post(envelopes)

    def putting(execution, key, value):
        counted["bytes"] += len(json.dumps(value))
        put(execution, key, value)

    w.store._put = putting
    w.advancer._dispatcher._mailbox = w.worker._mailbox = type("Port", (), {"post": staticmethod(posting)})
    assert w.go().status is ExecutionStatus.COMPLETED
    assert watch.most <= 50
    return {**counted, "saves": watch.saves, "largest": watch.largest}
