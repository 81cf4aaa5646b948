"""A retry of an execution goes on from what failed, and keeps what succeeded."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conftest import graphs

from attune.engine import codec
from attune.engine.facts import RetryFact
from attune.engine.messages import Cancel, Pause, Resume, RetryExecution, TimerFired, TimerKind
from attune.engine.wire import decode, encode
from attune.execution.ports.catalog import WorkflowVersion
from attune.model.status import ExecutionStatus, TaskStatus

COMPLETED, FAILED = ExecutionStatus.COMPLETED, ExecutionStatus.FAILED


def broken(world: Any, text: str, fail: Any, *names: str, takes: Any = None, **script: Any) -> Any:
    """A world in which these tasks fail."""
    return world(text, script=dict.fromkeys(names, fail()) | script, takes=takes)


def mend(w: Any) -> None:
    """From now on nothing fails, and what has run so far is forgotten."""
    w.runner.script.clear()
    w.runner.ran.clear()


def ran(w: Any) -> list[tuple[str, int, int | None, int]]:
    """The attempts that ran: task, visit, item, number."""
    return [(a.task, a.visit, a.index, a.number) for a in w.runner.ran]


def run_for(w: Any, seconds: float) -> None:
    """Run for so long; a simulated worker has moved the clock to the end of what it does."""
    until = w.clock.now() + seconds
    w.run(until=until)
    w.clock.set(until)


def again(w: Any, execution: str, *names: str, **more: Any) -> Any:
    """Mend, retry, run to the end."""
    mend(w)
    w.retry(execution, *names, **more)
    w.run()
    return w.ended(execution)


CHAIN = """
tasks:
  - {name: a, action: t.do, on_success: b}
  - {name: b, action: t.do, on_success: c}
  - {name: c, action: t.do}
"""


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


PARALLEL = """
tasks:
  - name: both
    type: parallel
    tasks:
      - {name: a, action: t.do}
      - {name: b, action: t.do}
      - name: deeper
        type: parallel
        tasks: [{name: c, action: t.do}, {name: d, action: t.do}]
    on_success: after
  - {name: after, action: t.do}
"""


def test_of_a_parallel_group_only_the_members_that_failed_run_again(world, fail):
    w = broken(world, PARALLEL, fail, "b", "d")
    first = w.go()
    assert first.status is FAILED
    ended = again(w, first.execution)
    assert (ended.status, sorted(ended.ran)) == (COMPLETED, ["after", "b", "d"])
    assert w.state(first.execution).visits == {}


def test_a_group_that_timed_out_goes_on_with_what_was_cut_off(world):
    text = """
parameters: {s: {type: integer}}
tasks:
  - name: both
    type: parallel
    timeout: 20
    tasks:
      - {name: a, action: t.do}
      - {name: nap, action: core.sleep, input: {seconds: "{{ parameters.s }}"}}
      - name: rounds
        type: loop
        while: "{{ not task.b }}"
        tasks:
          - {name: nap_too, action: core.sleep, input: {seconds: "{{ parameters.s }}"}, on_success: b}
          - {name: b, action: t.do}
"""
    w = world(text.replace("not task.b", "(task.b | default({})).status is undefined"))
    first = w.go(s=50)
    assert first.status is FAILED
    ended = again(w, first.execution, parameters={"s": 5})
    assert (ended.status, ended.ran) == (COMPLETED, ["b"])


LOOP = """
vars: {n: 0}
tasks:
  - name: rounds
    type: loop
    while: "{{ vars.n < 3 }}"
    tasks:
      - {name: one, action: t.do, on_success: two}
      - {name: two, action: t.do, publish: [{n: "{{ vars.n + 1 }}"}]}
