"""A second dialect through the door that there is: a list of ``do`` and ``after``, in twenty lines.

It is compiled by the same compiler and checked by the same checks; problems point at its own keys, in its own words,
and its templates use its own names.
"""

from __future__ import annotations

from typing import Any

import pytest
from tests.conftest import Ended, World

from attune.exceptions import InvalidDefinition
from attune.execution.ports.catalog import WorkflowVersion
from attune.language.compiler import DIALECTS, Compiled, compile_workflow, interface
from attune.language.dialect import Dialect
from attune.language.findings import Findings
from attune.language.source import load
from attune.language.task_draft import Arrow, Aspect, Target, TaskDraft, WorkflowDraft
from attune.model.action import ActionSpec, Runner, workflow_as_action
from attune.model.graph import Graph, Join, JoinKind
from attune.model.status import ExecutionStatus, TaskStatus

KEYS = {Aspect.NAME: "id", Aspect.CALL: "do", Aspect.JOIN: "after", Aspect.INPUT: "with"}
SCOPE = {"given": "parameters", "steps": "task", ".gave": ".result", "gave": "result"}
ECHO = ActionSpec(
    ref="t.echo",
    pack="t",
    runner=Runner.PYTHON,
    entry_point="echo.py:run",
    parameters={"properties": {"say": {"type": "string"}}, "required": ["say"], "additionalProperties": False},
)
CHILD = workflow_as_action("t.child", "t", {"properties": {"key": {"type": "string", "writeOnly": True}}})


def read(findings: Findings, pack: str) -> WorkflowDraft:
    """``after`` is arrows turned round, and a join of all."""
    data, tasks = findings.source.data, list[TaskDraft]()
    ids = [row["id"] for row in data["steps"]]
    for number, row in enumerate(data["steps"]):
        path, after = ("steps", number), row.get("after", ())
        for name in set(after) - set(ids):
            findings.error("unknown-target", (*path, "after"), f"there is no step {name!r}")
        led = (other["id"] for other in data["steps"] if row["id"] in other.get("after", ()))
        targets = tuple(Target(name, ("steps", ids.index(name), "after")) for name in led)
        tasks.append(
            TaskDraft(
                name=row["id"],
                path=path,
                call=row.get("do"),
                input=row.get("with", {}),
                arrows=(Arrow(ends=(TaskStatus.COMPLETED,), targets=targets, by_success=True),) if targets else (),
                join=Join(JoinKind.ALL) if len(after) > 1 else Join(),
                places={aspect: (*path, key) for aspect, key in KEYS.items()},
                written=frozenset({Aspect.NAME}),
            )
        )
    return WorkflowDraft(
        ref=f"{pack}.{data['listing']}",
        tasks=tasks,
        parameters={"properties": data.get("takes", {}), "additionalProperties": False},
        output_map=data.get("gives"),
        scope=SCOPE,
        places={Aspect.OUTPUT_MAP: ("gives",)},
        words={Aspect.CALL: "do"},
    )


LISTING = Dialect(
    name="listing",
    recognises=lambda data: "listing" in data,
    read=read,
    interface=lambda findings, pack: workflow_as_action(f"{pack}.{findings.source.data['listing']}", pack, {}),
    schema=lambda actions: {},
    advice={"needless-join": "leave 'after' with one step"},
)

DIAMOND = """\
listing: release
takes: {word: {type: string}}
steps:
  - {id: build, do: t.echo, with: {say: "{{ given.word }}"}}
  - {id: test, do: t.echo, after: [build], with: {say: "{{ steps.build.gave }}!"}}
  - {id: lint, do: t.echo, after: [build], with: {say: "{{ steps.build.gave }}?"}}
  - {id: ship, do: t.echo, after: [test, lint], with: {say: "{{ steps.test.gave ~ steps.lint.gave }}"}}
gives: {shipped: "{{ steps.ship.gave }}", status: "{{ steps.ship.status }}"}
"""


def compiled(text: str) -> Compiled:
    actions = {"t.echo": ECHO, "t.child": CHILD}
    return compile_workflow(load(text, "w.yaml"), pack="t", actions=actions, dialects=(LISTING, *DIALECTS))


def problems(text: str) -> list[str]:
    try:
        return [str(problem) for problem in compiled(text).problems]
    except InvalidDefinition as error:
        return [str(problem) for problem in error.problems]


