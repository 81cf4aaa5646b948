"""A retry of an execution goes on inside of groups and loops."""

from __future__ import annotations

from tests.unit.engine.retries import COMPLETED, FAILED, again, broken, ran, run_for

from attune.model.status import ExecutionStatus

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