output_map: "{{ task.rounds.result.iterations }}"
"""


def test_a_loop_goes_on_in_the_round_that_failed(world, fail):
    w = world(LOOP, script={"two": lambda a: fail() if a.visit == 2 else {}})
    first = w.go()
    assert first.status is FAILED
    ended = again(w, first.execution)
    assert ran(w) == [("two", 2, None, 2), ("one", 3, None, 1), ("two", 3, None, 1)]
    assert (ended.status, ended.output) == (COMPLETED, 3)


def test_a_loop_that_was_cancelled_goes_on_in_its_round(world):
    nap = "action: core.sleep, input: {seconds: 10}"
    w = world(LOOP.replace("one, action: t.do", f"one, {nap}"))
    execution = w.start("t.w", {})
    run_for(w, 15)
    w.cancel(execution)
    w.run()
    assert w.state(execution).status is ExecutionStatus.CANCELLED
    ended = again(w, execution)
    assert ran(w) == [("two", 2, None, 1), ("two", 3, None, 1)]
    assert (ended.status, ended.output) == (COMPLETED, 3)


def test_a_loop_cut_short_by_fail_is_not_taken_for_finished(world, fail):
    text = LOOP.replace("output_map", "  - {name: x, action: t.do, on_failure: fail}\noutput_map")
    text = text.replace("{name: one, action: t.do", "{name: one, action: core.sleep, input: {seconds: 10}")
    w = broken(world, text, fail, "x", takes={"x": 15})
    first = w.go()
    assert first.status is FAILED
    assert first.ran.count("two") < 3
    ended = again(w, first.execution)
    assert (ended.status, ended.output) == (COMPLETED, 3)
    assert ended.ran.count("two") + first.ran.count("two") == 3


def test_what_was_cancelled_goes_on_with_what_ran_and_what_waited(world):
    text = """
tasks:
  - {name: a, action: t.do, with_items: [0, 1, 2, 3], concurrency: 1, on_success: b}
  - {name: b, action: t.do}
  - {name: nap, action: core.sleep, input: {seconds: 100}}
"""
    w = world(text, takes={"a": 10})
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 15)
    w.cancel(execution)
    w.run()
    cancelled = w.clock.now()
    ended = again(w, execution)
    assert ended.status is COMPLETED
    assert [row[2] for row in ran(w)] == [2, 3, None], "the result of what ran was recorded, and counts"
    assert w.clock.now() - cancelled == 100


def test_the_time_limit_of_the_workflow_counts_anew_and_the_old_timer_means_nothing(world):
    text = """
timeout: 100
parameters: {s: {type: integer}}
tasks: [{name: a, action: t.do}, {name: b, action: core.sleep, input: {seconds: "{{ parameters.s }}"}}]
"""
    w = world(text)
    first = w.go(s=150)
    assert first.status is ExecutionStatus.TIMED_OUT
    mend(w)
    w.retry(first.execution, parameters={"s": 90})
    run_for(w, 50)
    w.post(first.execution, TimerFired(TimerKind.WORKFLOW_TIMEOUT))
    w.run()
    assert (w.ended(first.execution).status, w.runner.names()) == (COMPLETED, [])


def test_the_new_time_limit_is_kept(world):
    w = world("timeout: 100\ntasks: [{name: a, action: core.sleep, input: {seconds: 150}}]")
    execution = w.go().execution
    w.retry(execution)
    w.run()
    assert w.ended(execution).status is ExecutionStatus.TIMED_OUT
    assert w.state(execution).ended_at - w.state(execution).created_at >= 200


def test_variables_that_failed_are_evaluated_anew_with_new_parameters(world):
    text = """
parameters: {list: {type: array}}
vars: {first: "{{ parameters.list[0].name }}"}
tasks: [{name: a, action: t.do, input: {n: "{{ vars.first }}"}}]
output_map: "{{ task.a.result.n }}"
"""
    w = world(text)
    first = w.go(list=[])
    assert first.status is FAILED
    assert again(w, first.execution, parameters={"list": [{"name": "x"}]}).output == "x"


def test_new_parameters_are_seen_by_what_runs_from_then_on_and_variables_are_kept(world, fail):
    text = """
