"""From YAML to the graph: what each way to write a transition means, and what is filled in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from attune.engine.built_ins import STARTS
from attune.exceptions import InvalidDefinition
from attune.language.checks import built_in_check
from attune.language.compiler import Compiled, compile_workflow, interface
from attune.language.source import load
from attune.model.action import ActionSpec, Runner, workflow_as_action
from attune.model.built_ins import TRAITS, BuiltIn
from attune.model.graph import Backoff, Graph, Join, JoinKind, Loop, RetryPolicy, Transition
from attune.model.status import TaskStatus
from attune.packs.loader import load_packs
from attune.packs.pack import catalogue

ROOT = Path(__file__).parents[3]
FIXTURES = ROOT / "tests" / "fixtures" / "packs"

C, F, T, S = TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.TIMED_OUT, TaskStatus.SKIPPED
NOOP = ActionSpec("core.noop", "core", runner=Runner.ENGINE, entry_point="noop")


def compiled(text: str, **actions: ActionSpec) -> Compiled:
    return compile_workflow(load(text, "p/workflows/w.yaml"), pack="p", actions={"core.noop": NOOP, **actions})


def graph_of(*tasks: str, head: str = "") -> Graph:
    """A graph of tasks given as flow mappings without their action."""
    lines = [f"  - {{action: core.noop, {task}}}" for task in tasks]
    return compiled("\n".join([head, "tasks:", *lines])).graph


def transitions(task: str) -> tuple[Transition, ...]:
    """The transitions of a task ``a`` beside which there are ``x``, ``y`` and ``z`` (1, 2 and 3)."""
    others = [f"{{action: core.noop, name: {name}}}" for name in "xyz"]
    text = f"tasks:\n  - name: a\n    action: core.noop\n{task}\n" + "".join(f"  - {other}\n" for other in others)
    return compiled(text).graph.tasks[0].transitions


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("    on_success: x", [Transition((C,), (1,), by_success=True)]),
        ("    on_success: [y, x, y]", [Transition((C,), (2, 1), by_success=True)]),
        ("    on_failure: x", [Transition((F, T), (1,))]),
        ("    on_failure: x\n    on_timeout: y\n    timeout: 5", [Transition((F,), (1,)), Transition((T,), (2,))]),
        ("    on_complete: x", [Transition((C, F, T), (1,))]),
        ("    when: 'true'\n    on_skip: x", [Transition((S,), (1,))]),
        ("    on_failure: fail", [Transition((F, T), fail=True)]),
        ("    on_failure: [x, fail]", [Transition((F, T), (1,), fail=True)]),
        ("    on_failure: noop", [Transition((F, T))]),
        ("    on_success:", []),
    ],
)
def test_on_something_is_a_transition(task: str, expected: list[Transition]) -> None:
    assert list(transitions(task)) == expected


def branch(target: int, when: str | None = None) -> Transition:
    return Transition((C,), (target,), when=when, decision=True, by_success=True)


@pytest.mark.parametrize("default", ["{default: y}", "{default: true, next: y}"])
def test_a_decision_takes_the_place_of_on_success_and_its_default_comes_last(default: str) -> None:
    written = f"    on_success: x\n    decision:\n      - {default}\n      - {{when: '{{{{ true }}}}', next: x}}"
    assert list(transitions(written)) == [branch(1, "{{ true }}"), branch(2)]


def test_a_decision_leaves_the_other_transitions_alone() -> None:
    written = "    decision: [{default: x}]\n    on_failure: y\n    on_complete: z"
    assert list(transitions(written)) == [branch(1), Transition((F, T), (2,)), Transition((C, F, T), (3,))]


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ("{do: x}", Transition((C, F, T), (1,))),
        ("{do: [x, y], when: '{{ result }}'}", Transition((C, F, T), (1, 2), when="{{ result }}", by_success=True)),
        ("{do: x, when: '{{ succeeded() }}'}", Transition((C, F, T), (1,), when="{{ succeeded() }}", by_success=True)),
        ("{do: x, when: '{{ failed() }}'}", Transition((C, F, T), (1,), when="{{ failed() }}")),
        ("{do: x, when: '{{ a.b if timed_out() else true }}'}", None),
        ("{publish: {v: 1}}", Transition((C, F, T), publish=(("v", 1),), handles=False)),
        ("{do: noop, publish: [v]}", Transition((C, F, T), publish=(("v", "{{ result }}"),))),
        ("{do: fail}", Transition((C, F, T), fail=True)),
    ],
)
def test_next_is_the_general_form(entry: str, expected: Transition | None) -> None:
    if expected is None:
        with pytest.raises(InvalidDefinition, match="there is no 'a' in templates"):
            transitions(f"    next: [{entry}]")
    else:
        assert transitions(f"    next: [{entry}]") == (expected,)


def test_next_and_on_something_add_up_in_order() -> None:
    found = transitions("    next: [{do: z}]\n    on_complete: y\n    on_success: x")
    assert [transition.targets for transition in found] == [(1,), (2,), (3,)]


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("{a: 1, b: '{{ result.x }}'}", (("a", 1), ("b", "{{ result.x }}"))),
        ("[{a: 1, b: 2}, {c: [3]}]", (("a", 1), ("b", 2), ("c", [3]))),
        ("[a, {b: null}]", (("a", "{{ result }}"), ("b", None))),
        ("a", (("a", "{{ result }}"),)),
    ],
)
def test_all_forms_of_publish_are_one(written: str, expected: tuple[tuple[str, Any], ...]) -> None:
    task = graph_of(f"name: a, publish: {written}, publish_on_failure: {written}").tasks[0]
    assert task.publish == task.publish_on_failure == expected


def test_defaults_of_the_workflow_reach_its_tasks() -> None:
    head = (
        "retry: {count: 2, delay: 1m, backoff: exponential, max_delay: 1h}\nconcurrency: 3\nmax_visits: 7\ntimeout: 24h"
    )
    graph = graph_of("name: a", "name: b, retry: {count: 1}, with_items: [1], max_visits: 9, timeout: 1.5", head=head)
    a, b = graph.tasks
    assert graph.timeout == 86_400
    assert a.retry == RetryPolicy(2, delay=60.0, backoff=Backoff.EXPONENTIAL, max_delay=3600.0)
    assert b.retry == RetryPolicy(1)
    assert (a.concurrency, b.concurrency) == (None, 3), "only for tasks with items"
    assert (a.max_visits, b.max_visits) == (7, 9)
    assert (a.timeout, b.timeout) == (None, 1.5), "a workflow's timeout is its own"


def test_joins() -> None:
    graph = graph_of(
        "name: a, on_success: [c, d, e, f]", "name: b, on_success: [c, d, e, f]",
        "name: c", "name: d, join: all", "name: e, join: 1", "name: f, join: each",
    )  # fmt: skip
    kinds = [Join(), Join(JoinKind.ALL), Join(JoinKind.COUNT, 1), Join(JoinKind.EACH)]
    assert [task.join for task in graph.tasks[2:]] == kinds
    assert {task.sources for task in graph.tasks[2:]} == {0b11}


def test_a_diamond_knows_its_sources_and_blockers() -> None:
    graph = graph_of("name: a, on_success: [b, c]", "name: b, on_success: d", "name: c, on_complete: d", "name: d")
    d = graph.by_name["d"]
    assert graph.entry == (0,)
    assert (d.sources, d.success_sources, d.blockers, d.is_join) == (0b110, 0b010, 0b111, True)


def test_loops_know_their_rounds() -> None:
    graph = graph_of("name: s, on_success: h", "name: h, on_success: b", "name: b, on_success: [h, e]", "name: e")
    h = graph.by_name["h"]
    assert (h.cycle_body, h.back_sources, h.blockers) == (0b100, 0b100, 0b001)


def test_ref_and_label_may_be_missing() -> None:
    graph = graph_of("name: a")
    assert (graph.ref, graph.label, graph.pack, graph.version) == ("p.w", "p.w", "p", "")


def test_everything_of_the_head_is_kept() -> None:
    text = """
