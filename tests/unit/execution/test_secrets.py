"""kv.get, kv.get_secret and secret parameters in the simulator: who knows what, and what is said when it cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.conftest import World

from attune.adapters.memory.cloud import TASKS
from attune.exceptions import InvalidParameters, TemplateError, Unavailable
from attune.execution.retrier import ExecutionRetrier
from attune.expressions import templates
from attune.expressions.key_values import KeyValues
from attune.model.secrets import Secrets, public, sealed

SECRET = "hunter22-that-nobody-knows"


def made(text: str, *more: str, **script: Any) -> World:
    world = World(text, *more, script=script)
    world.values.put("url", "http://here")
    world.values.put("flags", {"new": True})
    world.values.put("null", None)
    world.secrets.put("api", SECRET)
    return world


def task(given: str, *, more: str = "") -> str:
    return f"tasks:\n  - name: a\n    action: t.do\n    input: {given}\n{more}\noutput_map: '{{{{ task.a.result }}}}'\n"


def overheard(world: World) -> list[str]:
    """Everything that will come over a queue of this world."""
    sent: list[str] = []
    envelopes, tasks = world.cloud.on_messages, world.cloud.on_tasks

    def on_messages(execution: str, batch: Any) -> int:
        sent.extend(map(repr, batch))
        return envelopes(execution, batch)

    def on_tasks(batch: Any) -> list[int]:
        sent.extend(map(repr, batch))
        return tasks(batch)

    world.cloud.on_messages, world.cloud.on_tasks = on_messages, on_tasks
    return sent


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("kv.get('url')", "http://here"),
        ("kv.get('flags').new", True),
        ("kv.get('null')", None),
        ("kv.get('u' ~ 'rl')", "http://here"),
        ("kv.get(kv.get('null') is none ? 'url' : 'x')", "http://here"),
        ("kv.get('missing', default=7)", 7),
        ("kv.get('missing', 'text')", "text"),
        ("kv.get('missing', default=none)", None),
        ("kv.get('missing') | default(3)", 3),
        ("kv.get('missing') is defined", False),
    ],
)
def test_values_are_read_wherever_there_are_templates(expression: str, value: Any) -> None:
    template = json.dumps(f"{{{{ {expression} }}}}")
    text = f"vars: {{early: {template}}}\n"
    ended = made(text + task(f'{{x: {template}, y: "{{{{ vars.early }}}}"}}')).go()
    assert (ended.status, ended.output) == ("completed", {"x": value, "y": value})


def test_a_missing_key_fails_the_task_and_names_the_nearest_one() -> None:
    world = made(task("{x: \"{{ kv.get('ulr') }}\"}"))
    ended = world.go()
    assert ended.error["type"] == "template_error"
    assert "is not defined: there is no such key in the key-value store" in ended.error["message"]
    assert "did you mean 'url'?" in json.dumps(list(world.store.items.values()))


def test_in_output_map_a_missing_key_is_null() -> None:
    world = made("tasks: [{name: a, action: core.noop}]\noutput_map: {x: \"{{ kv.get('nothing') }}\", y: 1}\n")
    assert world.go().output == {"x": None, "y": 1}


def test_a_key_must_be_text() -> None:
    ended = made(task('{x: "{{ kv.get(1) }}"}')).go()
    assert "the key of kv.get must be text, not a number" in ended.error["message"]


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        ("{x: \"{{ kv.get_secret('api') }}\"}", {"x": SECRET}),
        (
            '{x: ["Bearer {{ kv.get_secret(\'a\' ~ vars.rest) }}"], y: "{{ vars.rest }}"}',
            {"x": [f"Bearer {SECRET}"], "y": "pi"},
        ),
        (
            "{x: {\"{{ vars.rest }}\": \"{{ kv.get('url') }}/{{ kv.get_secret('api') }}\"}}",
            {"x": {"pi": f"http://here/{SECRET}"}},
        ),
        ('{x: "{{ parameters.token.key }}", y: "{{ parameters.n }}"}', {"x": "p4rameter", "y": 1}),
        ('{x: "{{ parameters }}"}', {"x": {"n": 1, "token": {"key": "p4rameter"}}}),
        ('{x: "{{ parameters[vars.name] | to_json }}"}', {"x": '{"key":"p4rameter"}'}),
        ("{x: \"{% set k = kv %}{{ k.get_secret('api') }}\"}", {"x": SECRET}),
    ],
)
def test_the_action_gets_the_secret_and_nothing_else_of_the_world_does(given: str, seen: Any) -> None:
    head = "parameters: {n: {type: integer}, token: {type: object, secret: true}}\nvars: {rest: pi, name: token}\n"
    world = made(head + task(given))
    sent = overheard(world)
    ended = world.go(n=1, token={"key": "p4rameter"})
    assert ended.status == "completed", ended.error
    assert world.runner.ran[0].input == seen
    assert len(sent) == 3, "a start, an attempt, its end"
    everything = json.dumps([*world.store.items.values(), *map(repr, world.cloud.events), *sent])
    for secret in (SECRET, "p4rameter"):
        assert secret not in everything
    assert "***" in json.dumps(ended.output)


def test_every_item_has_its_own_secret_and_attempts_are_tried_again_with_the_secret_of_then(fail: Any) -> None:
    def answer(attempt: Any) -> Any:
        if attempt.number == 1 and attempt.index == 1:
            world.secrets.put("b", "changed-meanwhile")
            return fail(f"not with {attempt.input['x']}")
        return {"length": len(attempt.input["x"])}

    text = task('{x: "{{ kv.get_secret(item) }}"}', more="    with_items: [a, b]\n    retry: {count: 1, delay: 1h}\n")
    world = made(text, a=answer)
    world.secrets.put("a", "secret of a")
    world.secrets.put("b", "secret of b")
    ended = world.go()
    assert ended.output == [{"length": 11}, {"length": 17}]
    assert [attempt.input["x"] for attempt in world.runner.ran] == ["secret of a", "secret of b", "changed-meanwhile"]
    assert "not with ***" in json.dumps(list(world.store.items.values()))


def test_a_secret_that_is_not_there_fails_the_task_and_says_so() -> None:
    ended = made(task("{x: \"{{ kv.get_secret('ap') }}\"}")).go()
    assert (ended.error["type"], ended.error["retryable"]) == ("template_error", False)
    assert "there is no secret 'ap'" in ended.error["message"]
    assert ended.ran == []


def test_an_error_of_a_template_does_not_tell_the_secret() -> None:
    ended = made(task("{x: \"{{ {'a': 1}[kv.get_secret('api')] }}\"}")).go()
    assert "has no '***'" in ended.error["message"]
    assert SECRET not in json.dumps(ended.error)


def test_while_secrets_cannot_be_had_the_attempt_waits_unclaimed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = made(task("{x: \"{{ kv.get_secret('api') }}\"}"))
    real, asked = world.secrets.get, []

    def get(name: str) -> str:
        asked.append(name)
        if len(asked) < 3:
            raise Unavailable("Secrets Manager did not answer")
        return real(name)

    monkeypatch.setattr(world.secrets, "get", get)
    begun = world.clock.now()
    assert world.go().status == "completed"
    assert world.clock.now() - begun == pytest.approx(2 * TASKS.visibility)


CHILD = """ref: t.child
parameters: {token: {type: string, secret: true, minLength: 20}, name: {type: string, default: x}}
tasks:
  - {name: below, action: t.do, input: {x: "{{ parameters.token }}"}}
