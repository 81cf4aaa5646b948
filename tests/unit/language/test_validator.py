"""Deliberately broken workflows, and exactly what is said about them."""

from __future__ import annotations

import pytest

from attune.exceptions import InvalidDefinition, Severity
from attune.language.checks.scopes import SYSTEM
from attune.language.compiler import compile_workflow
from attune.language.source import load
from attune.model.action import ActionSpec, Runner

ECHO = {
    "type": "object",
    "properties": {"message": {"type": "string"}, "times": {"type": "integer", "default": 1}},
    "required": ["message", "times"],
    "additionalProperties": False,
}
ACTIONS = {
    "core.noop": ActionSpec("core.noop", "core", runner=Runner.ENGINE, entry_point="noop"),
    "core.echo": ActionSpec("core.echo", "core", runner=Runner.PYTHON, entry_point="core.py:echo", parameters=ECHO),
    "p.any": ActionSpec("p.any", "p", runner=Runner.PYTHON, entry_point="p.py:any"),
    "p.child": ActionSpec("p.child", "p", runner=Runner.WORKFLOW, entry_point="p.child"),
}


def said(text: str) -> list[str]:
    """``line:column severity message (hint) [code]`` of each problem."""
    source = load(text, "f")
    try:
        problems = list(compile_workflow(source, pack="p", actions=ACTIONS, pack_config={"region": 1}).problems)
    except InvalidDefinition as error:
        problems = error.problems
    return [str(problem).removeprefix("f:").replace(": ", " ", 1) for problem in problems]


def one(text: str) -> str:
    found = said(text)
    assert len(found) == 1, found
    return found[0]


def task(*lines: str) -> str:
    """A workflow of a task ``a`` (with these lines, from line 4) and a task ``b``."""
    body = "".join(f"    {line}\n" for line in lines)
    return f"tasks:\n  - name: a\n    action: p.any\n{body}  - {{name: b, action: core.noop}}\n"


def test_a_good_workflow_leaves_nothing_to_say() -> None:
    assert said(task("on_success: b")) == []