ref: p.other
label: Other
description: What it does
version: "1.2"
tags: [x]
enabled: false
fail_fast: true
parameters: {n: {type: integer, default: 3}}
output: {total: {type: number, required: true}}
vars: {b: "{{ parameters.n }}", a: [1, "{{ vars.b }}"]}
tasks: [{name: a, action: core.noop}]
output_map: {total: "{{ vars.b }}"}
"""
    found = compiled(text)
    graph = found.graph
    assert not found.enabled
    assert (graph.ref, graph.label, graph.description, graph.version) == ("p.other", "Other", "What it does", "1.2")
    assert graph.fail_fast
    assert graph.vars == (("b", "{{ parameters.n }}"), ("a", [1, "{{ vars.b }}"])), "in the order written"
    assert graph.output_map == {"total": "{{ vars.b }}"}
    assert graph.output is not None and graph.output["required"] == ["total"]
    assert graph.parameters["properties"] == {"n": {"type": "integer", "default": 3}}


def test_flat_parameters_become_a_json_schema() -> None:
    text = """
parameters:
  name: {type: string, required: true, minLength: 2}
  token: {type: string, secret: true}
  size: {type: object, required: [w], properties: {w: {type: number}}}
  type: {type: string, enum: [a, b], default: a}
tasks: [{name: a, action: core.noop}]
"""
    assert compiled(text).graph.parameters == {
        "type": "object",
        "properties": {
            "name": {"type": "string", "minLength": 2},
            "token": {"type": "string", "writeOnly": True},
            "size": {"type": "object", "required": ["w"], "properties": {"w": {"type": "number"}}},
            "type": {"type": "string", "enum": ["a", "b"], "default": "a"},
        },
        "required": ["name"],
        "additionalProperties": False,
    }


def test_a_full_json_schema_stays_as_it_is() -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    assert (
        compiled(f"parameters: {json.dumps(schema)}\ntasks: [{{name: a, action: core.noop}}]").graph.parameters
        == schema
    )


def test_a_workflow_can_be_called_like_an_action() -> None:
    child = interface(load("parameters: {n: {type: integer, required: true}}\ntasks: broken\n", "child.yaml"), "p")
    assert (child.ref, child.runner, child.entry_point) == ("p.child", Runner.WORKFLOW, "p.child")
    assert child == workflow_as_action("p.child", "p", child.parameters)
    good = "tasks: [{name: a, type: workflow, action: p.child, input: {n: 1}}]"
    assert compiled(good, **{"p.child": child}).graph.tasks[0].spec == child
    with pytest.raises(InvalidDefinition, match=r"p\.child needs the input 'n'"):
        compiled("tasks: [{name: a, action: p.child}]", **{"p.child": child})


def test_a_graph_survives_being_stored() -> None:
    found = graph_of(
        "name: a, on_success: b, retry: {count: 1, on_error: '{{ error.type == 1 }}'}, join: each",
        "name: b, with_items: [1], batch_size: 2, tolerate_failures: 10%, publish: [x], next: [{do: a, publish: "
        "{y: 1}}]",
        "name: c, on_success: a",
        head="vars: {v: [1]}\nparameters: {p: {type: string}}",
    )
    assert Graph.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_the_deploy_example_compiles_without_a_word() -> None:
    actions = catalogue([*load_packs(ROOT / "packs"), *load_packs(FIXTURES)])
    path = FIXTURES / "my_pack" / "workflows" / "deploy_application.yaml"
    config = {"docker_registry": "r.example"}
    found = compile_workflow(load(path.read_bytes(), str(path)), pack="my_pack", actions=actions, pack_config=config)
    graph = found.graph
    names = lambda members: {task.name for task in graph.tasks if members >> task.index & 1}  # noqa: E731
    assert found.problems == ()
    assert [graph.tasks[number].name for number in graph.entry] == ["create_deployment"]
    rollback = graph.by_name["rollback_deployment"]
    assert names(rollback.sources) == {"deploy_containers", "wait_for_ready", "health_check"}
    assert rollback.success_sources == 0
    assert names(graph.by_name["cleanup_deployment"].sources) == {"build_image", "rollback_deployment"}
    assert not any(task.cycle_body for task in graph.tasks)


GROUPS = """
parameters: {env: {type: string}}
tasks:
  - {name: begin, action: core.noop, on_success: checks}
  - name: checks
    type: parallel
    when: "{{ parameters.env }}"
    timeout: 60
    retry: {count: 1}
    publish: [{first: "{{ result.database }}"}]
    tasks:
      - {name: database, action: core.noop, retry: {count: 2}, publish: [db]}
      - name: inner
        type: parallel
        tasks: [{name: one, action: core.noop, with_items: [1, 2]}, {name: two, action: core.noop}]
      - {name: queue, action: core.noop, when: "{{ parameters.env == 'x' }}", timeout: 5}
    on_success: poll
    on_skip: poll
    on_failure: fail
  - name: poll
    type: loop
    until: "{{ task.look.result.done }}"
    max_iterations: 50
    max_visits: 2
    tasks:
      - {name: look, action: core.noop, on_success: [left, right]}
      - {name: left, action: core.noop, on_complete: meet}
      - {name: right, action: core.noop, on_complete: meet}
      - {name: meet, action: core.noop, max_visits: 3}
      - {name: aside, action: core.noop}
    on_success: end
  - {name: end, action: core.noop, input: {a: "{{ task.checks.result.inner.two }}{{ task.poll.result.iterations }}"}}
