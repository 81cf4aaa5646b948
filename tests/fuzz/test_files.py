"""Whatever stands in a file: it is compiled, or refused with problems that have a place. Nothing else, and soon."""

from __future__ import annotations

import json
from functools import cache
from time import thread_time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attune.exceptions import InvalidDefinition
from attune.language.compiler import compile_workflow
from attune.language.files.action_file import compile_action
from attune.language.files.rule_file import check_rule, compile_rule
from attune.language.files.suite_file import compile_suite
from attune.language.source import LIMIT, load
from attune.model.graph import Graph
from attune.packs.loader import load_packs
from attune.packs.pack import catalogue
from tests.fuzz.effort import tries
from tests.fuzz.mutations import ODD, PROJECT, mutated

MOST_SECONDS = 10.0
"""CPU time that one file may take, whatever stands in it (most take a few milliseconds)."""
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join([f'*{chr(97 + n)}'] * 9)}]\n" for n in range(12)
)


@cache
def actions():
    return catalogue(load_packs(PROJECT / "packs") + load_packs(PROJECT / "tests" / "fixtures" / "packs"))


def compile_as_everything(source):
    """As each kind of file; returns the workflow's graph if it is one."""
    graph = None
    for compile_ in (
        lambda: compile_action(source, pack="local"),
        lambda: check_rule(source, compile_rule(source, pack="local"), actions()),
        lambda: compile_suite(source),
    ):
        try:
            compile_()
        except InvalidDefinition as error:
            assert error.problems
    try:
        graph = compile_workflow(source, pack="local", actions=actions()).graph
    except InvalidDefinition as error:
        assert error.problems
    return graph


def judge(text):
    began = thread_time()
    try:
        source = load(text, "file.yaml")
    except InvalidDefinition as error:
        assert error.problems and all(problem.location.line >= 1 for problem in error.problems)
        str(error).encode(errors="surrogatepass")
    else:
        graph = compile_as_everything(source)
        if graph is not None:
            assert Graph.from_dict(json.loads(json.dumps(graph.to_dict()))).to_dict() == graph.to_dict()
    assert thread_time() - began < MOST_SECONDS


@tries(60)
@given(
    st.text(max_size=400) | st.lists(st.sampled_from([*ODD, "\n", "\n", "\n  ", ": ", " "]), max_size=40).map("".join)
)
@example(BOMB)
@example("a: &a [*a]")
@example("{" * 100_000)
@example("[" * (LIMIT - 1))
@example("a: " * 300_000)
@example("\n".join(f"k{n}: {n}" for n in range(60_000)))
@example("? " * 200_000)
@example("- " * 200_000)
@example("a: '" + "'' " * 300_000)
def test_random_text_is_no_file_and_that_is_said_clearly(text):
    judge(text)


@tries(60)
@given(st.binary(max_size=200))
def test_random_bytes_are_refused_clearly(data):
    judge(data)


@tries(300)
@given(mutated)
def test_a_file_that_is_almost_right_compiles_or_its_problems_have_places(text):
    judge(text)


@pytest.mark.parametrize("count", [1_000, 1_001, 20_000])
def test_a_workflow_of_very_many_tasks_is_compiled_or_refused_soon(count):
    judge("ref: local.x\ntasks:\n" + "".join(f"- {{name: t{n}, action: core.noop}}\n" for n in range(count)))


def test_a_chain_of_as_many_tasks_as_may_be_compiles():
    lines = [f"- {{name: t{n}, action: core.noop, on_success: t{n + 1}}}\n" for n in range(999)]
    judge("ref: local.x\ntasks:\n" + "".join(lines) + "- {name: t999, action: core.noop}\n")
