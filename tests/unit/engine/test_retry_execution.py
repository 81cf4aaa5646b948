"""A retry of an execution: tasks, items and joins that failed go on, what succeeded is kept."""

from __future__ import annotations

import pytest
from tests.unit.engine.retries import CHAIN, COMPLETED, FAILED, again, broken, mend, ran

from attune.model.status import TaskStatus


def test_it_goes_on_from_the_failed_task_with_a_further_attempt_of_the_same_visit(world, fail):
    w = broken(world, CHAIN, fail, "b")
    first = w.go()
    assert (first.status, first.ran) == (FAILED, ["a", "b"])
    ended = again(w, first.execution)
    assert ended.status is COMPLETED
    assert ended.error is None
    assert ran(w) == [("b", 1, None, 2), ("c", 1, None, 1)]


def test_it_can_fail_and_be_retried_again_and_attempts_only_grow(world, fail):
    w = broken(world, CHAIN, fail, "b")
    execution = w.go().execution
    for number in (2, 3, 4):
        w.retry(execution)
        w.run()
        assert w.ended(execution).status is FAILED
        assert ran(w)[-1] == ("b", 1, None, number)
    assert again(w, execution).status is COMPLETED
    assert ran(w) == [("b", 1, None, 5), ("c", 1, None, 1)]


def test_what_has_completed_or_runs_is_not_retried_and_a_copy_of_the_request_does_nothing(world, fail):
    w = broken(world, CHAIN, fail, "b", takes={"b": 50})
    execution = w.go().execution
    mend(w)
    for _ in range(2):
        w.retry(execution, request_id="same")
    w.retry(execution, request_id="another")
    w.run()
    assert ran(w) == [("b", 1, None, 2), ("c", 1, None, 1)]
    w.retry(execution, request_id="late")
    w.run()
    assert len(ran(w)) == 2


def test_a_copy_that_comes_after_the_next_failure_does_nothing(world, fail):
    w = broken(world, CHAIN, fail, "b")
    execution = w.go().execution
    w.retry(execution, request_id="one")
    w.run()
    w.clock.advance(1000)
    w.retry(execution, request_id="one")
    w.run()
    assert [row[0] for row in ran(w)] == ["a", "b", "b"]


def test_a_policy_of_retries_counts_anew(world, fail):
    text = "tasks: [{name: a, action: t.do, retry: {count: 2, delay: 10, backoff: exponential}}]"
    w = broken(world, text, fail, "a")
    execution = w.go().execution
    begun = w.clock.now()
    w.retry(execution)
    w.run()
    assert [row[3] for row in ran(w)] == [1, 2, 3, 4, 5, 6]
    assert w.clock.now() - begun == 30


def test_only_the_failed_items_run_again_and_the_result_is_whole(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, with_items: [0, 1, 2, 3, 4], concurrency: 2, input: {n: "{{ item }}"},
     retry: {count: 1, on_error: "{{ error.message == 'again' }}"}}
output_map: "{{ task.a.result | map(attribute='n') | list }}"
"""
    script = {1: fail("again"), 3: fail("no")}
    w = world(text, script={"a": lambda attempt: script.get(attempt.index, {"n": attempt.index})})
    first = w.go()
    assert first.status is FAILED
    ended = again(w, first.execution)
    assert sorted(ran(w)) == [("a", 1, 1, 3), ("a", 1, 3, 3)], "numbers grow beyond any that the visit has had"
    assert ended.output == [0, 1, 2, 3, 4]


def test_items_that_fail_again_are_counted_right(world, fail):
    text = "tasks: [{name: a, action: t.do, with_items: [0, 1, 2, 3], batch_size: 2, tolerate_failures: 0}]"
    w = broken(world, text, fail, "a")
    execution = w.go().execution
    w.retry(execution)
    w.run()
    state = w.state(execution)
    assert state.status is FAILED
    assert state.item_counts == {0: (4, 4)}
    assert again(w, execution).status is COMPLETED
    assert w.state(execution).item_counts == {0: (4, 0)}


@pytest.mark.parametrize("name", ["when", "with_items"])
def test_what_failed_before_its_first_attempt_is_evaluated_anew(world, fail, name):
    text = f"""
vars: {{n: 0}}
tasks:
  - {{name: a, action: t.do, publish: [{{n: 1}}]}}
  - {{name: b, action: t.do, {name}: "{{{{ [1, 2] if vars.n else task.a.result.none }}}}", on_failure: fail}}
"""
    w = world(text, takes={"a": 5})
    first = w.go()
    assert first.status is FAILED
    ended = again(w, first.execution)
    assert ended.status is COMPLETED
    assert {row[3] for row in ran(w)} == {1}


def test_tasks_held_back_are_released(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, on_success: d}
  - {name: b, action: t.do, on_success: d}
  - {name: d, action: t.do, input: {a: "{{ task.a.result }}"}}
"""
    w = broken(world, text, fail, "a")
    first = w.go()
    assert w.state(first.execution).latest(2) is TaskStatus.HELD
    ended = again(w, first.execution)
    assert (ended.status, ended.ran) == (COMPLETED, ["a", "d"])
    assert not w.state(first.execution).dropped