"""


def test_groups_lie_flat_in_the_graph_before_their_members() -> None:
    graph = compiled(GROUPS).graph
    names = [
        "begin",
        "checks",
        "database",
        "inner",
        "one",
        "two",
        "queue",
        "poll",
        "look",
        "left",
        "right",
        "meet",
        "aside",
        "end",
    ]
    assert [task.name for task in graph.tasks] == names
    members = {task.name: [names[number] for number in task.members] for task in graph.tasks if task.members}
    assert members == {
        "checks": ["database", "inner", "queue"],
        "inner": ["one", "two"],
        "poll": ["look", "left", "right", "meet", "aside"],
    }
    starts = {task.name: [names[number] for number in task.starts] for task in graph.tasks if task.starts}
    assert starts == {**members, "poll": ["look", "aside"]}
    groups = {name: task.group is not None and names[task.group] for name, task in graph.by_name.items()}
    assert groups == {
        name: next((group for group, inside in members.items() if name in inside), False) for name in names
    }
    assert [names[number] for number in graph.entry] == ["begin"]


def test_a_group_is_a_task_of_its_own() -> None:
    graph = compiled(GROUPS).graph
    checks, poll = graph.by_name["checks"], graph.by_name["poll"]
    assert (checks.action, checks.spec, checks.loop, checks.timeout, checks.retry) == (
        "",
        None,
        None,
        60,
        RetryPolicy(1),
    )
    assert poll.loop == Loop("{{ task.look.result.done }}", negated=True, after=True, max_iterations=50)
    assert checks.transitions == (
        Transition((C,), (poll.index,), by_success=True),
        Transition((F, T), fail=True),
        Transition((S,), (poll.index,)),
    )


def test_the_edges_of_members_stay_inside_of_their_group() -> None:
    graph = compiled(GROUPS).graph
    bit = lambda *names: sum(1 << graph.by_name[name].index for name in names)  # noqa: E731
    meet, end = graph.by_name["meet"], graph.by_name["end"]
    assert (meet.sources, meet.blockers, meet.is_join) == (bit("left", "right"), bit("look", "left", "right"), True)
    assert end.blockers == bit("begin", "checks", "poll")
    assert graph.by_name["look"].sources == graph.by_name["database"].sources == 0


def test_members_may_be_visited_in_every_round_of_every_visit_of_their_group() -> None:
    graph = compiled(GROUPS).graph
    visits = {name: graph.by_name[name].max_visits for name in ("poll", "look", "meet", "two", "checks")}
    assert visits == {"poll": 2, "look": 100 * 50 * 2, "meet": 3 * 50 * 2, "two": 100**3, "checks": 100}


def test_a_workflows_retry_is_for_actions_and_not_for_the_groups_around_them() -> None:
    graph = graph_of("name: z", head="retry: {count: 3}")
    assert graph.tasks[0].retry == RetryPolicy(3)
    text = "retry: {count: 3}\ntasks: [{name: g, type: parallel, tasks: [{name: a, action: core.noop}]}]"
    assert [task.retry for task in compiled(text).graph.tasks] == [None, RetryPolicy(3)]


def test_a_while_loop_is_looked_at_before_each_round() -> None:
    text = """