MODEL = [
    ("x: 1\n" + task(), "1:1 error: unknown key 'x' (known keys: ref, label, description, version, parameters, output, "
     "vars, tasks, output_map, tags, enabled, timeout, retry, concurrency, fail_fast, max_visits) [unknown-key]"),
    (task("on_sucess: b"), "4:5 error: unknown key 'on_sucess' (did you mean 'on_success'?) [unknown-key]"),
    (task("retry: {count: 1, delai: 2}"), "4:23 error: unknown key 'delai' (did you mean 'delay'?) [unknown-key]"),
    (task("retry: {delay: 2}"), "4:12 error: the key 'count' is missing [missing-key]"),
    (task("retry: {count: 0}"), "4:20 error: 'count' must be at least 1, not 0 [bad-value]"),
    (task("retry: {count: 101}"), "4:20 error: 'count' must be at most 100, not 101 [bad-value]"),
    (task("retry: {count: 2.5}"), "4:20 error: 'count' must be a whole number, not a number [bad-value]"),
    (task("retry: {count: true}"), "4:20 error: 'count' must be a whole number, not a boolean [bad-value]"),
    (task("retry: 3"), "4:12 error: 'retry' must be a mapping, not a number [bad-value]"),
    (task("retry: {count: 1, backoff: linaer}"), "4:32 error: 'backoff' must be 'constant', 'linear' or 'exponential', "
     "not 'linaer' (did you mean 'linear'?) [bad-value]"),
    (task("retry: {count: 1, jitter: yes}"), "4:31 error: 'jitter' must be true or false, not text [bad-value]"),
    (task("timeout: soon"), "4:14 error: 'timeout' is wrong: 'soon' is not a length of time: use seconds or a "
     "form like "
     "'90s', '5m', '24h', '1h30m' [bad-value]"),
    (task("timeout: 0"), "4:14 error: 'timeout' must be longer than 0 s [bad-value]"),
    (task("timeout: -1"), "4:14 error: 'timeout' is wrong: -1 is outside 0 s to 366 d [bad-value]"),
    (task("input: [1]"), "4:12 error: 'input' must be a mapping, not a list [bad-value]"),
    (task("input: '{{ vars.x }}'"), "4:12 error: 'input' must be a mapping, not text [bad-value]"),
    (task("on_success: {b: 1}"), "4:17 error: 'on_success' must be the name of a task or a list of names [bad-value]"),
    (task("on_success: [b, 3]"), "4:17 error: 'on_success' must be the name of a task or a list of names [bad-value]"),
    (task("publish: 5"), "4:14 error: 'publish' must be a mapping of names to templates, or a list of mappings "
     "and names "
     "[bad-value]"),
    (task("with_items: regions"), "4:17 error: 'with_items' must be a list, a mapping or a template that gives one "
     "[bad-value]"),
    (task("join: some"), "4:11 error: 'join' must be 'all', 'each' or a number of at least 1 [bad-value]"),
    (task("with_items: [1]", "tolerate_failures: 110%"), "5:24 error: 'tolerate_failures' must be a number of "
     "at least 0, "
     "or a share like '10%' [bad-value]"),
    (task("with_items: [1]", "batch_size: 0"), "5:17 error: 'batch_size' must be at least 1, not 0 [bad-value]"),
    (task("when: 5"), "4:11 error: 'when' must be a condition, a template like '{{ vars.ready }}', not a number "
     "[bad-value]"),
    (task("next: b"), "4:11 error: 'next' must be a list, not text [bad-value]"),
    (task("type: paralel"), "4:11 error: 'type' must be 'action', 'workflow', 'parallel' or 'loop', not "
     "'paralel' "
     "(did you mean 'parallel'?) [bad-value]"),
    ("tasks: [{name: a, type: parallel}]", "1:9 error: a task of type 'parallel' needs 'tasks' [missing-key]"),
    ("version: 1.0\n" + task(), "1:10 error: 'version' must be text, not a number (put it in quotes) [bad-value]"),
    ("enabled: on\n" + task(), "1:10 error: 'enabled' must be true or false, not text [bad-value]"),
    ("tags: [1]\n" + task(), "1:8 error: entry 1 of 'tags' must be text, not a number (put it in quotes) [bad-value]"),
    ("label: x\n", "1:1 error: the key 'tasks' is missing [missing-key]"),
    ("tasks: []\n", "1:8 error: 'tasks' must not be empty [bad-value]"),
    ("tasks: 5\n", "1:8 error: 'tasks' must be a list, not a number [bad-value]"),
    ("tasks: [{action: core.noop}]\n", "1:9 error: the key 'name' is missing [missing-key]"),
    ("tasks: [a]\n", "1:9 error: entry 1 of 'tasks' must be a mapping, not text [bad-value]"),
    ("ref: a b\n" + task(), "1:6 error: 'a b' cannot be a ref (a ref is written pack.name, with letters, "
     "digits, _ and -, "
     "and at most 200 characters) [bad-ref]"),
    ("ref: q.w\n" + task(), "1:6 error: the ref 'q.w' does not begin with its pack, 'p' [bad-ref]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), MODEL)
def test_wrong_values_are_explained_without_jargon(text: str, expected: str) -> None:
    assert one(text) == expected


SCHEMAS = [
    ("parameters: {n: {type: str}}\n", "1:24 error: there is no type 'str' (did you mean 'string'?) [bad-schema]"),
    ("parameters: {n: 5}\n", "1:17 error: the parameter 'n' must be described by a mapping (write n: {type: string}) "
     "[bad-parameter]"),
    ("parameters: {n: {required: yes}}\n", "1:28 error: 'required' must be true or false [bad-parameter]"),
    ("parameters: {n: {type: integer, default: x}}\n", "1:42 error: the default does not fit: 'x' is not of type "
     "'integer' [bad-default]"),
    ("parameters: {n: {minLength: x}}\n", "1:17 error: not a valid JSON Schema: $.minLength: 'x' is not of type "
     "'integer' "
     "[bad-schema]"),
    ("output: {type: object, properties: {a: {type: [1]}}}\n", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SCHEMAS)
def test_wrong_schemas(text: str, expected: str | None) -> None:
    found = one(text + task())
    assert found == expected if expected else found.endswith("[bad-schema]")


GRAPH = [
    (task("on_success: c"), "4:17 error: there is no task 'c' [unknown-target]"),
    (task("on_failure: [b, bb]"), "4:21 error: there is no task 'bb' (did you mean 'b'?) [unknown-target]"),
    (task("next: [{do: nop}]"), "4:17 error: there is no task 'nop' (did you mean 'noop'?) [unknown-target]"),
    (task("decision: [{default: q}]"), "4:26 error: there is no task 'q' [unknown-target]"),
    (task("decision: [{default: true, next: q}]"), "4:38 error: there is no task 'q' [unknown-target]"),
    (task("decision: [{default: b}]", "on_success: q"), None),
    ("tasks:\n- {name: a, action: core.noop}\n- {name: a, action: core.noop}\n",
     "3:10 error: there already is a task 'a', on line 2 [duplicate-name]"),
    ("tasks: [{name: fail, action: core.noop}]", "1:16 error: 'fail' is a reserved target; a task cannot have "
     "that name "
     "[reserved-name]"),
    ("tasks: [{name: 1a, action: core.noop}]", "1:16 error: '1a' cannot be the name of a task (letters, digits, "
     "_ and -, "
     "not beginning with a digit or -, at most 128) [bad-name]"),
    ("tasks: [{name: a.b, action: core.noop}]", None),
    (f"tasks: [{{name: {'a' * 129}, action: core.noop}}]", None),
    ("tasks:\n- {name: a, action: core.noop, on_success: b}\n- {name: b, action: core.noop, on_success: a}\n",
     "1:1 error: no task can start, since each follows another: a → b → a (add a task that leads into the loop) "
     "[no-entry]"),
    (task("join: 2"), "4:11 error: task 'a' waits for 2 source tasks, but has 0 [join-too-large]"),
    (task("join: all"), "4:5 warning: task 'a' has fewer than two sources, so its join means nothing [needless-join]"),
    (task("batch_size: 2"), "4:5 error: 'batch_size' means nothing without 'with_items' [needs-with-items]"),
    (task("concurrency: 2"), "4:5 error: 'concurrency' means nothing without 'with_items' [needs-with-items]"),
    (task("on_timeout: b"), "4:5 warning: task 'a' has no timeout, so its on_timeout never fires (give it a 'timeout') "
     "[no-timeout]"),
    (task("when: 'true'", "on_complete: b"), "4:5 warning: when task 'a' is skipped, nothing after it runs (say what "
     "follows with 'on_skip') [no-on-skip]"),
    (task("tasks: []"), "4:12 error: 'tasks' must not be empty [bad-value]"),
    (task("decision: [{when: '{{ true }}', next: b}]"), "4:5 warning: the decision of task 'a' has no default: "
     "where no "
     "branch holds, nothing follows (add '- default: noop' if that is meant) [no-default]"),
    (task("decision: [{default: b}, {default: noop}]"), "4:30 error: a decision has one default [bad-branch]"),
    (task("decision: [{default: b}, {when: '{{ true }}'}]"), "4:30 error: a branch needs 'when' and 'next', or "
     "'default' "
     "[bad-branch]"),
    (task("decision: [{default: b, when: 'true'}]"), "4:16 error: a branch has 'when' or 'default', not both "
     "[bad-branch]"),
    (task("decision: [{default: b, next: b}]"), "4:16 error: a branch has 'default: task' or 'next', not both "
     "[bad-branch]"),
    (task("decision: [{default: true}]"), "4:16 error: 'default: true' needs 'next' [bad-branch]"),
    (task("decision: [{default: noop}]", "on_success: b"), "5:5 warning: task 'a' has a decision, which takes "
     "the place "
     "of its on_success (make it a branch of the decision) [replaced-on-success]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), GRAPH)
def test_wrong_graphs(text: str, expected: str | None) -> None:
    if expected is None:
        assert any("error" in found for found in said(text))
    else:
        assert one(text) == expected


def test_tasks_that_only_a_loop_reaches_are_named_with_it() -> None:
    text = """tasks:
- {name: a, action: core.noop}
- {name: x, action: core.noop, on_success: [y, z]}
- {name: y, action: core.noop, on_success: x}
- {name: z, action: core.noop}
"""
    hint = "(it is only reached from the loop x → y → x) [unreachable-task]"
    assert said(text) == [
        f"{line}:10 error: no task that can start leads to '{name}' {hint}"
        for line, name in [(3, "x"), (4, "y"), (5, "z")]
    ]


def test_a_source_that_fires_early_is_pointed_out() -> None:
    text = """tasks:
- {name: a, action: core.noop, on_success: [b, c]}
- {name: b, action: core.noop, on_success: c}
- {name: c, action: core.noop}
"""
    assert one(text) == (
        "4:10 warning: task 'c' is fired early by 'a', which also leads to its other source 'b' (it will run "
        "once, at the "
        "end; say 'join: each' to run it each time) [early-arrival]"
    )
    apart = text.replace("core.noop, on_success: [b, c]", "p.any, on_success: b, on_failure: c")
    assert said(apart) == [], "these exclude each other"
    assert said(text.replace("name: c,", "name: c, join: each,")) == []


def test_counted_joins_behind_join_each_are_pointed_out() -> None:
    text = """tasks:
- {name: a, action: core.noop, on_success: c}
- {name: b, action: core.noop, on_success: [c, d]}
- {name: c, action: core.noop, on_success: d, join: each}
- {name: d, action: core.noop, join: all}
"""
    assert "[join-after-each]" in one(text)


CALLS = [
    ("tasks: [{name: a}]", "1:9 error: task 'a' has no 'action' [missing-action]"),
    ("tasks: [{name: a, action: core.ehco}]", "1:27 error: there is no action 'core.ehco' (did you mean 'core.echo'?) "
     "[unknown-action]"),
    ("tasks: [{name: a, action: '{{ vars.x }}'}]", "1:27 error: there is no variable 'x' (declare it under "
     "'vars', or publish it) [unknown-var]"),
    ("tasks: [{name: a, action: 'demo.{{ 1 + }}'}]", None),
    ("tasks: [{name: a, type: workflow, action: core.noop}]", "1:43 error: 'core.noop' is an action, not a workflow "
     "[not-a-workflow]"),
    ("tasks: [{name: a, action: core.echo}]", "1:9 error: core.echo needs the input 'message' [missing-input]"),
    ("tasks: [{name: a, action: core.echo, input: {}}]", "1:38 error: core.echo needs the input 'message' "
     "[missing-input]"),
    ("tasks: [{name: a, action: core.echo, input: {message: 5}}]", "1:55 error: core.echo: input 'message': 5 "
     "is not of "
     "type 'string' [bad-input]"),
    ("tasks: [{name: a, action: core.echo, input: {message: x, time: 5}}]", "1:58 error: core.echo has no input 'time' "
     "(did you mean 'times'?) [unknown-input]"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), CALLS)
def test_wrong_calls(text: str, expected: str | None) -> None:
    assert one(text) == expected if expected else one(text).endswith("[template-syntax]")


def test_inputs_that_are_templates_are_not_judged() -> None:
    given = "tasks: [{name: a, action: core.echo, input: {message: x, times: '{{ 1 + 1 }}'}}]"
    assert said(given) == []
    assert said("tasks: [{name: a, action: core.echo, input: {'{{ system.task }}': x}}]") == []


HEAD = "parameters: {app: {}}\nvars: {count: 1}\n"
TEMPLATES = [
    ("input: {m: '{{ vars.x'}", "6:16 error: unexpected end of template, expected 'end of print statement'., in "
     "{{ vars.x [template-syntax]"),
    ("input: {m: '{{ 1 | uper }}'}", "6:16 error: there is no filter 'uper', did you mean 'upper'?, in {{ 1 | uper }} "
     "[template-syntax]"),
    ("input: {m: [{n: '{{ var.x }}'}]}", "6:21 error: there is no 'var' in templates (did you mean 'vars'?) "
     "[unknown-name]"),
    ("input: {m: '{{ vars.cuont }}'}", "6:16 error: there is no variable 'cuont' (did you mean 'count'?) "
     "[unknown-var]"),
    ("input: {m: '{{ parameters.ap }}'}", "6:16 error: there is no parameter 'ap' (did you mean 'app'?) "
     "[unknown-parameter]"),
    ("input: {m: '{{ task.bb.result }}'}", "6:16 error: there is no task 'bb' (did you mean 'b'?) [unknown-task]"),
    ("input: {m: '{{ task.b.reslt }}'}", "6:16 error: 'task.b' has no 'reslt' (did you mean 'result'?) [unknown-name]"),
    ("input: {m: '{{ task.b.items }}'}", "6:16 error: 'task.b' has no 'items' (only tasks with 'with_items' have it) "
     "[unknown-name]"),
    ("input: {m: '{{ item }}'}", "6:16 error: 'item' is there only in the input of a task with 'with_items' "
     "[unknown-name]"),
    ("when: '{{ index }}'", "6:11 error: 'index' is there only in the input of a task with 'with_items' "
     "[unknown-name]"),
    ("input: {m: '{{ result }}'}", "6:16 error: 'result' is there only when the task has ended (use it in "
     "publish, next, "
     "decision or retry.on_error) [unknown-name]"),
    ("input: {m: '{{ system.execution }}'}", "6:16 error: 'system' has no 'execution' (did you mean 'execution_id'?) "
     "[unknown-name]"),
    ("input: {m: '{{ pack.confg.x }}'}", "6:16 error: 'pack' has no 'confg' (did you mean 'config'?) [unknown-name]"),
    ("input: {m: '{{ pack.config.regin }}'}", "6:16 warning: the pack has no setting 'regin' now (did you mean "
     "'region'?) "
     "[unknown-setting]"),
    ("input: {m: '{{ task.a.result }}'}", "6:16 warning: task 'a' has not run when this is rendered [not-yet-run]"),
    ("publish: {v: '{{ vars.w }}'}", "6:18 error: there is no variable 'w' (declare it under 'vars', or publish it) "
     "[unknown-var]"),
    ("publish: {v: '{{ item }}'}", "6:18 error: 'item' is there only in the input of a task with 'with_items' "
     "[unknown-name]"),
    ("retry: {count: 1, on_error: 'error.type'}", "6:33 error: the condition 'error.type' is no template, so it would "
     "always be true (write \"{{ error.type }}\") [bad-condition]"),
    ("next: [{when: 'failed()', do: b}]", "6:19 error: the condition 'failed()' is no template, so it would always be "
     "true (write \"{{ failed() }}\") [bad-condition]"),
    ("next: [{when: '{{ faild() }}', do: b}]", "6:19 error: there is no 'faild' in templates (did you mean 'failed'?) "
     "[unknown-name]"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "expected"), TEMPLATES)
def test_wrong_templates(line: str, expected: str) -> None:
    assert one(HEAD + task(line)) == expected


def test_templates_may_name_what_is_there() -> None:
    lines = (
        "with_items: '{{ vars.count }}'",
        "input: {m: '{{ item }} {{ index }} {{ parameters.app }} {{ system.attempt }} {{ pack.config.region }}'}",
        "retry: {count: 1, on_error: '{{ error.type == result or task.a.error }}'}",
        "publish: [{new: '{{ result }}{{ task.a.items }}{{ task.a.total_count }}'}, whole]",
        "next: [{when: '{{ succeeded() and not failed() }}', do: b, publish: {n: '{{ vars.new }}{{ vars.whole }}'}}]",
    )
    text = HEAD + task(*lines) + "output_map: {a: '{{ task.b.status }}', b: '{{ vars.n }}'}\n"
    assert said(text) == []


def test_variables_see_those_above_them_and_no_task() -> None:
    text = "vars:\n  a: '{{ vars.b }}'\n  b: '{{ vars.a }}'\n  c: '{{ task.a.result }}'\n" + task()
    assert said(text) == [
        "2:6 error: the variable 'b' is not set above this one [unknown-var]",
        "4:6 error: 'task' is not there in this place [unknown-name]",
    ]


def test_a_task_cannot_use_what_only_runs_after_it() -> None:
    text = """tasks:
- {name: a, action: core.noop, on_success: b, input: {m: "{{ task.b.status }}"}}
- {name: b, action: core.noop}
"""
    assert one(text) == (
        "2:58 warning: task 'b' can't have run when this is rendered, since it only runs after 'a' [not-yet-run]"
    )
    again = text.replace(
        "{name: b, action: core.noop}", "{name: b, action: core.noop, next: [{when: '{{ result }}', do: a}]}"
    )
    again += "- {name: s, action: core.noop, on_success: a}\n"
    assert "[not-yet-run]" in one(again), "the first round comes first"
    other_way = text + "- {name: c, action: core.noop, on_success: b}\n"
    assert said(other_way) == [], "there is another way to it"


def test_a_name_with_a_dash_is_no_subtraction() -> None:
    text = """tasks:
- {name: a-b, action: core.noop, on_success: c}
- {name: c, action: core.noop, input: {m: "{{ task.a-b.result }}", n: "{{ task['a-b'].result }}"}}
"""
    first, second = said(text)
    assert "there is no 'b' in templates" in first
    assert second == "3:43 error: there is no task 'a' (write task['a-b']) [unknown-task]"


def test_everything_is_said_at_once_in_the_order_of_the_file() -> None:
    text = """parameters:
  n: {type: integer, default: x}
vars: {a: "{{ vars.z }}"}
tasks:
  - name: one
    action: core.ehco
    on_sucess: two
    retry: {count: 0}
  - name: two
    action: core.echo
    timeout: forever
    input: {message: "{{ task.oen.result }} {{ foo }}", bad: 1}
    on_success: thre
  - action: core.noop
"""
    codes = [(int(found.split(":")[0]), found.rpartition("[")[2].rstrip("]")) for found in said(text)]
    assert codes == [
        (2, "bad-default"),
        (3, "unknown-var"),
        (6, "unknown-action"),
        (7, "unknown-key"),
        (8, "bad-value"),
        (11, "bad-value"),
        (12, "unknown-name"),
        (12, "unknown-task"),
        (12, "unknown-input"),
        (13, "unknown-target"),
        (14, "missing-key"),
    ]


def test_a_wrong_value_is_not_said_to_be_missing_too() -> None:
    assert [
        found.split("[")[-1] for found in said(task("with_items: 5", "batch_size: 2", "input: {m: '{{ item }}'}"))
    ] == ["bad-value]"]
    assert len(said("vars: [1]\n" + task("input: {m: '{{ vars.x }}'}"))) == 1
    assert len(said("tasks: [{name: a, action: 5}]")) == 1


def test_a_key_without_a_value_is_as_good_as_absent() -> None:
    assert (
        said("vars:\nparameters:\n" + task("input:", "publish:", "next:", "retry:", "with_items:", "on_success:")) == []
    )
    assert one("tasks: [{name: a, action: }]") == "1:9 error: task 'a' has no 'action' [missing-action]"
    assert one("tasks: [{name: , action: core.noop}]") == "1:9 error: the key 'name' is missing [missing-key]"
    assert one(task("on_sucess:")).endswith("[unknown-key]")


def test_a_task_in_a_loop_may_use_its_own_last_result() -> None:
    text = """tasks:
- {name: s, action: core.noop, on_success: a}
- {name: a, action: core.noop, next: [{when: "{{ vars.more }}", do: a}], input: {m: "{{ task.a.result }}"}}
vars: {more: true}
"""
    assert said(text) == []


def test_too_many_tasks() -> None:
    tasks = "".join(f"- {{name: t{number}, action: core.noop}}\n" for number in range(1_001))
    assert one("tasks:\n" + tasks) == "2:1 error: 1,001 tasks; 1,000 are allowed [too-many-tasks]"


def test_warnings_alone_let_a_workflow_through() -> None:
    source = load(task("join: all"), "f")
    (problem,) = compile_workflow(source, pack="p", actions=ACTIONS).problems
    assert problem.severity is Severity.WARNING


def test_what_system_has_is_what_the_engine_gives() -> None:
    from attune.engine.context import Context, Own
    from attune.engine.facts import Facts
    from attune.engine.state import State
    from attune.model.status import TaskStatus

    graph = compile_workflow(load(task(), "f"), pack="p", actions=ACTIONS).graph
    state = State(execution="e", workflow="p.f", workflow_version=1, created_at=0.0, size=2)
    context = Context(graph, state, Facts({}), 0.0)
    assert set(context._system(Own(0, TaskStatus.PENDING))) == SYSTEM
