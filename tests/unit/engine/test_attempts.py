"""Retries, time-outs, items, sub-workflows, cancel and pause: everything about attempts."""

from __future__ import annotations

from dataclasses import replace

import pytest

from attune.adapters.memory.execution_store import StateOf
from attune.engine.attempt_retry import delay
from attune.engine.messages import Cancel, Pause, Resume
from attune.model.graph import Backoff, RetryPolicy
from attune.model.status import ExecutionStatus, TaskStatus

HOUR = 3600.0


@pytest.mark.parametrize(
    ("backoff", "delays"),
    [(Backoff.CONSTANT, [10, 10, 10]), (Backoff.LINEAR, [10, 20, 30]), (Backoff.EXPONENTIAL, [10, 20, 40])],
)
def test_the_three_backoffs_grow_as_they_say(backoff, delays):
    assert [delay(RetryPolicy(3, delay=10, backoff=backoff), failed, "") for failed in (1, 2, 3)] == delays


def test_max_delay_bounds_and_jitter_spreads_over_the_upper_half():
    retry = RetryPolicy(9, delay=10, backoff=Backoff.EXPONENTIAL, max_delay=60, jitter=True)
    spread = [delay(retry, 9, f"seed {n}") for n in range(200)]
    assert 30 <= min(spread) < 33
    assert 57 < max(spread) <= 60
    assert delay(retry, 2, "same") == delay(retry, 2, "same")


def test_a_retry_waits_in_virtual_time_and_counts_attempts(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, retry: {count: 3, delay: 100, backoff: exponential}, on_success: b}
  - {name: b, action: t.do}
"""
    w = world(text, script={"a": [fail(), fail(), "fine"]})
    begun = w.clock.now()
    ended = w.go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert [attempt.number for attempt in w.runner.ran] == [1, 2, 3, 1]
    assert w.clock.now() - begun == pytest.approx(300, abs=1)


def test_when_attempts_run_out_the_task_has_failed(world, fail):
    ended = world("tasks: [{name: a, action: t.do, retry: {count: 2}}]", script={"a": fail()}).go()
    assert ended.status is ExecutionStatus.FAILED
    assert ended.ran == ["a"] * 3


@pytest.mark.parametrize(("type_", "attempts"), [("Throttled", 3), ("Refused", 1)])
def test_on_error_decides_what_is_tried_again(world, fail, type_, attempts):
    text = """
tasks:
  - {name: a, action: t.do, retry: {count: 2, on_error: "{{ task.a.error.type == 'Throttled' and error.message }}"}}
"""
    assert len(world(text, script={"a": fail(type_=type_)}).go().ran) == attempts


def test_an_error_that_says_it_is_not_retryable_is_not_retried(world, fail):
    text = "tasks: [{name: a, action: t.do, retry: {count: 2}}]"
    assert len(world(text, script={"a": fail(retryable=False)}).go().ran) == 1


def test_sleep_passes_at_once_in_virtual_time_and_is_waiting_meanwhile(world):
    text = 'tasks: [{name: nap, action: core.sleep, input: {seconds: "24h"}}]'
    w = world(text)
    execution, begun = w.start("t.w", {}), w.clock.now()
    w.run(until=begun + HOUR)
    w.run()
    assert w.ended(execution).status is ExecutionStatus.COMPLETED
    assert w.clock.now() - begun == 24 * HOUR


def test_the_workflows_own_time_limit_ends_it_timed_out(world):
    text = 'timeout: 1h\ntasks: [{name: nap, action: core.sleep, input: {seconds: "2h"}}]'
    ended = world(text).go()
    assert ended.status is ExecutionStatus.TIMED_OUT
    assert ended.error["type"] == "timeout"


@pytest.mark.parametrize("items", ["[]", "{}"])
def test_an_empty_list_succeeds_at_once(world, items):
    text = f"""
tasks:
  - {{name: a, action: t.do, with_items: "{{{{ {items} }}}}", input: {{n: "{{{{ item }}}}"}}}}
output_map: {{result: "{{{{ task.a.result }}}}", total: "{{{{ task.a.total_count }}}}"}}
"""
    ended = world(text).go()
    assert (ended.status, ended.output, ended.ran) == (ExecutionStatus.COMPLETED, {"result": [], "total": 0}, [])


def test_items_keep_their_order_whatever_order_they_end_in(world):
    text = """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(30) | list }}", input: {n: "{{ item }}", i: "{{ index }}"}}