tasks:
  - {name: l, type: loop, while: "{{ vars.more }}", tasks: [{name: a, action: core.noop}]}
vars: {more: true}
"""
    assert compiled(text).graph.tasks[0].loop == Loop("{{ vars.more }}", max_iterations=1000)


def test_groups_survive_being_stored() -> None:
    found = compiled(GROUPS).graph
    assert Graph.from_dict(json.loads(json.dumps(found.to_dict()))) == found


def test_an_action_may_be_named_by_a_template() -> None:
    text = """
parameters: {which: {type: string}}
tasks: [{name: a, action: "demo.{{ parameters.which }}", input: {anything: 1}}]
"""
    found = compiled(text)
    assert found.problems == ()
    assert (found.graph.tasks[0].action, found.graph.tasks[0].spec) == ("demo.{{ parameters.which }}", None)


def test_a_sub_workflow_may_be_named_by_either_key() -> None:
    child = workflow_as_action("p.child", "p", {})
    for key in ("action", "workflow"):
        task = compiled(f"tasks: [{{name: a, type: workflow, {key}: p.child}}]", **{"p.child": child}).graph.tasks[0]
        assert (task.action, task.spec) == ("p.child", child)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (
            "{approved: {type: boolean, required: true}}",
            {
                "type": "object",
                "properties": {"approved": {"type": "boolean"}},
                "required": ["approved"],
                "additionalProperties": False,
            },
        ),
        ("{type: boolean}", {"type": "boolean"}),
        ("'{{ vars.s }}'", "{{ vars.s }}"),
    ],
)
def test_an_inquirys_flat_schema_becomes_a_json_schema(written: str, expected: Any) -> None:
    text = f"vars: {{s: {{}}}}\ntasks: [{{name: a, action: core.inquiry, input: {{prompt: Ok?, schema: {written}}}}}]"
    core = catalogue(load_packs(ROOT / "packs"))
    assert compiled(text, **core).graph.tasks[0].input == {"prompt": "Ok?", "schema": expected}


def test_each_built_in_has_its_traits_its_start_and_its_action_in_the_core_pack() -> None:
    """A new one that is forgotten in one of these places would be found by a user only."""
    files = catalogue(load_packs(ROOT / "packs")).values()
    in_core = {spec.entry_point for spec in files if spec.runner is Runner.ENGINE}
    assert set(BuiltIn) == set(TRAITS) == set(STARTS) == in_core
    assert set(built_in_check.CHECKS) <= set(BuiltIn)


PARALLEL = """
tasks:
  - name: parallel_checks
    type: parallel
    tasks:
      - name: check_database
        action: core.noop
      - name: check_redis
        action: core.noop
      - name: check_rabbitmq
        action: core.noop
    # All parallel tasks must complete before proceeding
    on_success: deploy_app
    on_failure: abort_deployment
  - {name: deploy_app, action: core.noop}
  - {name: abort_deployment, action: core.noop}
"""