output_map: "{{ task.below.result.x }}"
"""
"""Every workflow of a World is an action that takes anything: the validator sees no secret parameter here."""


def parent(given: str) -> str:
    return f"""ref: t.parent
parameters: {{key: {{type: string, secret: true}}}}
tasks:
  - {{name: call, action: "t.{{{{ 'child' }}}}", input: {given}}}
output_map: "{{{{ task.call.result }}}}"
"""


def test_a_secret_parameter_goes_on_to_one_that_is_secret_unopened() -> None:
    world = made(parent('{token: "{{ parameters.key }}"}'), CHILD)
    ended = world.go("t.parent", key="a key of the parent")
    assert (ended.status, ended.output) == ("completed", "***"), ended.error
    assert world.runner.ran[0].input == {"x": "a key of the parent"}
    assert "a key of the parent" not in json.dumps(list(world.store.items.values()))


@pytest.mark.parametrize(
    ("given", "code", "message"),
    [
        ('{name: "{{ parameters.key }}"}', "template_error", "a secret cannot be passed to the workflow 't.child'"),
        ('{token: "x{{ parameters.key }}"}', "template_error", "a secret cannot be passed to the workflow 't.child'"),
        ("{token: \"{{ kv.get_secret('api') }}\"}", "template_error", "a secret cannot be passed to the workflow"),
        (
            "{token: a value in the open}",
            "invalid_parameters",
            "a parent can only pass one of its own secret parameters",
        ),
    ],
)
def test_nothing_else_passes_between_parent_and_child(given: str, code: str, message: str) -> None:
    ended = made(parent(given), CHILD).go("t.parent", key="a key of the parent")
    assert (ended.status, ended.error["type"]) == ("failed", code)
    assert message in ended.error["message"]


def test_where_the_engine_would_have_to_know_a_secret_it_says_that_it_does_not() -> None:
    """The validator refuses such templates; this is for those that are put together when they are rendered."""
    scope = {"kv": KeyValues(lambda key: None, list)}
    with pytest.raises(TemplateError, match=r"kv.get_secret works only in the input of a task that a worker runs"):
        templates.render("{{ kv.get_secret('api') }}", scope)


def test_parameters_that_do_not_fit_are_told_without_the_secret() -> None:
    schema = """
