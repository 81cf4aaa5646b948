"""What runs, in which order, and how often: the graph's meaning."""

from __future__ import annotations

import pytest

from attune.model.status import ExecutionStatus, TaskStatus

CHAIN = """
parameters: {n: {type: integer, default: 1}}
vars: {seen: 0}
tasks:
  - {name: a, action: t.do, input: {n: "{{ parameters.n }}"}, publish: [{seen: "{{ result.n + 1 }}"}], on_success: b}
  - {name: b, action: t.do, input: {n: "{{ vars.seen }}"}, on_success: c}
  - {name: c, action: t.do, input: {n: "{{ task.b.result.n * 2 }}"}}
output_map: {last: "{{ task.c.result.n }}", never: "{{ task.c.result.nothing }}"}
"""

DIAMOND = """
tasks:
  - {name: a, action: t.do, on_success: [b, c]}
  - {name: b, action: t.do, on_success: d}
  - {name: c, action: t.do, on_success: d}
  - {name: d, action: t.do}
"""

ALTERNATIVES = """
tasks:
  - {name: a, action: t.do, on_success: b, on_failure: handler}
  - {name: b, action: t.do, on_success: c, on_failure: handler}
  - {name: c, action: t.do, on_failure: handler}
  - {name: handler, action: t.do}
"""


def test_a_chain_passes_results_and_vars_along_with_their_types(world):
    ended = world(CHAIN).go(n=20)
    assert ended.status is ExecutionStatus.COMPLETED
    assert ended.output == {"last": 42, "never": None}
    assert ended.ran == ["a", "b", "c"]


@pytest.mark.parametrize("slow", ["b", "c"])
def test_the_end_of_a_diamond_runs_once_and_after_both_sides(world, fail, slow):
    ended = world(DIAMOND, takes={slow: 50}).go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert ended.ran.count("d") == 1
    assert ended.ran[-1] == "d"
    assert sorted(ended.ran) == ["a", "b", "c", "d"]


@pytest.mark.parametrize("failing", ["a", "b", "c"])
def test_alternatives_into_one_handler_run_it_once(world, fail, failing):
    ended = world(ALTERNATIVES, script={failing: fail()}).go()
    assert ended.status is ExecutionStatus.COMPLETED, "a handled failure is no failure"
    assert ended.ran.count("handler") == 1
    assert ended.ran[-2:] == [failing, "handler"]


def test_nothing_runs_a_handler_when_nothing_fails(world):
    assert world(ALTERNATIVES).go().ran == ["a", "b", "c"]


def test_an_unhandled_failure_fails_the_execution_and_holds_back_its_dependants(world, fail):
    w = world(DIAMOND, script={"b": fail("disk full")}, takes={"c": 10})
    ended = w.go()
    assert ended.status is ExecutionStatus.FAILED
    assert ended.ran == ["a", "b", "c"], "what runs beside it finishes, d never runs"
    assert ended.error["details"] == {"task": "b"}
    assert "disk full" in ended.error["message"]
    assert w.state(ended.execution).latest(3) is TaskStatus.HELD


def test_fail_fast_starts_nothing_new_and_cancels_what_runs(world, fail):
    text = DIAMOND.replace("tasks:", "fail_fast: true\ntasks:", 1).replace(
        "{name: c, action: t.do", "{name: c, action: core.sleep, input: {seconds: 60}"
    )
    w = world(text, script={"b": fail()})
    ended = w.go()
    assert ended.status is ExecutionStatus.FAILED
    assert w.state(ended.execution).latest(2) is TaskStatus.CANCELLED


def test_the_target_fail_ends_failed_but_lets_its_neighbours_run(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, on_failure: [fail, cleanup], on_success: b}
  - {name: b, action: t.do}
  - {name: cleanup, action: t.do, on_success: never}
  - {name: never, action: t.do}
"""
    ended = world(text, script={"a": fail()}).go()
    assert ended.status is ExecutionStatus.FAILED
    assert ended.ran == ["a", "cleanup"], "from 'fail' on nothing fires"


def test_noop_handles_a_failure(world, fail):
    ended = world("tasks: [{name: a, action: t.do, on_failure: noop}]", script={"a": fail()}).go()
    assert ended.status is ExecutionStatus.COMPLETED


def test_on_complete_fires_besides_and_handles_a_failure(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, on_complete: after}
  - {name: after, action: t.do, input: {how: "{{ task.a.status }}", why: "{{ task.a.error.type }}"}}
output_map: "{{ task.after.result }}"
"""
    ended = world(text, script={"a": fail(type_="Broken")}).go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert ended.output == {"how": "failed", "why": "Broken"}


def test_on_timeout_takes_the_place_of_on_failure(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, timeout: 5, on_failure: failed, on_timeout: late}
  - {name: failed, action: t.do}
  - {name: late, action: t.do}