parameters: {n: {type: integer}}
vars: {old: "{{ parameters.n }}"}
tasks:
  - {name: a, action: t.do, on_success: b}
  - {name: b, action: t.do, input: {n: "{{ parameters.n }}"}}
output_map: ["{{ task.b.result.n }}", "{{ vars.old }}", "{{ system.identity.login }}"]
"""
    w = broken(world, text, fail, "a")
    first = w.go(n=1)
    w.retry(first.execution)
    w.run()
    assert again(w, first.execution, parameters={"n": 2}).output == [2, 1, "simulator"]


def test_an_output_that_did_not_fit_is_rendered_anew(world):
    text = """
parameters: {n: {}}
tasks: [{name: a, action: t.do}]
output: {n: {type: integer}}
output_map: {n: "{{ parameters.n }}"}
"""
    w = world(text)
    first = w.go(n="x")
    assert first.error["type"] == "invalid_output"
    ended = again(w, first.execution, parameters={"n": 7})
    assert (ended.status, ended.output, ended.ran) == (COMPLETED, {"n": 7}, [])


CYCLE = """
max_visits: 2
tasks:
  - {name: s, action: t.do, on_success: a}
  - {name: a, action: t.do, publish: [{n: "{{ task.a.visit }}"}], next: [{when: "{{ vars.n < 4 }}", do: a}]}
vars: {n: 0}
"""


def test_a_task_that_was_to_run_too_often_goes_on_in_a_version_that_lets_it(world):
    w = world(CYCLE)
    first = w.go()
    assert first.error["type"] == "max_visits"
    new = graphs(CYCLE.replace("max_visits: 2", "max_visits: 9"))[0]
    w.catalog.add_version(WorkflowVersion("t.w", 2, new))
    ended = again(w, first.execution, version=2)
    assert (ended.status, ran(w)) == (COMPLETED, [("a", 3, None, 1), ("a", 4, None, 1)])


def test_a_new_version_may_add_and_reorder_tasks_and_mend_the_one_that_failed(world, fail):
    w = broken(world, CHAIN, fail, "b")
    first = w.go()
    new = """
tasks:
  - {name: d, action: t.do}
  - {name: b, action: t.do, input: {n: "{{ task.a.result.n }}"}, on_success: [c, d]}
  - {name: c, action: t.do}
  - {name: a, action: t.do, on_success: b}
output_map: "{{ task.b.result.n }}"
"""
    w.catalog.add_version(WorkflowVersion("t.w", 2, graphs(new)[0]))
    mend(w)
    w.store.write(first.execution, [])
    ended = again(w, first.execution, version=2)
    assert ended.status is FAILED, "a returned no n"
    assert w.state(first.execution).workflow_version == 2
    assert ended.error["type"] == "template_error"
    mended = graphs(new.replace(".n }}", " | length }}"))[0]
    w.catalog.add_version(WorkflowVersion("t.w", 3, mended))
    ended = again(w, first.execution, version=3)
    assert (ended.status, sorted(ran(w))) == (
        COMPLETED,
        [("b", 1, None, 3), ("c", 1, None, 1), ("d", 1, None, 1)],
    )


def test_a_version_that_does_not_fit_changes_nothing(world, fail):
    w = broken(world, CHAIN, fail, "b")
    first = w.go()
    w.catalog.add_version(WorkflowVersion("t.w", 2, graphs("tasks: [{name: b, action: t.do}]")[0]))
    ended = again(w, first.execution, version=2)
    assert (ended.status, ended.ran) == (FAILED, [])
    assert w.state(first.execution).workflow_version == 1


def test_named_tasks_run_again_and_what_follows_them_is_done_anew(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, on_success: [b, x]}
  - {name: b, action: t.do, on_success: c}
  - {name: x, action: t.do, on_success: c}
  - {name: c, action: t.do, join: all, on_success: d}
  - {name: d, action: t.do}
"""
    w = broken(world, text, fail, "d")
    first = w.go()
    ended = again(w, first.execution, "b")
    assert ended.status is COMPLETED
    assert ran(w) == [("b", 1, None, 2), ("c", 2, None, 1), ("d", 2, None, 1)]


