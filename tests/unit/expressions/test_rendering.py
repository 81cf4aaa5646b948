"""Values with templates in them: types, conditions, references, lazy scopes, errors that pass."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.expressions.scopes import Lazy, failure, scope

from attune.exceptions import Deferred, TemplateError, Unavailable
from attune.expressions import templates
from attune.expressions.templates import Reference, holds, is_template, references, render, template_function


def test_nested_values_are_rendered_through_and_kept_in_type() -> None:
    """Mappings, their keys and lists; what is no template stays as it is."""
    value = {
        "{{ item }}-{{ index }}": ["{{ vars.count }}", {"deep": "{{ vars.price }}"}, 1, None, True, "plain", "{ }"],
        "plain": {},
    }
    assert render(value, scope()) == {"it-0": [7, {"deep": 2.5}, 1, None, True, "plain", "{ }"], "plain": {}}
    assert "the key of a mapping must be text, not a number" in failure({"{{ vars.count }}": 1}).message


def test_the_result_shares_nothing_with_the_scope() -> None:
    """Changing what a template gave leaves the data alone."""
    names = scope()
    render("{{ vars.data }}", names)["z"] = 99
    render("{{ vars.orders | first }}", names)["id"] = 99
    assert names["vars"]["data"]["z"] == 1
    assert names["vars"]["orders"][0]["id"] == 2


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("{{ task.never.result }}", None),
        ("{{ task.never.result.a[0] | upper }}", None),
        ("{{ nobody }}", None),
        ("{{ nobody() }}", None),
        ("{{ task.never.count + 1 }}", None),
        ("{{ [task.never.result, 1] }}", [None, 1]),
        ("{{ {'a': task.never.result} }}", {"a": None}),
        ("{{ task.never.result ? 'yes' : 'no' }}", "no"),
        ("{{ task.never.status == 'failed' }}", False),
        ("{{ task.never.status == none }}", True),
        ("{{ task.never.status != 'failed' }}", True),
        ("{{ task.never.status | default('never') }}", "never"),
        ("{{ task.never is defined }}", False),
        ("it is {{ task.never.status }}", "it is null"),
        ("{% if task.never.status %}a{% else %}b{% endif %}", "b"),
        ("{{ task.build.result.id }}", 5),
    ],
)
def test_forgiving_makes_what_is_undefined_null(source: str, value: Any) -> None:
    """As in an output_map, where tasks that never ran are null."""
    assert render(source, scope(), forgiving=True) == value


def test_forgiving_forgives_nothing_else() -> None:
    """A division by zero stays an error, and strict rendering of the same template stays strict."""
    with pytest.raises(TemplateError, match="division by zero"):
        render("{{ 1 / 0 }}", {}, forgiving=True)
    assert render("{{ gone }}", {}, forgiving=True) is None
    failure("{{ gone }}", {})


@pytest.mark.parametrize(
    ("condition", "truth"),
    [
        (True, True),
        (False, False),
        ("true", True),
        ("False", False),
        ("{{ vars.success }}", True),
        ("{{ vars.failure }}", False),
        ("{{ vars.count > 5 }}", True),
        ("{{ vars.none_yet }}", False),
        ("{{ vars.nothing }}", False),
        ("{{ vars.data }}", True),
        ("{{ 0 }}", False),
        ("{{ 'false' }}", False),
        ("{{ 'False' }}", False),
        ("{{ '0' }}", False),
        ("{{ '' }}", False),
        ("{{ 'no' }}", True),
        ("{% if vars.success %}true{% else %}false{% endif %}", True),
        ("{% if vars.failure %}true{% else %} false {% endif %}", False),
    ],
)
def test_a_condition_holds(condition: Any, truth: bool) -> None:
    """Truth is that of the value; texts that say false are false."""
    assert holds(condition, scope()) is truth


@pytest.mark.parametrize("condition", ["vars.count > 5", "", 1, None, ["{{ true }}"]])
def test_a_condition_that_would_always_hold_is_an_error(condition: Any) -> None:
    """Forgotten braces must not run a task."""
    with pytest.raises(TemplateError):
        holds(condition, scope())


REFERENCES: list[tuple[Any, set[tuple[Any, ...]]]] = [
    ("plain", set()),
    ("{{ task.build.result.id }}", {("task", "build", "result", "id")}),
    ("{{ task['build'].items[0].status }}", {("task", "build", "items", 0, "status")}),
    ("{{ task.build.items.1 }}", {("task", "build", "items", 1)}),
    ("{{ task[item].result }}", {("task",), ("item",)}),
    ("{{ task.a[vars.i].x }}", {("task", "a"), ("vars", "i")}),
    ("{{ task.a.items[vars.i:vars.j].x }}", {("task", "a", "items"), ("vars", "i"), ("vars", "j")}),
    (
        "{{ x ? task.a.result : task.b.result | default(vars.c) }}",
        {("x",), ("task", "a", "result"), ("task", "b", "result"), ("vars", "c")},
    ),
    ("{{ kv.get_secret('a', default=vars.d).x }}", {("kv", "get_secret", "a"), ("vars", "d")}),
    ("{{ succeeded() and result.score > 0.8 }}", {("succeeded",), ("result", "score")}),
    ("{{ hash(input.password) ~ range(3) }}", {("input", "password")}),
    ("{{ (vars.a | first).b }}", {("vars", "a")}),
    ("{{ (vars.a or vars.b).c }}", {("vars", "a"), ("vars", "b")}),
    ("{{ task }}", {("task",)}),
    ("{{ x is defined }}", {("x",)}),
    ("{{ {vars.k: vars.v} }}", {("vars", "k"), ("vars", "v")}),
    ("{% set t = task.a %}{{ t.result }}", {("task", "a")}),
    ("{{ t }}{% set t = 1 %}{{ t }}", {("t",)}),
    ("{% set task = task.a %}{{ task.b }}", {("task", "a")}),
    ("{% if x %}{% set y = 1 %}{% endif %}{{ y }}", {("x",), ("y",)}),
    ("{% set t %}{{ vars.a }}{% endset %}{{ t }}", {("vars", "a")}),
    (
        "{% for r in vars.rs if r.ok and vars.q %}{{ r.x }}{{ loop.index }}{{ y }}{% else %}{{ r }}{% endfor %}",
        {("vars", "rs"), ("vars", "q"), ("y",), ("r",)},
    ),
    ("{% for k, v in vars.m %}{{ k }}{{ v.x }}{% endfor %}", {("vars", "m")}),
    ("{% with a = vars.b %}{{ a }}{% endwith %}{{ a }}", {("vars", "b"), ("a",)}),
    ("{% if a %}{% elif b.c %}{{ d }}{% else %}{{ e }}{% endif %}", {("a",), ("b", "c"), ("d",), ("e",)}),
    ({"{{ a }}": ["{{ b }}", {"c": "{{ c.d }}"}, 1]}, {("a",), ("b",), ("c", "d")}),
]


@pytest.mark.parametrize(("value", "expected"), REFERENCES)
def test_references_are_known_without_rendering(value: Any, expected: set[tuple[Any, ...]]) -> None:
    """Roots and paths; the template's own names and the global functions are none."""
    assert references(value) == {Reference(root, tuple(path)) for root, *path in expected}


