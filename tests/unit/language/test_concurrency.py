"""What may run side by side, and what excludes each other."""

from __future__ import annotations

import random
import time
from functools import cached_property
from itertools import combinations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from tests.unit.engine.properties_plans import dags, loops, timings
from tests.unit.engine.properties_world import PlannedWorld

from attune.exceptions import InvalidDefinition
from attune.language.checks import races
from attune.language.checks.concurrency import side_by_side
from attune.language.checks.outcomes import Choices
from attune.language.dialects.native.dialect import NATIVE
from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.source import load
from attune.model.action import ActionSpec, Runner
from attune.model.graph import Graph, Task

ANY = ActionSpec("p.any", "p", runner=Runner.PYTHON, entry_point="p.py:any")


class Flow:
    """A workflow of tasks written as flow mappings without their action, answering in names."""

    def __init__(self, *tasks: str) -> None:
        rows = "".join(f"- {{{task}}}\n" for task in tasks)
        self._read(f"tasks:\n{rows}")

    @classmethod
    def of(cls, text: str) -> Flow:
        """The workflow of a file."""
        flow = cls.__new__(cls)
        flow._read(text)
        return flow

    def _read(self, text: str) -> None:
        source = load(text, "f.yaml")
        findings = Findings(source)
        workflow = NATIVE.read(findings, source.data.get("ref", "p.f").partition(".")[0])
        assert workflow is not None and not findings.failed
        self.draft = Draft(workflow, findings, (ANY,) * len(workflow.tasks), {})

    @cached_property
    def relation(self) -> list[int]:
        return side_by_side(self.draft)

    def beside(self, name: str) -> str:
        return " ".join(self.draft.names(self.relation[self.draft.index[name]]))

    def exclusive(self, first: str, second: str) -> bool:
        return Choices(self.draft).exclusive(self.draft.index[first], self.draft.index[second])


def test_entry_points_run_side_by_side() -> None:
    flow = Flow("name: a", "name: b", "name: c")
    assert flow.beside("a") == "b c"


def test_branches_run_side_by_side_until_they_meet() -> None:
    flow = Flow("name: a, on_success: [b, c]", "name: b, on_success: d", "name: c, on_success: e",
                "name: d, on_success: e", "name: e, on_success: f", "name: f")  # fmt: skip
    assert [flow.beside(name) for name in "abcdef"] == ["", "c", "b d", "c", "", ""]


@pytest.mark.parametrize(("join", "expected"), [("all", ""), ("1", "c"), ("each", "c d")])
def test_only_joins_of_all_sources_keep_what_follows_apart_from_them(join: str, expected: str) -> None:
    flow = Flow("name: a, on_success: [b, c]", "name: b, on_success: d", "name: c, on_success: d",
                f"name: d, join: {join}")  # fmt: skip
    assert flow.beside("d").replace("b ", "") == expected


def test_a_join_does_not_wait_for_a_branch_that_never_leads_to_it() -> None:
    flow = Flow("name: a, on_success: [b, x]", "name: b, on_success: c", "name: c", "name: x")
    assert flow.beside("c") == "x"


def test_a_loop_is_one_thing_after_the_other() -> None:
    flow = Flow("name: s, on_success: h", "name: h, on_success: b",
                "name: b, decision: [{when: '{{ result }}', next: h}, {default: e}]", "name: e")  # fmt: skip
    assert [flow.beside(name) for name in "shbe"] == ["", "", "", ""]


def test_a_side_branch_of_a_loop_runs_beside_later_rounds_and_its_own_later_visits() -> None:
    flow = Flow("name: s, on_success: h", "name: h, on_success: [b, x]", "name: b, on_complete: h", "name: x")
    assert flow.beside("x") == "h b x"


def test_a_fork_within_a_loop_meets_before_the_next_round() -> None:
    flow = Flow("name: s, on_success: h", "name: h, on_success: [a, b]", "name: a, on_complete: j",
                "name: b, on_complete: j", "name: j, decision: [{when: '{{ result }}', next: h}, {default: e}]",
                "name: e")  # fmt: skip
    assert [flow.beside(name) for name in "habje"] == ["", "b", "a", "", ""]


def test_a_fork_whose_arms_go_back_by_themselves_is_waited_for_by_the_next_round() -> None:
    flow = Flow("name: s, on_success: h", "name: h, on_success: [a, b]", "name: a, on_complete: h",
                "name: b, on_complete: h")  # fmt: skip
    assert [flow.beside(name) for name in "hab"] == ["", "b", "a"]


def test_members_of_a_group_run_beside_each_other_and_what_the_group_runs_beside() -> None:
    flow = Flow("name: a, on_success: [g, x]", "name: g, type: parallel, tasks: [{name: m}, {name: n}], on_success: z",
                "name: x, on_success: y", "name: y, on_success: z", "name: z")  # fmt: skip
    assert [flow.beside(name) for name in ["m", "g", "y", "z"]] == ["n x y", "x y", "g m n", ""]