output_map: "{{ task.a.result | map(attribute='n') | list }}"
"""
    ended = world(text, takes={"a": lambda attempt: 30 - attempt.index}).go()
    assert ended.output == list(range(30))


def test_concurrency_is_a_sliding_window(world):
    text = """
tasks:
  - {name: a, action: t.do, concurrency: 3, with_items: "{{ range(10) | list }}", input: {n: "{{ item }}"}}
"""
    running = most = 0
    w = world(text, takes={"a": 10})

    def observe(attempt):
        nonlocal running, most
        state = w.store.load(attempt.execution_id)
        running = len(state.active[0, 1].items.active)
        most = max(most, running)
        return attempt.index

    w.runner.script["a"] = observe
    assert w.go().status is ExecutionStatus.COMPLETED
    assert most == 3


def test_batches_give_lists_and_count_elements(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, batch_size: 4, with_items: "{{ range(10) | list }}",
     input: {rows: "{{ item }}"}, on_failure: noop}
output_map: {n: "{{ task.a.result | length }}", ok: "{{ task.a.succeeded_count }}", bad: "{{ task.a.failed_count }}",
             first: "{{ task.a.items[0].result.rows }}", last: "{{ task.a.items[2].status }}",
             none: "{{ task.a.result[2] }}"}
"""

    def last_fails(attempt):
        if attempt.index == 2:
            raise fail()
        return dict(attempt.input)

    ended = world(text, script={"a": last_fails}).go()
    assert ended.output == {"n": 3, "ok": 8, "bad": 2, "first": [0, 1, 2, 3], "last": "failed", "none": None}


@pytest.mark.parametrize(
    ("tolerated", "status"), [("3", "completed"), ("2", "failed"), ('"30%"', "completed"), ('"29%"', "failed")]
)
def test_failures_are_tolerated_up_to_a_number_or_share(world, fail, tolerated, status):
    text = f"""
tasks:
  - {{name: a, action: t.do, with_items: "{{{{ range(10) | list }}}}",
      input: {{n: "{{{{ item }}}}"}}, tolerate_failures: {tolerated}}}
"""

    def three_fail(attempt):
        if attempt.index < 3:
            raise fail()

    ended = world(text, script={"a": three_fail}).go()
    assert str(ended.status) == status
    assert len(ended.ran) == 10, "all items run"


def test_each_item_has_its_own_retries(world, fail):
    text = """
tasks:
  - {name: a, action: t.do, with_items: [x, y], input: {n: "{{ item }}"}, retry: {count: 1, delay: 5}}
output_map: "{{ task.a.result }}"
"""

    def first_attempt_of_y_fails(attempt):
        if attempt.index == 1 and attempt.number == 1:
            raise fail()
        return attempt.number

    assert world(text, script={"a": first_attempt_of_y_fails}).go().output == [1, 2]


def test_a_mapping_gives_pairs_and_anything_else_fails_the_task(world):
    text = """
parameters: {over: {}}
tasks:
  - {name: a, action: t.do, with_items: "{{ parameters.over }}", input: {t: "{{ item.key }}={{ item.value }}"}}
output_map: "{{ task.a.result | map(attribute='t') | list }}"
"""
    assert world(text).go(over={"k": 1, "ü": 2}).output == ["k=1", "ü=2"]
    failed = world(text).go(over=7)
    assert failed.status is ExecutionStatus.FAILED
    assert failed.error["type"] == "invalid_items"


def test_a_thousand_items_stay_a_small_state(world):
    text = """
tasks:
  - {name: a, action: t.do, concurrency: 50, with_items: "{{ range(1000) | list }}", input: {n: "{{ item }}"}}
"""
    w = world(text)
    largest = 0

    def measure(attempt):
        nonlocal largest
        largest = max(largest, len(w.store.items[attempt.execution_id, StateOf()]))

    w.runner.script["a"] = measure
    assert w.go().status is ExecutionStatus.COMPLETED
    assert largest < 4096


