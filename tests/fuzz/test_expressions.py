"""Random expressions from a grammar: JSON or a TemplateError comes out, within the bounds that rendering has."""

from __future__ import annotations

import json
from time import thread_time

from hypothesis import example, given
from hypothesis import strategies as st

from attune.exceptions import TemplateError
from attune.expressions.filters import CONTEXT_FILTERS, FILTERS, FORGIVING_FILTERS
from attune.expressions.meter import MAX_SECONDS
from attune.expressions.templates import holds, references, render
from tests.fuzz.effort import tries

GRACE = 4.0
"""CPU seconds that the single step may take in which the clock is found to have run out."""
SCOPE = {
    "parameters": {"n": 3, "big": 10**4000, "text": "añ😀\u0000\ud800", "float": 1e308, "none": None, "": 1},
    "vars": {
        "list": [1, "a", None, [2], {"k": "v"}],
        "long": list(range(5000)),
        "deep": json.loads("[" * 90 + "]" * 90),
    },
    "task": {"a": {"result": {"rows": [{"id": n, "v": "x" * n} for n in range(50)]}, "error": None, "items": []}},
    "item": {"key": "k", "value": [1]},
}
ATOMS = st.sampled_from(
    [
        "0",
        "1",
        "-1",
        "7",
        "2.5",
        "1e308",
        "10000",
        "99999999999999999999",
        "true",
        "false",
        "null",
        "none",
        "'a'",
        "'añ'",
        "''",
        "'%'",
        "'{}'",
        "[]",
        "{}",
        "parameters.n",
        "parameters.big",
        "parameters.text",
        "parameters.float",
        "parameters.none",
        "vars.list",
        "vars.long",
        "vars.deep",
        "task.a.result.rows",
        "task.a.result",
        "task.a.items",
        "task.b.result",
        "item",
        "item.value",
        "nothing.there",
        "parameters",
        "vars",
        "task",
        "range(10000)",
        "range(3)",
        "dict(a=1)",
        "hash('a')",
        "{'a':1}",
        "[1,2,3]",
        "'a'*100",
        "[0]*1000",
    ]
)
CALLS = st.sampled_from(sorted({*FILTERS, *CONTEXT_FILTERS, *FORGIVING_FILTERS}))
ARGUMENTS = st.sampled_from(
    [
        "",
        "()",
        "(1)",
        "(-1)",
        "('a')",
        "(99999)",
        "(size=3)",
        "(size=0)",
        "(attribute='id')",
        "('id')",
        "(a=1)",
        "(from='a',to='aaaaaaaaaa')",
        "(sep=', ')",
        "(start=1,end=-1)",
        "(precision=400)",
        "('%Y')",
        "(length=3)",
        "(null)",
        "([])",
        "({})",
        "('upper')",
        "('a', 'b')",
    ]
)
BINARY = st.sampled_from("+ - * / // % ** ~ == != < > <= >= and or in is".split())  # noqa: SIM905


def compound(inner):
    return st.one_of(
        st.builds("({} {} {})".format, inner, BINARY, inner),
        st.builds("{} | {}{}".format, inner, CALLS, ARGUMENTS),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}.{}".format, inner, st.sampled_from(["a", "items", "result", "__class__", "format", "0"])),
        st.builds("not {}".format, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'k': {}}}".format, inner),
        st.builds("{}({})".format, inner, inner),
    )


EXPRESSIONS = st.recursive(ATOMS, compound, max_leaves=12)
TEMPLATES = st.one_of(
    EXPRESSIONS.map("{{{{ {} }}}}".format),
    st.builds("{{% for x in {} %}}{{{{ {} }}}}{{% endfor %}}".format, EXPRESSIONS, EXPRESSIONS),
    st.builds("{{% set y = {} %}}a{{{{ y }}}}{{{{ y }}}}{{% if {} %}}b{{% endif %}}".format, EXPRESSIONS, EXPRESSIONS),
)


@tries(100)
@given(TEMPLATES, st.booleans())
@example("{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}", False)
@example("{{ 'a' * 1000000 * 1000000 }}", False)
@example("{{ 9 ** 9 ** 9 ** 9 }}", False)
@example("{{ (vars.long | map('string') | join('x')) | replace(from='x', to='yyyyyyyyyyyyyyyyyyyyyyyyyy') }}", False)
@example("{{ parameters.text | urlencode }}", False)
@example("{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}", False)
@example("{{ " + "not " * 20_000 + "1 }}", False)
@example("{{ " + "1 + " * 20_000 + "1 }}", False)
@example("{{ a" + ".b" * 20_000 + " }}", True)
@example("{{ 1" + " | string" * 5_000 + " }}", True)
@example("{" * 50_000, False)
@example("{{ '" + "a" * 99_000 + "' }}", False)
def test_an_expression_gives_json_or_a_template_error_within_its_bounds(source, forgiving):
    began = thread_time()
    try:
        references(source)
        result = render({"input": [source]}, SCOPE, forgiving=forgiving)
        holds(source, SCOPE)
    except TemplateError as error:
        assert len(error.message) < 2_000, "an error must not repeat all of a value"
        json.dumps(error.to_dict())
    else:
        json.dumps(result, allow_nan=False)
    assert thread_time() - began < 2 * MAX_SECONDS + GRACE