def test_the_body_of_a_loop_group_is_over_before_what_follows() -> None:
    flow = Flow("name: l, type: loop, while: 'true', tasks: [{name: m, on_success: n}, {name: n}, {name: o}], "
                "on_success: z", "name: z")  # fmt: skip
    assert [flow.beside(name) for name in ["m", "n", "o", "z"]] == ["o", "o", "m n", ""]


def test_a_join_of_all_in_the_body_of_a_loop_waits_in_each_round() -> None:
    flow = Flow("name: l, type: loop, while: 'true', tasks: [{name: m, on_success: [n, o]}, {name: n, on_success: p}, "
                "{name: o, on_success: p}, {name: p, join: all}]")  # fmt: skip
    assert [flow.beside(name) for name in "mnop"] == ["", "o", "n", ""]


def test_a_waiting_join_runs_beside_what_began_while_it_waited() -> None:
    flow = Flow("name: s, on_success: t, on_failure: u", "name: c, on_complete: [t, d]", "name: u, on_success: d",
                "name: t", "name: d")  # fmt: skip
    assert "d" in flow.beside("t")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        ("decision: [{when: '{{ result }}', next: b}, {default: c}]", True),
        ("on_success: b, on_failure: c", True),
        ("on_success: b, on_complete: c", False),
        ("on_failure: b, on_timeout: c", True),
        ("when: '{{ 1 }}', on_success: b, on_skip: c", True),
        ("next: [{when: '{{ succeeded() and 1 }}', do: b}, {when: '{{ failed() }}', do: c}]", True),
        ("next: [{when: '{{ succeeded() or 1 }}', do: b}, {when: '{{ failed() }}', do: c}]", False),
        ("next: [{when: '{{ result }}', do: b}, {when: '{{ not result }}', do: c}]", False),
    ],
)
def test_what_different_ends_bring_about_excludes_each_other(task: str, expected: bool) -> None:
    flow = Flow(f"name: a, {task}", "name: b, on_success: d", "name: c, on_success: e", "name: d", "name: e")
    assert flow.exclusive("b", "c") is flow.exclusive("d", "e") is expected
    assert not flow.exclusive("a", "b") and not flow.exclusive("b", "a") and not flow.exclusive("b", "b")


def test_what_excludes_each_other_in_one_round_may_both_run_in_a_loop() -> None:
    flow = Flow("name: s, on_success: a", "name: a, decision: [{when: '{{ result }}', next: b}, {default: c}]",
                "name: b, on_complete: a", "name: c, on_success: a")  # fmt: skip
    assert not flow.exclusive("b", "c")


def test_another_way_around_the_choice_is_seen() -> None:
    flow = Flow("name: a, on_success: b, on_failure: c", "name: x, on_success: c", "name: b", "name: c")
    assert not flow.exclusive("b", "c")


@settings(max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data(), st.sampled_from([dags, loops]), st.booleans())
def test_what_really_runs_side_by_side_is_in_the_relation(data: st.DataObject, graphs: Any, racing: bool) -> None:
    """Random workflows, run by the engine in random orders of completion."""
    plan = data.draw(graphs(races=racing))
    try:
        world = PlannedWorld(plan, data.draw(timings(plan)))
    except InvalidDefinition:
        reject()
    flow, deliver, seen = Flow.of(plan.text), world.cloud.on_messages, set[tuple[str, str]]()

    def delivered(execution: str, envelopes: Any) -> Any:
        done, state = deliver(execution, envelopes), world.store.load(execution)
        if state is not None and state.workflow == "t.w":
            running = [world.graph.tasks[index] for index, _ in state.active]
            apart = [pair for pair in combinations(running, 2) if not _is_within(world.graph, *pair)]
            seen.update((first.name, second.name) for first, second in apart)
        return done

    world.cloud.on_messages = delivered
    begun = flow.draft.names(world.finish().begun)
    assert {(first, second) for first, second in seen if second not in flow.beside(first).split()} == set()
    assert {pair for pair in combinations(begun, 2) if flow.exclusive(*pair)} == set()


def _is_within(graph: Graph, first: Task, second: Task) -> bool:
    """Whether one of the two is a group that the other is in."""
    return any(
        group is not None and (group == outer.index or _is_within(graph, graph.tasks[group], outer))
        for inner, outer in ((first, second), (second, first))
        if (group := inner.group) is not None
    )


@pytest.mark.parametrize("shape", ["chain", "fan", "random"])
def test_a_thousand_tasks_are_compared_in_seconds(shape: str) -> None:
    seed, size = random.Random(5), 1000  # noqa: S311 - a graph, not a key
    to: dict[str, Any] = {
        "chain": lambda n: [n + 1],
        "fan": lambda n: list(range(1, size)) if n == 0 else [],
        "random": lambda n: seed.sample(range(n + 1, size), min(2, size - n - 1)),
    }
    names = [[f"t{k}" for k in to[shape](n) if k < size] for n in range(size)]
    flow = Flow(*(f"name: t{n}, publish: {{v: 1}}, on_success: [{', '.join(row)}]" for n, row in enumerate(names)))
    began = time.thread_time()
    races.check(flow.draft)
    assert time.thread_time() - began < 20