CHILD = """
ref: t.child
parameters: {n: {type: integer}}
tasks:
  - {name: inner, action: t.do, input: {n: "{{ parameters.n + 1 }}"}}
output_map: {n: "{{ task.inner.result.n }}"}
"""
PARENT = """
tasks:
  - {name: sub, action: t.child, input: {n: 41}, on_success: after}
  - {name: after, action: t.do, input: {n: "{{ task.sub.result.n }}"}}
output_map: "{{ task.after.result.n }}"
"""


def test_a_sub_workflow_gives_its_output_as_the_tasks_result(world):
    ended = world(PARENT, CHILD).go()
    assert ended.output == 42
    assert ended.ran == ["inner", "after"]


def test_a_childs_failure_comes_up_and_may_be_retried_as_a_new_child(world, fail):
    text = PARENT.replace("input: {n: 41}", "input: {n: 41}, retry: {count: 1}")
    w = world(text, CHILD)
    answers = iter([fail("inner trouble"), {"n": 42}])

    def once(attempt):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    w.runner.script["inner"] = once
    assert w.go().status is ExecutionStatus.COMPLETED
    children = {attempt.execution_id for attempt in w.runner.ran if attempt.task == "inner"}
    assert len(children) == 2


def test_parameters_a_child_does_not_take_fail_the_task_not_the_service(world):
    text = PARENT.replace("n: 41", "n: forty-one")
    ended = world(text, CHILD).go()
    assert ended.status is ExecutionStatus.FAILED
    assert ended.error["type"] == "invalid_parameters"


def test_sub_workflows_end_at_a_depth_of_ten(world):
    text = "ref: t.deep\ntasks: [{name: again, action: t.deep}]"
    ended = world(text).go("t.deep")
    assert ended.status is ExecutionStatus.FAILED
    assert ended.error["type"] == "depth_exceeded"


def test_cancel_stops_at_once_and_reaches_the_children(world):
    child = "ref: t.child\ntasks: [{name: nap, action: core.sleep, input: {seconds: 1000}}]"
    w = world("tasks: [{name: sub, action: t.child, input: {}}]", child)
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 1)
    child_id = next(owner for owner, key in w.store.items if owner != execution)
    w.cancel(execution, "enough")
    w.run()
    assert w.ended(execution).status is ExecutionStatus.CANCELLED
    assert "enough" in w.ended(execution).error["message"]
    assert w.ended(child_id).status is ExecutionStatus.CANCELLED


def test_cancelling_what_was_never_started_leaves_a_tombstone_that_its_start_respects(world):
    w = world("tasks: [{name: a, action: t.do}]")
    w.post("01KNOTYET", Cancel("too early"))
    w.run()
    assert w.state("01KNOTYET").status is ExecutionStatus.CANCELLED
    execution = w.start("t.w", {})
    w.cloud.purge()
    start = w.store.load_start(execution)
    late = replace(start, execution="01KNOTYET")
    w.store.create(late)
    w.post("01KNOTYET", late)
    w.run()
    assert w.state("01KNOTYET").status is ExecutionStatus.CANCELLED
    assert not [attempt for attempt in w.runner.ran if attempt.execution_id == "01KNOTYET"]


def test_a_task_that_is_a_child_times_out_and_the_child_is_cancelled(world):
    child = "ref: t.child\ntasks: [{name: nap, action: core.sleep, input: {seconds: 1000}}]"
    w = world("tasks: [{name: sub, action: t.child, timeout: 10, on_timeout: late}, {name: late, action: t.do}]", child)
    ended = w.go()
    assert (ended.status, ended.ran) == (ExecutionStatus.COMPLETED, ["late"])
    child_id = next(owner for owner, key in w.store.items if owner != ended.execution)
    assert w.ended(child_id).status is ExecutionStatus.CANCELLED


def test_pause_lets_what_runs_finish_and_starts_nothing_until_resume(world):
    w = world("tasks: [{name: a, action: t.do, on_success: b}, {name: b, action: t.do}]", takes={"a": 10})
    execution = w.start("t.w", {})
    w.cloud.at(w.clock.now() + 5, lambda: w.post(execution, Pause()))
    w.run()
    assert w.state(execution).status is ExecutionStatus.PAUSED
    assert w.runner.names() == ["a"]
    w.post(execution, Resume())
    w.run()
    assert w.ended(execution).status is ExecutionStatus.COMPLETED