def test_a_failure_that_does_not_follow_what_was_named_stands(world, fail):
    text = """
tasks:
  - {name: a, action: t.do}
  - {name: b, action: t.do}
"""
    w = broken(world, text, fail, "a", "b")
    first = w.go()
    ended = again(w, first.execution, "a")
    assert (ended.status, ended.ran, ended.error["details"]) == (FAILED, ["a"], {"task": "a"})
    ended = again(w, first.execution)
    assert (ended.status, ended.ran) == (COMPLETED, ["b"])


def test_a_name_of_what_has_not_begun_changes_nothing(world, fail):
    w = broken(world, CHAIN, fail, "b")
    first = w.go()
    for name in ("c", "nothing"):
        assert again(w, first.execution, name).ran == []


def test_a_member_of_a_group_may_be_named(world, fail):
    w = broken(world, PARALLEL, fail, "after")
    first = w.go()
    ended = again(w, first.execution, "c")
    assert (ended.status, ended.ran) == (COMPLETED, ["c", "after"])
    assert w.state(first.execution).visits_of(6) == 2, "what follows begins a new visit"


def test_a_group_that_completed_and_is_named_begins_anew(world, fail):
    w = broken(world, PARALLEL, fail, "after")
    first = w.go()
    assert sorted(again(w, first.execution, "both").ran) == ["a", "after", "b", "c", "d"]


def test_it_can_be_paused_and_cancelled_meanwhile_and_retried_again(world, fail):
    w = broken(world, CHAIN, fail, "b", takes={"b": 20})
    execution = w.go().execution
    mend(w)
    w.retry(execution)
    run_for(w, 1)
    w.post(execution, Pause("", "p"))
    w.run()
    assert w.state(execution).status is ExecutionStatus.PAUSED
    w.post(execution, Cancel("", "c"))
    w.run()
    assert w.state(execution).status is ExecutionStatus.CANCELLED
    ended = again(w, execution)
    assert (ended.status, ran(w)) == (COMPLETED, [("c", 1, None, 1)])


def test_a_retry_that_waits_is_stopped_by_a_pause_and_goes_on_with_resume(world, fail):
    text = "tasks: [{name: a, action: t.do, with_items: [0, 1, 2], concurrency: 1}]"
    w = broken(world, text, fail, "a", takes={"a": 10})
    execution = w.go().execution
    mend(w)
    w.retry(execution)
    run_for(w, 5)
    w.post(execution, Pause("", "p"))
    w.run()
    assert len(ran(w)) == 1
    w.post(execution, Resume("r"))
    w.run()
    assert (w.ended(execution).status, ran(w)) == (COMPLETED, [("a", 1, n, 2) for n in range(3)])


CHILD = """
ref: t.child
tasks: [{name: inner, action: t.do}]
output_map: {n: "{{ task.inner.result.n }}"}
"""
PARENT = "tasks: [{name: sub, action: t.child, on_success: after}, {name: after, action: t.do}]"


def test_a_sub_workflow_that_failed_is_started_anew(world, fail):
    w = world(PARENT, CHILD, script={"inner": fail()})
    first = w.go()
    assert first.status is FAILED
    ended = again(w, first.execution)
    assert (ended.status, ran(w)) == (COMPLETED, [("inner", 1, None, 1), ("after", 1, None, 1)])
    assert len({a.execution_id for a in w.runner.ran}) == 2


def test_a_child_that_is_retried_by_itself_does_not_tell_its_parent_again(world, fail):
    w = world(PARENT, CHILD, script={"inner": fail()})
    first = w.go()
    child = w.runner.ran[0].execution_id
    before = w.state(first.execution)
    assert ["p"] in w.state(child).outbox
    ended = again(w, child)
    assert ended.status is COMPLETED
    assert ["p"] not in w.state(child).outbox
    assert w.state(first.execution) == before


