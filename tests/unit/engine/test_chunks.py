"""Long lists, cut into chunks: whatever holds for a short list holds for a long one, and its states stay small."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.conftest import Failure, World, graphs
from tests.unit.engine.chunk_lists import LIST, WHOLE, Watch

from attune.engine import chunk_fold
from attune.engine.chunk_owner import scope_of
from attune.engine.context import Context
from attune.engine.facts import Facts, VarsFact
from attune.engine.ids import AttemptId, chunk_id, home_of, wait_id, wait_of
from attune.engine.messages import StartChunk
from attune.engine.state import State
from attune.engine.visits import Chunks, Visit
from attune.execution.queries import ParentTask, Reader
from attune.model.status import ExecutionStatus


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
