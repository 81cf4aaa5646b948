"""A retry of an execution that was cut short, or failed over its variables, parameters or output."""

from __future__ import annotations

import json

from tests.unit.engine.retries import CHAIN, COMPLETED, FAILED, again, broken, mend, ran, run_for

from attune.engine import codec
from attune.engine.facts import RetryFact
from attune.engine.messages import Cancel, Pause, Resume, RetryExecution, TimerFired, TimerKind
from attune.engine.wire import decode, encode
from attune.model.status import ExecutionStatus


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