def test_its_retries_are_announced_and_written_down(world, fail):
    w = broken(world, CHAIN, fail, "b")
    first = w.go()
    again(w, first.execution)
    assert [str(announced.status) for _, _, announced in w.cloud.events] == ["failed", "running", "completed"]
    kept = w.store.facts(first.execution, [RetryFact(1)])[RetryFact(1)]
    assert (kept["by"], kept["workflow_version"], kept["parameters"]) == ("simulator", 1, None)
    assert w.state(first.execution).retried == ["1"]


def test_the_message_and_a_state_that_is_being_retried_are_read_as_they_were_written(world, fail):
    message = RetryExecution("g", ("a",), workflow_version=2, parameters={"n": 1}, by="me")
    assert decode(json.loads(json.dumps(encode(message)))) == message
    text = "tasks: [{name: a, action: t.do, with_items: '{{ range(200) | list }}', concurrency: 3}]"
    w = broken(world, text, fail, "a", takes={"a": 10})
    execution = w.go().execution
    w.retry(execution)
    w.run(until=w.clock.now() + 25)
    state = w.state(execution)
    beside = ("execution", "workflow", "workflow_version", "created_at", "status", "version", "absorbed", "updated_at")
    data = codec.encode(state)
    assert codec.decode(json.loads(json.dumps(data)), **{key: getattr(state, key) for key in beside}) == state
    assert len(json.dumps(data)) < 400


def test_a_result_that_could_not_be_published_is_kept_and_published_anew(world):
    text = """
parameters: {key: {type: string}}
tasks:
  - {name: a, action: t.do, input: {n: 1}, publish: [{v: "{{ result[parameters.key] }}"}]}
  - {name: b, action: t.do, with_items: [1, 2], publish: [{w: "{{ result[0][parameters.key] }}"}]}
output_map: ["{{ vars.v }}"]
"""
    w = world(text.replace("[1, 2], publish", "[1, 2], input: {n: 5}, publish"))
    first = w.go(key="none")
    assert first.status is FAILED
    ended = again(w, first.execution, parameters={"key": "n"})
    assert (ended.status, ended.output, ended.ran) == (COMPLETED, [1], [])
    assert w.state(first.execution).resumable == {}


def test_a_task_that_is_named_runs_again_although_its_result_is_there(world):
    text = """
tasks:
  - {name: a, action: t.do, input: {n: 1}, publish: [{v: "{{ result.m }}"}]}
"""
    w = world(text)
    first = w.go()
    w.runner.script["a"] = {"m": 2}
    w.retry(first.execution, "a")
    w.run()
    assert (w.ended(first.execution).status, ran(w)[-1]) == (COMPLETED, ("a", 1, None, 2))


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


def test_of_a_group_that_failed_in_several_visits_each_is_made_up_for(world, fail):
    text = """
vars: {n: 0}
tasks:
  - {name: s, action: t.do, on_success: h}
  - name: h
    action: t.do
    publish: [{n: "{{ vars.n + 1 }}"}]
    next: [{do: both}, {when: "{{ vars.n < 2 }}", do: nap}]
  - {name: nap, action: core.sleep, input: {seconds: 5}, on_success: h}
  - {name: both, type: parallel, tasks: [{name: a, action: t.do}, {name: b, action: t.do}], on_success: after}
  - {name: after, action: t.do}
"""
    w = broken(world, text, fail, "b")
    first = w.go()
    assert first.ran.count("b") == 2
    ended = again(w, first.execution)
    assert ended.status is COMPLETED
    assert sorted(ran(w)) == [
        ("a", 3, None, 1),
        ("after", 1, None, 1),
        ("after", 2, None, 1),
        ("b", 2, None, 2),
        ("b", 3, None, 1),
    ]