def test_references_of_a_broken_template_are_an_error() -> None:
    """Rather than none."""
    with pytest.raises(TemplateError):
        references({"a": "{{ x | nope }}"})


def test_a_lazy_mapping_computes_only_what_is_reached() -> None:
    """The engine loads just the results that templates name."""
    task = Lazy(build={"result": 1}, deploy=lambda: pytest.fail("not needed"))
    assert render("{{ task.build.result }}", {"task": task}) == 1
    assert render("{{ true ? task.build.result : task.deploy.result }}", {"task": task}) == 1
    assert set(task.read) == {"build"}
    assert render("{{ task }}", {"task": Lazy(a=Lazy(b=[1]))}) == {"a": {"b": [1]}}
    assert render("{{ task.a | keys }}", {"task": Lazy(a=Lazy(b=1))}) == ["b"]


def test_a_lazy_scope_is_read_by_name() -> None:
    """The scope itself may be a Mapping that computes; a misspelt name still finds the nearest."""
    names = Lazy(vars=lambda: {"a": 1}, task=lambda: pytest.fail("not needed"))
    assert render("{{ vars.a }}", names) == 1
    assert failure("{{ vrs.a }}", names).hint == "did you mean 'vars'?"


class LoadFirst(Deferred):
    pass


@pytest.mark.parametrize(
    "source",
    [
        "{{ task.a }}",
        "x {{ task.a }}",
        "{{ task.a | default(1) }}",
        "{{ task }}",
        "{{ task.a is defined }}",
        "{{ f() }}",
    ],
)
@pytest.mark.parametrize("forgiving", [True, False])
def test_deferred_passes_through(source: str, forgiving: bool) -> None:
    """Whatever surrounds it."""

    @template_function
    def later() -> None:
        raise LoadFirst

    with pytest.raises(LoadFirst):
        render(source, {"task": Lazy(a=later), "f": later}, forgiving=forgiving)


