"""Groups, questions, events, and names of actions that are only known when they run."""

from __future__ import annotations

import pytest

from attune.exceptions import TemplateError
from attune.model.status import ExecutionStatus

HOUR = 3600.0
PARALLEL = """
tasks:
  - name: checks
    type: parallel
    tasks:
      - {name: database, action: t.do, input: {ok: 1}}
      - {name: cache, action: t.do, input: {ok: 2}, retry: {count: 1, delay: 5}}
      - {name: queue, action: t.do, input: {ok: 3}, when: "{{ false }}"}
    on_success: deploy
    on_failure: abort
  - {name: deploy, action: t.do, input: {all: "{{ task.checks.result }}"}}
  - {name: abort, action: t.do, input: {failed: "{{ task.checks.error.details.failed }}"}}
output_map: {deploy: "{{ task.deploy.result.all }}", abort: "{{ task.abort.result.failed }}"}
"""


def test_a_parallel_group_gives_what_each_member_returned(world):
    ended = world(PARALLEL, takes={"database": 30}).go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert ended.output["deploy"] == {"database": {"ok": 1}, "cache": {"ok": 2}, "queue": None}
    assert ended.ran == ["cache", "database", "deploy"]


def test_a_parallel_group_fails_after_all_have_ended(world, fail):
    ended = world(PARALLEL, script={"cache": fail()}, takes={"database": 30}).go()
    assert ended.status is ExecutionStatus.COMPLETED, "the group's failure is handled"
    assert ended.output["abort"] == ["cache"]
    assert (sorted(ended.ran[:3]), ended.ran[3:]) == (["cache", "cache", "database"], ["abort"])


def test_an_unhandled_failure_of_a_group_fails_the_execution(world, fail):
    text = (
        PARALLEL.replace("    on_failure: abort\n", "")
        .replace("abort", "deploy_not")
        .replace("on_success: deploy\n", "on_success: [deploy, deploy_not]\n")
    )
    ended = world(text, script={"database": fail()}).go()
    assert (ended.status, ended.error["type"]) == (ExecutionStatus.FAILED, "members_failed")


def test_groups_may_stand_in_groups_and_in_cycles(world):
    text = """
vars: {n: 0}
tasks:
  - name: outer
    type: parallel
    tasks:
      - name: inner
        type: parallel
        tasks: [{name: a, action: t.do}, {name: b, action: t.do}]
      - {name: c, action: t.do, publish: [{n: "{{ vars.n + 1 }}"}]}
    decision: [{when: "{{ vars.n < 2 }}", next: outer}, {default: noop}]
output_map: "{{ task.outer.result.inner.a }}"
"""
    ended = world(text, takes={"b": 3}).go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert sorted(ended.ran) == ["a", "a", "b", "b", "c", "c"]
    assert ended.output == {}


def loop(condition, body="[{name: step, action: t.do, publish: [{n: '{{ vars.n + 1 }}'}]}]", more=""):
    return f"""
vars: {{n: 0}}
tasks:
  - name: rounds
    type: loop
    {condition}
    {more}
    tasks: {body}
output_map: {{rounds: "{{{{ task.rounds.result.iterations }}}}", n: "{{{{ vars.n }}}}"}}
"""


@pytest.mark.parametrize(
    ("condition", "rounds"),
    [
        ('while: "{{ vars.n < 3 }}"', 3),
        ('until: "{{ vars.n >= 3 }}"', 3),
        ('while: "{{ vars.n < 0 }}"', 0),
        ('until: "{{ true }}"', 1),
    ],
)
def test_a_loop_goes_round_while_or_until(world, condition, rounds):
    ended = world(loop(condition)).go()
    assert (ended.status, ended.output) == (ExecutionStatus.COMPLETED, {"rounds": rounds, "n": rounds})


def test_a_loop_goes_round_more_often_than_any_task_may_be_visited(world):
    ended = world(loop('while: "{{ vars.n < 250 }}"')).go()
    assert ended.output == {"rounds": 250, "n": 250}


def test_a_loop_beyond_its_bound_fails(world):
    ended = world(loop('while: "{{ true }}"', more="max_iterations: 4")).go()
    assert (ended.status, ended.error["type"]) == (ExecutionStatus.FAILED, "max_iterations")
    assert len(ended.ran) == 4


def test_a_failure_in_a_loops_body_fails_the_loop(world, fail):
    ended = world(loop('while: "{{ true }}"'), script={"step": fail()}).go()
    assert (ended.status, ended.error["type"]) == (ExecutionStatus.FAILED, "members_failed")