def test_a_copy_of_a_pause_or_of_a_resumption_that_comes_an_hour_late_changes_nothing(world):
    w = world("tasks: [{name: nap, action: core.sleep, input: {seconds: 86400}}]")
    execution = w.start("t.w", {})

    def status_after(message):
        w.clock.set(w.clock.now() + 3600)
        w.post(execution, message)
        w.run(until=w.clock.now() + 1)
        return w.state(execution).paused

    told = [Pause("", "p1"), Resume("r1"), Pause("", "p1"), Pause("", "p2"), Resume("r1"), Resume("r2")]
    assert [status_after(message) for message in told] == [True, False, False, True, True, False]


def test_pause_and_resume_reach_the_children(world):
    child = "ref: t.child\ntasks: [{name: a, action: t.do, on_success: b}, {name: b, action: t.do}]"
    w = world("tasks: [{name: sub, action: t.child, input: {}}]", child, takes={"a": 10})
    execution = w.start("t.w", {})
    w.cloud.at(w.clock.now() + 5, lambda: w.post(execution, Pause()))
    w.run()
    child_id = next(owner for owner, key in w.store.items if owner != execution)
    assert (w.state(execution).status, w.state(child_id).status) == (ExecutionStatus.PAUSED, ExecutionStatus.PAUSED)
    assert w.runner.names() == ["a"]
    w.post(execution, Resume())
    w.run()
    assert w.ended(execution).status is ExecutionStatus.COMPLETED
    assert w.runner.names() == ["a", "b"]


TEMPLATES = """
tasks:
  - {name: a, action: t.do, input: {n: INPUT}, publish: [{v: "{{ result.n }}"}], on_failure: handler}
  - {name: handler, action: t.do, input: {type: "{{ task.a.error.type }}",
     hint: "{{ task.a.error.details.hint | default('') }}"}}
output_map: "{{ task.handler.result }}"
"""


def test_a_template_that_fails_fails_its_task_and_is_not_retried(world):
    text = TEMPLATES.replace("INPUT", '"{{ parameters.m.misspelt }}"')
    ended = world("parameters: {m: {type: object}}\n" + text).go(m={"mispelt": 1})
    assert ended.output == {"type": "template_error", "hint": "did you mean 'mispelt'?"}
    assert ended.ran == ["handler"]


def test_a_publish_that_fails_fails_the_task_and_its_transitions_are_chosen_anew(world):
    ended = world(TEMPLATES.replace("INPUT", "1"), script={"a": {}}).go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert ended.output["type"] == "template_error"
    assert ended.ran == ["a", "handler"]


def test_wrong_vars_fail_the_execution_at_its_start(world):
    ended = world('vars: {x: "{{ parameters.nothing }}"}\ntasks: [{name: a, action: t.do}]').go()
    assert (ended.status, ended.error["type"], ended.ran) == (ExecutionStatus.FAILED, "template_error", [])


def test_an_output_that_does_not_fit_its_schema_fails_the_execution(world):
    text = """
output: {type: object, properties: {n: {type: integer}}}
tasks: [{name: a, action: t.do}]
output_map: {n: "{{ 'text' }}"}
"""
    ended = world(text).go()
    assert (ended.status, ended.error["type"]) == (ExecutionStatus.FAILED, "invalid_output")


def test_the_scopes_of_a_template(world):
    text = """
vars: {base: "x"}
tasks:
  - name: a
    action: t.do
    input:
      registry: "{{ pack.config.registry }}"
      who: "{{ system.identity.login }}"
      id: "{{ system.execution_id }}"
      ref: "{{ system.workflow }}"
      base: "{{ vars.base }}"
      attempt: "{{ system.attempt }}"
output_map: "{{ task.a.result }}"
"""
    ended = world(text).go()
    expected = {
        "registry": "r.example",
        "who": "simulator",
        "id": ended.execution,
        "ref": "t.w",
        "base": "x",
        "attempt": 1,
    }
    assert ended.output == expected


def test_a_late_result_of_a_cancelled_execution_changes_nothing(world):
    w = world("tasks: [{name: a, action: t.do, on_success: b}, {name: b, action: t.do}]", takes={"a": 100})
    execution = w.start("t.w", {})
    w.cloud.at(w.clock.now() + 5, lambda: w.cancel(execution))
    w.run()
    assert w.ended(execution).status is ExecutionStatus.CANCELLED
    assert w.state(execution).latest(0) is TaskStatus.CANCELLED
    assert w.runner.names() == ["a"]