parameters:
  type: object
  properties:
    token: {type: string, writeOnly: true, maxLength: 5}
    api-key: {type: string, writeOnly: true, pattern: "^x"}
    n: {type: integer}
  additionalProperties: false
  maxProperties: 3
tasks: [{name: a, action: core.noop}]
"""
    with pytest.raises(InvalidParameters) as refused:
        made(schema).go(**{"token": SECRET, "api-key": "pin", "n": "x", "more": 1})
    said = json.dumps(refused.value.to_dict())
    assert SECRET not in said
    assert "'pin'" not in said
    paths = {row["path"]: row["message"] for row in refused.value.errors if row["path"] != "$"}
    assert set(paths) == {"$.token", "$['api-key']", "$.n"}
    assert "'x' is not of type 'integer'" in paths["$.n"]


def test_a_secret_input_of_an_action_is_kept_out_of_its_record() -> None:
    world = made(task('{password: "{{ vars.open }}", user: me}').replace("tasks:", "vars: {open: open-sesame}\ntasks:"))
    spec = world.catalog.workflow("t.w").graph.tasks[0].spec
    object.__setattr__(spec, "parameters", {"type": "object", "properties": {"password": {"writeOnly": True}}})
    assert world.go().output == {"password": "***", "user": "me"}
    records = [record for owner in world.store.executions() for _, record in world.store.records(owner)]
    assert [record["input"] for record in records] == [{"password": "***", "user": "me"}]


def test_what_is_sealed_is_shown_as_stars_only() -> None:
    assert public({"a": [sealed("x")], "b": {"attune:sealed": 1}}) == {"a": ["***"], "b": {"attune:sealed": 1}}


def test_secrets_of_a_schema_are_its_write_only_properties_at_any_depth() -> None:
    inner = {"properties": {"deep": {"writeOnly": True}, "open": {}}}
    secrets = Secrets({"properties": {"a": {"writeOnly": True}, "b": inner}})
    values = {"a": 1, "b": {"deep": None, "open": 2}}
    assert secrets.of(values) == {("a",): 1}, "null is no secret"
    assert secrets.hidden({"b": {"deep": 3}}) == {"b": {"deep": "***"}}


def test_a_sealed_parameter_that_cannot_be_opened_fails_the_task() -> None:
    world = made("parameters: {token: {type: string, secret: true}}\n" + task('{x: "{{ parameters.token }}"}'))
    execution = world.start("t.w", {"token": "p4rameter"})
    world.secrets.opened.clear()
    world.run()
    ended = world.ended(execution)
    assert (ended.status, ended.error["type"]) == ("failed", "template_error")
    assert "a secret parameter cannot be opened" in ended.error["message"]
    assert ended.ran == []


def test_what_is_no_json_is_not_sent_along_to_the_worker() -> None:
    """The validator refuses it; nothing may park an execution all the same."""
    world = made(task("{x: \"{{ kv.get_secret('api') ~ failed }}\"}").replace("failed }}", "parameters.n }}"))
    spec = world.catalog.workflow("t.w").graph.tasks[0]
    object.__setattr__(spec, "input", {"x": "{{ kv.get_secret('api') ~ failed }}"})
    ended = world.go()
    assert (ended.status, ended.error["type"]) == ("failed", "template_error")


def test_a_retry_may_bring_another_secret_which_is_sealed_too(fail: Any) -> None:
    def answer(attempt: Any) -> Any:
        return fail("wrong") if attempt.input["x"] == "p4rameter" else {"ok": True}

    head = "parameters: {n: {type: integer}, token: {type: string, secret: true, minLength: 5}}\n"
    world = made(head + task('{x: "{{ parameters.token }}"}'), a=answer)
    execution = world.go(n=1, token="p4rameter").execution
    retrier = ExecutionRetrier(
        store=world.store, catalog=world.catalog, mailbox=world.cloud, clock=world.clock, sealer=world.secrets
    )
    for wrong in ("pin", sealed(f"{execution}/0")):
        with pytest.raises(InvalidParameters, match="not shown"):
            retrier.retry(execution, parameters={"token": wrong})
    retrier.retry(execution, parameters={"token": "another-one"})
    world.run()
    assert world.ended(execution).output == {"ok": True}
    assert world.runner.ran[-1].input == {"x": "another-one"}
    assert "another-one" not in json.dumps(list(world.store.items.values()))


def test_nobody_but_a_parent_passes_what_is_sealed() -> None:
    world = made("parameters: {token: {type: string, secret: true}}\n" + task('{x: "{{ parameters.token }}"}'))
    with pytest.raises(InvalidParameters, match="not shown"):
        world.start("t.w", {"token": sealed("somebody/0")})