@pytest.mark.parametrize("forgiving", [True, False])
def test_our_own_errors_pass_through(forgiving: bool) -> None:
    """That a store is unavailable is worth a retry; a template error never is."""

    @template_function
    def get() -> None:
        raise Unavailable("the store does not answer")

    with pytest.raises(Unavailable):
        render("{{ get() | default(1) }}", {"get": get}, forgiving=forgiving)


@pytest.mark.parametrize(
    "error", [KeyError("k"), RuntimeError("boom"), StopIteration(), RecursionError(), AttributeError("x")]
)
def test_what_a_function_raises_is_a_template_error(error: Exception) -> None:
    """Python errors never leak."""

    @template_function
    def get() -> None:
        raise error

    failure("{{ get() }}", {"get": get})
    failure("a{{ get() }}", {"get": get})


def test_a_long_template_is_shown_shortened() -> None:
    """Errors are stored and sent: their size is bounded."""
    error = failure("{{ nope }}" + "x" * 50_000)
    assert len(error.message) < 500
    assert error.expression.endswith("…")


def test_an_error_does_not_repeat_values() -> None:
    """A value may be secret; an error is stored."""
    names = {"token": "s3cr3t-value"}
    for use in (
        "| int",
        "| float",
        "| from_json",
        "| date",
        "| b64decode",
        "+ 1",
        ".x",
        "| filter",
        "< 1",
        "()",
        "| round",
    ):
        assert "s3cr3t" not in str(failure("{{ token " + use + " }}", names).to_dict())


@pytest.mark.parametrize(
    ("text", "answer"), [("a", False), ("{ {", False), ("{{ a }}", True), ("{% if %}", True), ("", False)]
)
def test_is_template(text: str, answer: bool) -> None:
    """By its marks alone."""
    assert is_template(text) is answer


def test_rendering_is_deterministic_across_processes() -> None:
    """Hash randomisation does not show."""
    source = "{{ {'a': 1, 'b': [2]} | hash }} {{ ['b', 'a'] | unique }}"
    code = f"from attune.expressions.templates import render; print(render({source!r}, {{}}))"
    run = [
        subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout for _ in "12"
    ]
    assert run[0] == run[1]


def test_the_module_stays_light() -> None:
    """The functions on the hot path must not load pydantic, PyYAML or asyncio's event loop by way of templates."""
    heavy = "('pydantic', 'yaml', 'boto3')"
    code = f"import sys, attune.expressions.templates; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


def test_compiled_templates_are_kept() -> None:
    """Rendering again compiles nothing."""
    render("{{ parameters.cached_once }}", {"parameters": {"cached_once": 1}})
    before = templates._compiled.cache_info().misses
    render("{{ parameters.cached_once }}", {"parameters": {"cached_once": 2}})
    assert templates._compiled.cache_info().misses == before


PIECES: list[str] = """
{{ }} {% %} ? : | . , ( ) [ ] { } = == < + - * ** / % ~ 'a' "b" 0 1 -1 9999 2.5 true null none
x vars task.build kv.get hash range loop if else for in endfor set is defined not and or
append batch(size=2) slice(1) default('d') from_json to_json filter(a=1) map(attribute='id') sort group_by('a')
first join replace(from='a',to='b') round(1) int date items format string __class__
""".split()  # noqa: SIM905 - one per word reads better


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.booleans())
def test_any_text_renders_to_json_or_fails_as_a_template(pieces: list[str], forgiving: bool) -> None:
    """Nothing but a TemplateError comes out of a template, however odd."""
    source = "{{ " + " ".join(pieces) + " }}"
    try:
        result = render(source, {**scope(), "x": [1, {"a": "b"}, "c"]}, forgiving=forgiving)
        assert all(isinstance(reference, Reference) for reference in references(source))
    except TemplateError:
        return
    json.dumps(result, allow_nan=False)
