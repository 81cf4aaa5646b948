"""A retry of an execution from named tasks, or in another version of the workflow."""

from __future__ import annotations

from tests.conftest import graphs
from tests.unit.engine.retries import CHAIN, COMPLETED, FAILED, again, broken, mend, ran

from attune.execution.ports.catalog import WorkflowVersion

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