def test_a_loop_that_waits_in_its_body_times_out_as_a_whole(world):
    body = "[{name: nap, action: core.sleep, input: {seconds: 10}}]"
    w = world(loop('while: "{{ true }}"', body, "timeout: 25"))
    begun = w.clock.now()
    ended = w.go()
    assert ended.error["type"] == "timeout"
    assert w.clock.now() - begun <= 30


ASK = """
tasks:
  - {name: ask, action: core.inquiry, input: {prompt: "sure?"}, timeout: 1h, on_success: yes, on_timeout: late}
  - {name: yes, action: t.do, input: {what: "{{ task.ask.result.word }}"}}
  - {name: late, action: t.do}
output_map: "{{ task.yes.result.what }}"
""".replace(", input: {by: \"{{ result | default('') }}\", what", ", input: {what")


def test_an_answer_is_the_result_of_the_task_that_asked(world):
    w = world(ASK)
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 60)
    assert w.state(execution).status is ExecutionStatus.WAITING
    w.answer(execution, "ask", {"word": "go"})
    w.run()
    assert (w.ended(execution).output, w.runner.names()) == ("go", ["yes"])


def test_a_question_that_nobody_answers_times_out(world):
    assert world(ASK).go().ran == ["late"]


def test_an_event_that_matches_goes_to_the_task_that_waits_for_it(world):
    text = """
tasks:
  - {name: paid, action: core.wait_for_event, input: {event_type: Paid, filter: {order: 7}}, timeout: 24h}
output_map: "{{ task.paid.result.detail.amount }}"
"""
    w = world(text)
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 60)
    assert w.event({"id": "1", "detail-type": "Paid", "detail": {"order": 8, "amount": 1}}) == 0
    assert w.event({"id": "2", "detail-type": "Paid", "detail": {"order": 7, "amount": 2}}) == 1
    w.run()
    assert w.ended(execution).output == 2


def test_the_name_of_an_action_may_be_a_template(world):
    child = "ref: t.child\ntasks: [{name: inner, action: t.do}]\noutput_map: {child: true}"
    text = """
parameters: {names: {type: array}}
tasks:
  - {name: any, action: "{{ item }}", with_items: "{{ parameters.names }}", input: {n: 1}, on_failure: noop}
output_map: "{{ task.any.items }}"
"""
    items = world(text, child).go(names=["t.do", "core.noop", "t.child", "t.none"]).output
    assert [row["status"] for row in items] == ["completed", "completed", "completed", "failed"]
    assert [row["result"] for row in items] == [{"n": 1}, None, {"child": True}, None]
    assert items[3]["error"]["type"] == "unknown_action"


def test_a_loops_condition_that_cannot_be_rendered_fails_the_loop(world):
    ended = world(loop('while: "{{ vars.n.missing }}"')).go()
    assert (ended.status, ended.error["type"]) == (ExecutionStatus.FAILED, TemplateError.code)


def test_a_groups_retry_begins_it_anew_after_the_delay(world, fail):
    text = PARALLEL.replace("type: parallel\n", "type: parallel\n    retry: {count: 1, delay: 100}\n")
    w = world(text)
    begun = w.clock.now()

    def fails_at_first(attempt):
        if w.clock.now() < begun + 50:
            raise fail("not yet")
        return 1

    w.runner.script["database"] = fails_at_first
    ended = w.go()
    assert (ended.status, ended.output["abort"]) == (ExecutionStatus.COMPLETED, None)
    assert ended.ran.count("database") == 2
    assert w.clock.now() - begun >= 100


COUNTED = """[{name: a, action: t.do, on_success: both}, {name: b, action: t.do, on_success: both, on_failure: noop},
     {name: both, action: t.do, join: all, publish: [{n: "{{ vars.n + 1 }}"}]}]"""


def test_a_join_that_counts_counts_anew_in_each_round(world):
    ended = world(loop('while: "{{ vars.n < 3 }}"', COUNTED), takes={"b": 5}).go()
    assert (ended.status, ended.output) == (ExecutionStatus.COMPLETED, {"rounds": 3, "n": 3})
    assert [ended.ran.count(name) for name in ("a", "b", "both")] == [3, 3, 3]


def test_a_join_in_a_loop_that_cannot_fill_any_more_fails_the_loop(world, fail):
    ended = world(loop('while: "{{ vars.n < 3 }}"', COUNTED), script={"b": fail()}).go()
    assert (ended.status, ended.error["type"]) == (ExecutionStatus.FAILED, "unreachable_join")