@pytest.mark.parametrize("join", ["all", "2"])
def test_arrivals_at_joins_that_count_are_kept(world, fail, join):
    text = f"""
tasks:
  - {{name: a, action: t.do, on_success: d}}
  - {{name: b, action: t.do, on_success: d}}
  - {{name: d, action: t.do, join: {join}}}
"""
    w = broken(world, text, fail, "a")
    first = w.go()
    assert again(w, first.execution).ran == ["a", "d"]


EACH = """
tasks:
  - {name: a, action: t.do, on_success: x}
  - {name: b, action: t.do, on_success: x}
  - {name: c, action: t.do, on_success: x}
  - {name: x, action: t.do, join: each, on_success: y}
  - {name: y, action: t.do}
"""


def test_each_visit_that_failed_goes_on_by_itself(world, fail):
    w = world(EACH, script={"x": lambda a: fail() if a.visit < 3 else {}}, takes={"b": 2, "c": 4})
    first = w.go()
    assert ran(w)[-1] == ("y", 1, None, 1)
    assert again(w, first.execution).status is COMPLETED
    assert sorted(ran(w)) == [("x", 1, None, 2), ("x", 2, None, 2), ("y", 2, None, 1), ("y", 3, None, 1)]


def test_what_fail_fast_cancelled_and_what_it_dropped_goes_on(world, fail):
    text = """
fail_fast: true
tasks:
  - {name: a, action: t.do}
  - {name: b, action: t.do, on_success: c}
  - {name: c, action: t.do}
"""
    w = broken(world, text, fail, "a", takes={"a": 1, "b": 50})
    first = w.go()
    assert w.state(first.execution).latest(1) is TaskStatus.CANCELLED
    ended = again(w, first.execution)
    assert (ended.status, sorted(ran(w))) == (
        COMPLETED,
        [("a", 1, None, 2), ("c", 1, None, 1)],
    ), "what ran when it was cancelled has recorded its result, and that counts"


def test_after_fail_it_goes_on_from_the_failure_that_led_there_and_with_what_was_muted(world, fail):
    text = """
tasks:
  - {name: x, action: t.do, on_success: y, on_failure: clean}
  - {name: y, action: t.do}
  - {name: clean, action: t.do, on_complete: [fail]}
  - {name: b, action: core.sleep, input: {seconds: 10}, on_success: c}
  - {name: c, action: t.do}
"""
    w = broken(world, text, fail, "x")
    first = w.go()
    assert (first.status, first.ran) == (FAILED, ["x", "clean"])
    ended = again(w, first.execution)
    assert ended.status is COMPLETED
    assert sorted(ended.ran) == ["c", "x", "y"]


def test_a_failure_that_was_handled_and_did_not_lead_to_fail_is_left_alone(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, on_failure: b, on_success: b}
  - {name: b, action: t.do, on_failure: fail}
"""
    w = broken(world, text, fail, "a", "b")
    assert again(w, w.go().execution).ran == ["b"]


def test_a_task_that_led_to_fail_without_a_failure_decides_again(world):
    text = """
tasks:
  - {name: a, action: t.do, on_success: check}
  - {name: check, action: t.do, decision: [{when: "{{ result.fine }}", next: b}, {default: fail}]}
  - {name: b, action: t.do}
"""
    w = world(text, script={"check": {"fine": False}})
    first = w.go()
    assert first.status is FAILED
    mend(w)
    w.runner.script["check"] = {"fine": True}
    w.retry(first.execution)
    w.run()
    assert ran(w) == [("check", 1, None, 2), ("b", 1, None, 1)]
    assert w.ended(first.execution).status is COMPLETED


def test_many_failures_that_read_different_results_go_on_in_one_fold(world, fail):
    lines = [f"  - {{name: a{n}, action: t.do, on_success: b{n}}}" for n in range(80)]
    lines += [f'  - {{name: b{n}, action: t.do, input: {{x: "{{{{ task.a{n}.result }}}}"}}}}' for n in range(80)]
    text = "tasks:\n" + "\n".join(lines)
    w = broken(world, text, fail, *(f"b{n}" for n in range(80)))
    first = w.go()
    ended = again(w, first.execution)
    assert (ended.status, len(ended.ran)) == (COMPLETED, 80)


def test_a_join_held_back_runs_with_what_had_arrived_even_if_the_mended_task_leads_elsewhere(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, decision: [{when: "{{ result.go }}", next: d}, {default: noop}]}
  - {name: b, action: t.do, on_success: d}
  - {name: d, action: t.do}
"""
    w = broken(world, text, fail, "a")
    first = w.go()
    w.runner.script["a"] = {"go": False}
    w.retry(first.execution)
    w.run()
    assert (w.ended(first.execution).status, ran(w)[-1]) == (COMPLETED, ("d", 1, None, 1))


def test_while_a_task_runs_again_others_see_how_it_ended_before(world, fail):
    text = """
tasks:
  - {name: a, action: t.do}
  - {name: b, action: t.do, on_success: c}
  - {name: c, action: t.do, input: {was: "{{ task.a.status }}", why: "{{ task.a.error.message }}"}}
output_map: ["{{ task.c.result }}", "{{ task.a.status }}"]
"""
    w = broken(world, text, fail, "a", "b")
    first = w.go()
    w.runner.takes["a"] = 100
    ended = again(w, first.execution)
    assert ended.output == [{"was": "failed", "why": "no"}, "completed"]