"""
    assert world(text, script={"a": fail(timeout=True)}).go().ran == ["a", "late"]
    assert world(text, script={"a": fail()}).go().ran == ["a", "failed"]


@pytest.mark.parametrize(("score", "goes"), [(0.9, "high"), (0.5, "middle"), (0.1, "low")])
def test_a_decision_takes_the_first_branch_that_holds(world, score, goes):
    text = """
parameters: {score: {type: number}}
tasks:
  - name: look
    action: core.noop
    on_success: low
    decision:
      - {when: "{{ parameters.score > 0.8 }}", next: high}
      - {when: "{{ parameters.score > 0.3 }}", next: middle}
      - default: low
  - {name: high, action: t.do}
  - {name: middle, action: t.do}
  - {name: low, action: t.do}
"""
    assert world(text).go(score=score).ran == [goes]


def test_next_fires_every_entry_that_matches_and_publishes_in_order(world):
    text = """
tasks:
  - name: a
    action: t.do
    input: {score: 0.9}
    next:
      - {when: "{{ succeeded() and result.score > 0.8 }}", publish: [{grade: high}], do: [b, c]}
      - {publish: [{text: "{{ vars.grade }}!"}], do: c}
      - {when: "{{ failed() }}", do: d}
  - {name: b, action: t.do}
  - {name: c, action: t.do, input: {text: "{{ vars.text }}"}}
  - {name: d, action: t.do}
output_map: "{{ task.c.result.text }}"
"""
    ended = world(text).go()
    assert sorted(ended.ran) == ["a", "b", "c"], "several transitions of one completion count once"
    assert ended.output == "high!"


def test_when_skips_and_only_on_skip_follows(world):
    text = """
tasks:
  - {name: a, action: t.do, when: "{{ false }}", on_success: b, on_complete: b, on_skip: c}
  - {name: b, action: t.do}
  - {name: c, action: t.do, input: {was: "{{ task.a.status }}"}}
output_map: "{{ task.c.result.was }}"
"""
    ended = world(text).go()
    assert (ended.ran, ended.output) == (["c"], "skipped")


def test_a_cycle_runs_its_tasks_again_until_it_is_left(world):
    text = """
vars: {n: 0}
tasks:
  - {name: work, action: t.do, publish: [{n: "{{ vars.n + 1 }}"}],
     decision: [{when: "{{ vars.n < 3 }}", next: work}, {default: done}]}
  - {name: done, action: t.do, input: {visits: "{{ task.work.visit }}"}}
output_map: "{{ task.done.result.visits }}"
"""
    ended = world(text).go()
    assert ended.ran == ["work", "work", "work", "done"]
    assert ended.output == 3


def test_a_fork_inside_a_loop_joins_once_per_round(world):
    text = """
vars: {n: 0}
tasks:
  - {name: start, action: core.noop, on_success: head}
  - {name: head, action: t.do, publish: [{n: "{{ vars.n + 1 }}"}], on_success: [left, right]}
  - {name: left, action: t.do, on_success: meet}
  - {name: right, action: t.do, on_success: meet}
  - {name: meet, action: t.do, decision: [{when: "{{ vars.n < 3 }}", next: head}, {default: after}]}
  - {name: after, action: t.do}
"""
    ended = world(text, takes={"left": 5, "right": 7}).go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert [ended.ran.count(name) for name in ("head", "left", "right", "meet", "after")] == [3, 3, 3, 3, 1]


def test_a_visit_beyond_max_visits_ends_the_execution_failed(world):
    ended = world("tasks: [{name: a, action: t.do, max_visits: 4, on_success: a}]").go()
    assert ended.status is ExecutionStatus.FAILED
    assert ended.error["type"] == "max_visits"
    assert ended.ran == ["a"] * 4


@pytest.mark.parametrize(("join", "runs"), [("all", 1), ("2", 1), ("1", 1), ("each", 3)])
def test_joins_that_count(world, join, runs):
    text = f"""
tasks:
  - {{name: a, action: t.do, on_success: end}}
  - {{name: b, action: t.do, on_success: end}}
  - {{name: c, action: t.do, on_success: end}}
  - {{name: end, action: t.do, join: {join}}}
"""
    ended = world(text, takes={"a": 1, "b": 2, "c": 3}).go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert ended.ran.count("end") == runs


def test_join_all_that_cannot_fill_any_more_fails_the_execution(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, on_success: end}
  - {name: b, action: t.do, on_success: end, on_failure: noop}
  - {name: end, action: t.do, join: all}
"""
    ended = world(text, script={"b": fail()}).go()
    assert ended.status is ExecutionStatus.FAILED
    assert ended.error["type"] == "unreachable_join"


def test_many_entry_tasks_all_run(world):
    tasks = "\n".join(f"  - {{name: t{n}, action: t.do}}" for n in range(50))
    assert len(world(f"tasks:\n{tasks}").go().ran) == 50