def played(text: str, **parameters: Any) -> tuple[World, Ended]:
    """Run it; every step gives back what it is told to say."""
    graph = compiled(text).graph
    w = World(script={task.name: lambda attempt: attempt.input["say"] for task in graph.tasks})
    w.catalog.add_version(WorkflowVersion(graph.ref, 1, graph))
    return w, w.go(graph.ref, **parameters)


def test_it_runs_like_any_other() -> None:
    _, ended = played(DIAMOND, word="a")
    assert (ended.status, ended.output) == (ExecutionStatus.COMPLETED, {"shipped": "a!a?", "status": "completed"})


def test_its_graph_is_stored_with_its_names_and_comes_back() -> None:
    graph = compiled(DIAMOND).graph
    assert graph.to_dict()["scope"] == SCOPE
    assert Graph.from_dict(graph.to_dict()) == graph
    native = compile_workflow(load("tasks: [{name: a, action: t.echo, input: {say: x}}]", "n.yaml"), pack="t",
                              actions={"t.echo": ECHO}).graph  # fmt: skip
    assert "scope" not in native.to_dict(), "a graph that was registered before is still the same"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("do: t.echo, with: {say: \"{{ given.word }}\"}", "do: t.ecko"),
         "w.yaml:4:21: error: there is no action 't.ecko' (did you mean 't.echo'?) [unknown-action]"),
        (("do: t.echo, with: {say: \"{{ given.word }}\"}", "x: 1"),
         "w.yaml:4:5: error: task 'build' has no 'do' [missing-action]"),
        (("with: {say: \"{{ given.word }}\"}", "with: {sya: a}"),
         "w.yaml:4:36: error: t.echo has no input 'sya' (did you mean 'say'?) [unknown-input]"),
        (("after: [test, lint]", "after: [test, lin]"), "w.yaml:7:35: error: there is no step 'lin' [unknown-target]"),
        (("id: lint", "id: test"), "w.yaml:6:10: error: there already is a task 'test', on line 5 [duplicate-name]"),
        (("given.word", "parameters.word"),
         "w.yaml:4:41: error: there is no 'parameters' in templates (there are given, kv, pack, steps, system, vars) "
         "[unknown-name]"),
        (("given.word", "given.wort"),
         "w.yaml:4:41: error: there is no parameter 'wort' (did you mean 'word'?) [unknown-parameter]"),
        (("steps.build.gave }}!", "steps.build.result }}!"),
         "w.yaml:5:56: error: 'steps.build' has no 'result' (there are error, gave, status, visit) [unknown-name]"),
        (("given.word", "steps.test.gave"),
         "w.yaml:4:41: warning: task 'test' can't have run when this is rendered, since it only runs after 'build' "
         "[not-yet-run]"),
        (("steps.ship.gave", "steps.shop.gave"),
         "w.yaml:8:18: error: there is no task 'shop' (did you mean 'ship'?) [unknown-task]"),
    ],
)  # fmt: skip
def test_its_problems_point_at_its_own_keys_in_its_own_words(change: tuple[str, str], problem: str) -> None:
    assert problem in problems(DIAMOND.replace(*change))


def test_a_secret_is_known_by_the_name_that_the_dialect_gives_it() -> None:
    """It may go on, as it is, to what is secret in a child; anywhere else it would be kept in the open."""
    secret = DIAMOND.replace("{type: string}", "{type: string, writeOnly: true}")
    assert (
        "w.yaml:8:18: error: the secret parameter 'word' would be kept in the open here"
        in problems(secret.replace("{{ steps.ship.gave }}", "{{ given.word }}"))[0]
    )
    child = '{id: build, do: t.child, with: {key: "{{ given.word }}"}}'
    passed_on = secret.replace('{id: build, do: t.echo, with: {say: "{{ given.word }}"}}', child)
    assert not [problem for problem in problems(passed_on) if "secret" in problem]


def test_a_worker_renders_what_reads_a_secret_by_the_dialects_names() -> None:
    text = DIAMOND.replace("{type: string}", "{type: string, writeOnly: true}")
    w, ended = played(text.replace("steps.build.gave", "steps.build.status"), word="hunter2")

    assert ended.status is ExecutionStatus.COMPLETED, ended.error
    assert [attempt.input["say"] for attempt in w.runner.ran if attempt.task == "build"] == ["hunter2"]
    assert not [stored for stored in w.store.items.values() if "hunter2" in stored]


def test_an_interface_comes_from_the_dialect_of_the_file() -> None:
    assert interface(load(DIAMOND, "w.yaml"), "t", (LISTING, *DIALECTS)).ref == "t.release"
