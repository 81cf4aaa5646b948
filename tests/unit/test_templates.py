"""Templates: what expressions give, what is an error, and what a template cannot do."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attune.exceptions import Deferred, TemplateError, Unavailable
from attune.expressions import meter, templates
from attune.expressions.templates import Reference, check, holds, is_template, references, render, template_function


class KeyValueStore:
    """What a scope supplies as ``kv``."""

    secret_values = {"api.credentials.token": "t0ken"}  # noqa: RUF012

    @template_function
    def get(self, key: str, default: Any = None) -> Any:
        return {"feature.flags.beta": True}.get(key, default)

    @template_function
    def get_secret(self, key: str) -> str:
        return self.secret_values[key]

    @template_function
    def _internal(self) -> str:
        return "internal"

    def drop_everything(self) -> str:
        return "dropped"


class Lazy(Mapping[str, Any]):
    """A mapping that computes its values when asked, as the engine's ``task`` does."""

    def __init__(self, **values: Any) -> None:
        self.values_ = values
        self.read: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.read.append(key)
        value = self.values_[key]
        return value() if callable(value) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def scope() -> dict[str, Any]:
    """A scope with something of every kind in it."""
    return {
        "parameters": {
            "app_name": " shop ",
            "environment": "production",
            "all_regions": [{"name": "eu", "enabled": True}, {"name": "us", "enabled": False}, {"name": "ap"}],
            "regions": ["eu", "us"],
            "café": "naïve ☕",
            "empty": "",
            "question": "why? because: yes",
        },
        "vars": {
            "base_path": " /var ",
            "raw_config": '{"a": [1, 2.5, null]}',
            "data": {"z": 1, "ä": [True, None]},
            "results": [1, 2, 3],
            "large_list": list(range(250)),
            "success": True,
            "failure": False,
            "nothing": None,
            "count": 7,
            "price": 2.5,
            "none_yet": [],
            "orders": [
                {"id": 2, "who": {"city": "Rome"}, "sum": 10},
                {"id": 1, "who": {"city": "Oslo"}, "sum": 5},
                {"id": 3, "who": {"city": "Rome"}, "sum": 1},
            ],
        },
        "task": {
            "build": {
                "status": "completed",
                "result": {"id": 5, "image uri": "r/x:1"},
                "items": [{"status": "completed"}, {"status": "failed"}],
                "error": None,
            }
        },
        "system": {"execution_id": "0192", "timestamp": "2024-05-06T07:08:09Z", "identity": {"login": "ada"}},
        "kv": KeyValueStore(),
        "item": "it",
        "index": 0,
    }


def failure(source: Any, names: Mapping[str, Any] | None = None) -> TemplateError:
    """The error of a template that must fail, with the promises that hold for every such error."""
    with pytest.raises(TemplateError) as caught:
        render(source, scope() if names is None else names)
    assert "Traceback" not in caught.value.message
    return caught.value


VALUES: list[tuple[str, Any]] = [
    # what the documents show
    ("{{ parameters.app_name | upper | trim }}", "SHOP"),
    ("{{ vars.base_path | trim | append('/logs') }}", "/var/logs"),
    ("{{ vars.raw_config | from_json }}", {"a": [1, 2.5, None]}),
    ("{{ vars.data | to_json }}", '{"z":1,"ä":[true,null]}'),
    ("{{ parameters.all_regions | filter(enabled=true) }}", [{"name": "eu", "enabled": True}]),
    ("{{ parameters.regions | first }}", "eu"),
    ("{{ vars.results | length }}", 3),
    ("{{ vars.large_list | batch(size=100) }}", [[*range(100)], [*range(100, 200)], [*range(200, 250)]]),
    ("{{ task.deploy.status | default('unknown') }}", "unknown"),
    ("{{ vars.host | default('localhost') | prepend('https://') }}", "https://localhost"),
    ("{{ kv.get('feature.flags.enabled', default=false) }}", False),
    ("{{ kv.get_secret('api.credentials.token') }}", "t0ken"),
    ("{{ vars.success ? 'deployed' : 'failed' }}", "deployed"),
    ("{{ system.identity.login }}", "ada"),
    ("{{ system.execution_id }} at {{ system.timestamp }}", "0192 at 2024-05-06T07:08:09Z"),
    ("{{ parameters.environment == 'production' }}", True),
    ("{{ vars.error.type == 'timeout' if vars.error is defined else false }}", False),
    # native types
    ("{{ vars.count }}", 7),
    ("  {{ vars.count }}\n", 7),
    ("{{- vars.count -}}", 7),
    ("{{ vars.count + 1 }}", 8),
    ("{{ vars.price }}", 2.5),
    ("{{ vars.nothing }}", None),
    ("{{ vars.success }}", True),
    ("{{ vars.none_yet }}", []),
    ("{{ vars.data }}", {"z": 1, "ä": [True, None]}),
    ("{{ (1, 2) }}", [1, 2]),
    ("{{ null }}", None),
    ("{{ '5' }}", "5"),
    ("{{ '[1]' }}", "[1]"),
    ("{# a comment #}{{ vars.count }}", 7),
    ("{{ {2: 'a', none: 'b', true: 'c'} }}", {"2": "a", "null": "b", "true": "c"}),
    # text
    ("{{ vars.count }}{{ vars.count }}", "77"),
    ("a {{ vars.nothing }} b", "a null b"),
    ("a {{ vars.success }}/{{ vars.failure }}", "a true/false"),
    ("a {{ vars.price }}", "a 2.5"),
    ("a {{ vars.data }}", 'a {"z":1,"ä":[true,null]}'),
    ("{{ parameters.regions }}!", '["eu","us"]!'),
    ("✅ {{ parameters.café }}\n", "✅ naïve ☕\n"),
    ("{% if vars.success %}yes{% else %}no{% endif %}", "yes"),
    ("{% set n = vars.count %}{{ n * 2 }}", "14"),
    ("{% for r in parameters.regions %}{{ loop.index }}:{{ r }}{{ loop.last ? '' : ', ' }}{% endfor %}", "1:eu, 2:us"),
    ("{% for k, v in vars.data %}{{ k }}={{ v }};{% endfor %}", "z=1;ä=[true,null];"),
    ("{% for c in 'ab' %}{{ c }}-{% endfor %}", "a-b-"),
    ("{% for r in vars.none_yet %}x{% else %}none{% endfor %}", "none"),
    ("{% with x = vars.count %}{{ x }}{% endwith %}", "7"),
    ("{% filter upper %}a{{ vars.count }}b{% endfilter %}", "A7B"),
    ("{% set t %}n={{ vars.nothing }}{% endset %}{{ t }}", "n=null"),
    ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
    ("{{ 'a' ~ 1 ~ null ~ [true] }}", "a1null[true]"),
    # cond ? a : b
    ("{{ vars.failure ? 1 : 2 }}", 2),
    ("{{ vars.failure?1:2 }}", 2),
    ("{{ vars.success ? vars.failure ? 1 : 2 : 3 }}", 2),
    ("{{ vars.failure ? 1 : vars.failure ? 2 : 3 }}", 3),
    ("{{ (vars.success ? 'a' : 'b') ~ 'c' }}", "ac"),
    ("{{ {'a': vars.success ? 1 : 2} }}", {"a": 1}),
    ("{{ {'a': vars.failure ? 1 : 2, 'b': 3} }}", {"a": 2, "b": 3}),
    ("{{ {vars.success ? 'x' : 'y': 1} }}", {"x": 1}),
    ("{{ vars.failure ? {'a': 1} : {'b': {'c': 2}} }}", {"b": {"c": 2}}),
    ("{{ [vars.success ? 1 : 2, 3] }}", [1, 3]),
    ("{{ vars.results[1:3] }}", [2, 3]),
    ("{{ vars.results[vars.success ? 1 : 0:3] }}", [2, 3]),
    ("{{ vars.success ? vars.results[1:] : vars.results[:1] }}", [2, 3]),
    ("{{ vars.failure ? 'a ? b : c' : 'd: e? }}' }}", "d: e? }}"),
    ("{{ parameters.question ? parameters.question : '' }}", "why? because: yes"),
    ("{{ vars.count > 5 and not vars.failure ? 'big' : 'small' }}", "big"),
    ("{{ vars.missing is defined ? 1 : 2 }}", 2),
    ("{{ vars.success ? 'a' : 'b' | upper }}", "a"),
    ("{{ 'x' if vars.failure else vars.success ? 'y' : 'z' }}", "y"),
    ("{{ vars.failure ? vars.no.such.thing : 1 }}", 1),
    ("{{ kv.get('x', vars.success ? 1 : 2) }}", 1),
    ("is it? {{ vars.success ? 'yes' : 'no' }}: ok?", "is it? yes: ok?"),
    ("{% if vars.failure ? true : false %}a{% else %}b{% endif %}", "b"),
    # paths
    ("{{ task.build.items }}", [{"status": "completed"}, {"status": "failed"}]),
    ("{{ task.build.items[1].status }}", "failed"),
    ("{{ task.build.items.1.status }}", "failed"),
    ("{{ task.build.items[-1].status }}", "failed"),
    ("{{ task['build']['result']['image uri'] }}", "r/x:1"),
    ("{{ task[item == 'it' ? 'build' : 'x'].result.id }}", 5),
    ("{{ parameters.environment[0] }}", "p"),
    ("{{ parameters.environment[:4] }}", "prod"),
    ("{{ (vars.orders | first).who.city }}", "Rome"),
    ("{{ kv.get('a', default={'b': 2}).b }}", 2),
    ("{{ index }}", 0),
    # undefined, forgiven
    ("{{ vars.a.b.c[0].d | default(1) }}", 1),
    ("{{ nobody.knows | default(none) }}", None),
    ("{{ vars.nothing | default('x') }}", None),
    ("{{ vars.nothing | default('x', true) }}", "x"),
    ("{{ parameters.empty | default(value='x', boolean=true) }}", "x"),
    ("{{ vars.nothing.deeper | default(value='x') }}", "x"),
    ("{{ vars.a | default(vars.count) }}", 7),
    ("{{ vars.a | d }}", ""),
    ("{{ vars.a[1:2] | default([]) }}", []),
    ("{{ vars.none_yet | first | default('none') }}", "none"),
    ("{{ vars.a.b is defined }}", False),
    ("{{ vars.a.b is undefined }}", True),
    ("{{ vars.nothing is defined }}", True),
    ("{{ vars.nothing is none and vars.nothing is null }}", True),
]

FILTERS: list[tuple[str, Any]] = [
    ("{{ 'straße' | upper }}", "STRASSE"),
    ("{{ 'ABC' | lower }}", "abc"),
    ("{{ 'hello world' | capitalize }}", "Hello world"),
    ("{{ 'hello wörld' | title }}", "Hello Wörld"),
    ("{{ '--a--' | trim('-') }}", "a"),
    ("{{ 'b' | prepend('a') | append(1) }}", "ab1"),
    ("{{ [1] | append(2) | prepend(0) }}", [0, 1, 2]),
    ("{{ 'a.b.c' | replace(from='.', to='/') }}", "a/b/c"),
    ("{{ 'a.b.c' | replace('.', '') }}", "abc"),
    ("{{ 'a,b,,c' | split(pat=',') }}", ["a", "b", "", "c"]),
    ("{{ ' a  b ' | split }}", ["a", "b"]),
    ("{{ 'a\\nb' | indent(2) }}", "a\n  b"),
    ("{{ 'a\\nb' | indent(width=2, first=true) }}", "  a\n  b"),
    ("{{ 'one two-three' | wordcount }}", 3),
    ("{{ 'abcdef' | truncate(length=3) }}", "abc…"),
    ("{{ 'abc' | truncate(3) }}", "abc"),
    ("{{ 'a b/ü' | urlencode }}", "a%20b/%C3%BC"),
    ("{{ {'q': 'a b', 'n': 1} | urlencode }}", "q=a%20b&n=1"),
    ("{{ 'ü' | b64encode }}", "w7w="),
    ("{{ 'w7w=' | b64decode }}", "ü"),
    ("{{ 'abc' | reverse }}", "cba"),
    ("{{ 'abc' | hash }}", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ("{{ hash('abc') == ('abc' | hash(algorithm='sha256')) }}", True),
    ("{{ hash('abc', 'md5') }}", "900150983cd24fb0d6963f7d28e17f72"),
    ("{{ hash({'a': 1, 'b': 2}) == hash({'b': 2, 'a': 1}) }}", True),
    ("{{ [1, 2, 3] | first }}", 1),
    ("{{ [1, 2, 3] | last }}", 3),
    ("{{ [] | length }}", 0),
    ("{{ vars.data | count }}", 2),
    ("{{ [] | batch(size=3) }}", []),
    ("{{ [1, 2, 3] | batch(2) }}", [[1, 2], [3]]),
    ("{{ [1, 2, 3] | batch(size=2, fill_with=0) }}", [[1, 2], [3, 0]]),
    ("{{ vars.results | slice(start=1, end=2) }}", [2]),
    ("{{ vars.results | slice(1) }}", [2, 3]),
    ("{{ vars.results | slice(end=-1) }}", [1, 2]),
    ("{{ 'hello' | slice(start=1, end=3) }}", "el"),
    ("{{ [1] | concat(with=[2, 3]) | concat(4) }}", [1, 2, 3, 4]),
    ("{{ vars.orders | filter(attribute='who.city', value='Oslo') | map(attribute='id') }}", [1]),
    ("{{ parameters.all_regions | filter(attribute='enabled') | length }}", 2),
    ("{{ parameters.all_regions | filter(enabled=none) }}", [{"name": "ap"}]),
    ("{{ parameters.all_regions | filter(enabled=true, name='us') }}", []),
    ("{{ vars.orders | map(attribute='who.city') }}", ["Rome", "Oslo", "Rome"]),
    ("{{ ['a', 'b'] | map('upper') }}", ["A", "B"]),
    ("{{ parameters.all_regions | map(attribute='enabled', default='?') }}", [True, False, "?"]),
    ("{{ vars.orders | sort(attribute='id') | map(attribute='id') }}", [1, 2, 3]),
    ("{{ [3, 1, 2] | sort(reverse=true) }}", [3, 2, 1]),
    ("{{ ['b', 'A'] | sort }}", ["A", "b"]),
    ("{{ ['b', 'A', 'a'] | sort(case_sensitive=true) }}", ["A", "a", "b"]),
    ("{{ vars.orders | unique(attribute='who.city') | map(attribute='id') }}", [2, 1]),
    ("{{ [1, true, 1, '1', [1], [1]] | unique }}", [1, True, "1", [1]]),
    ("{{ (vars.orders | group_by(attribute='who.city')).Rome | map(attribute='id') }}", [2, 3]),
    ("{{ vars.orders | group_by('sum') | keys }}", ["10", "5", "1"]),
    ("{{ [1, 'a', true] | join(sep='-') }}", "1-a-true"),
    ("{{ vars.orders | join(', ', attribute='id') }}", "2, 1, 3"),
    ("{{ [1, 2] | reverse }}", [2, 1]),
    ("{{ vars.orders | sum(attribute='sum') }}", 16),
    ("{{ [] | sum }}", 0),
    ("{{ [2, 3] | max ~ [2, 3] | min }}", "32"),
    ("{{ (vars.orders | max(attribute='sum')).id }}", 2),
    ("{{ [1, 2, 3, 4] | select('even') }}", [2, 4]),
    ("{{ [1, 2, 3, 4] | reject('gt', 2) }}", [1, 2]),
    ("{{ task.build.items | selectattr('status', 'eq', 'failed') }}", [{"status": "failed"}]),
    ("{{ parameters.all_regions | rejectattr('enabled', 'defined') }}", [{"name": "ap"}]),
    ("{{ vars.data | keys }}", ["z", "ä"]),
    ("{{ vars.data | values }}", [1, [True, None]]),
    ("{{ vars.data | items }}", [["z", 1], ["ä", [True, None]]]),
    ("{{ vars.data | get(key='z') }}", 1),
    ("{{ vars.data | get(key='q', default=0) }}", 0),
    ("{{ vars.data | get('q') | default(3) }}", 3),
    ("{{ 2.6 | round }}", 3),
    ("{{ 2.34 | round(1) }}", 2.3),
    ("{{ 2.31 | round(method='ceil', precision=1) }}", 2.4),
    ("{{ 5 | round }}", 5),
    ("{{ -3 | abs }}", 3),
    ("{{ '42' | int }}", 42),
    ("{{ 'ff' | int(base=16) }}", 255),
    ("{{ 'x' | int(default=0) }}", 0),
    ("{{ 3.9 | int }}", 3),
    ("{{ '2.5' | float }}", 2.5),
    ("{{ 7 | string }}", "7"),
    ("{{ 'ab' | list }}", ["a", "b"]),
    ("{{ system.timestamp | date }}", "2024-05-06"),
    ("{{ system.timestamp | date(format='%H:%M %d.%m.%Y') }}", "07:08 06.05.2024"),
    ("{{ 0 | date('%Y') }}", "1970"),
    ("{{ '{}' | from_json }}", {}),
    ("{{ [1, {'a': none}] | json_encode }}", '[1,{"a":null}]'),
    ("{{ {'a': 1} | to_json(pretty=true) }}", '{\n  "a": 1\n}'),
    ("{{ 'a' | to_json }}", '"a"'),
    ("{{ range(3) }}", [0, 1, 2]),
    ("{{ dict(a=1) }}", {"a": 1}),
    ("{{ 'v1.2' is starting_with('v') and 'a.py' is ending_with('.py') }}", True),
    ("{{ [1, 2] is containing(2) and 'abc' is containing('b') }}", True),
    ("{{ 2 in [1, 2] and 'z' not in vars.results and 'z' in vars.data }}", True),
    ("{{ 7 is odd and 8 is divisibleby(4) and 'a' is string and [] is sequence }}", True),
]


@pytest.mark.parametrize(("source", "value"), VALUES + FILTERS)
def test_an_expression_gives(source: str, value: Any) -> None:
    """Value and type are both as expected: 1 is not true, 3 is not 3.0."""
    assert json.dumps(render(source, scope())) == json.dumps(value)


@pytest.mark.parametrize(("source", "value"), VALUES + FILTERS)
def test_a_template_that_renders_passes_the_check(source: str, value: Any) -> None:
    """What works is also what the validator accepts."""
    check(source)


FAILURES: list[tuple[str, str, str | None]] = [
    # source, part of the message, hint
    ("{{ task.biuld.result }}", "'task.biuld.result' is not defined: 'task' has no 'biuld'", "did you mean 'build'?"),
    ("{{ parametrs.x }}", "'parametrs.x' is not defined", "did you mean 'parameters'?"),
    ("{{ kvv.get('x') }}", "'kvv.get' is not defined", "did you mean 'kv'?"),
    ("{{ suceeded() }}", "'suceeded' is not defined", None),
    ("{{ task.build.error.type }}", "'task.build.error.type' is not defined: 'task.build.error' is null", None),
    ("{{ vars.count.x.y }}", "'vars.count.x.y' is not defined: 'vars.count' is a number", None),
    ("{{ task.build.items[5].status }}", "'task.build.items' has 2 elements", None),
    ("{{ task.build.items[true] }}", "not defined", None),
    ("{{ task['no such'].x }}", "task['no such'].x", None),
    ("{{ (vars.orders | first).idd }}", "(… | first).idd", "did you mean 'id'?"),
    ("{{ kv.get('a', default={}).b }}", "kv.get(…).b", None),
    ("text {{ vars.cont }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ vars.cont | upper }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ vars.cont + 1 }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ 1 + vars.cont }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ vars.cont == 1 }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ 1 == vars.cont }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ vars.cont ? 1 : 2 }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ not vars.cont }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ [vars.cont] }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ 'a' | append(vars.cont) }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ kv.get(vars.cont) }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ vars.results[vars.cont] }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ vars.results[vars.cont:] }}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{% for x in vars.cont %}{% endfor %}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{% if vars.cont %}{% endif %}", "'vars.cont' is not defined", "did you mean 'count'?"),
    ("{{ [] | first }}", "a list that is empty has no first element", None),
    ("{{ parameters.all_regions | map(attribute='enabled') }}", "has no 'enabled'", None),
    # operations that make no sense
    ("{{ 1 / 0 }}", "division by zero", None),
    ("{{ 'a' + 1 }}", "+ does not work on text and a number", None),
    ("{{ 'a' < 1 }}", "'<' not supported between instances of 'text' and 'number'", None),
    ("{{ -'a' }}", "text", None),
    ("{{ [1, 'a'] | sort }}", "not supported", None),
    ("{{ {[1]: 2} }}", "unhashable", None),
    ("{{ vars.count[1:] }}", "a number has no slices", None),
    ("{% for x in 5 %}{% endfor %}", "a loop needs a list, not a number", None),
    ("{% for a, b in [1] %}{% endfor %}", "unpack", None),
    ("{{ vars.count() }}", "a number cannot be called", None),
    ("{{ vars.nothing | append('x') }}", "append needs text, not null", None),
    ("{{ 5 | first }}", "first needs a list or text, not a number", None),
    ("{{ 5 | filter(a=1) }}", "filter needs a list, not a number", None),
    ("{{ vars.orders | filter(attribute='id', value=1, x=2) }}", "filter with attribute= takes only value=", None),
    ("{{ vars.results | batch(size=0) }}", "size must be a whole number of at least 1", None),
    ("{{ vars.results | batch }}", "batch() missing 1 required positional argument: 'size'", None),
    ("{{ vars.results | slice(nope=1) }}", "slice() got an unexpected keyword argument 'nope'", None),
    ("{{ 'a' | replace('b') }}", "replace needs from= and to=", None),
    ("{{ 'a' | int }}", "int cannot read text as a number", None),
    ("{{ 'inf' | float }}", "float cannot read text as a number", None),
    ("{{ 'x' | from_json }}", "from_json: Expecting value at line 1 column 1", None),
    ("{{ 'x' | date }}", "date needs an ISO 8601 text", None),
    ("{{ 0 | date(format='%Q') }}", "date does not know the format", None),
    ("{{ 'é' | b64decode }}", "b64decode was given what is not Base64", None),
    ("{{ 'x' | hash('crc') }}", "hash knows", None),
    ("{{ {'a': 1} | join }}", "join needs a list, not a mapping", None),
    ("{{ ['a'] | sum }}", "sum needs a number, not text", None),
    # results that are no JSON
    ("{{ kv }}", "a KeyValueStore is not a JSON value", None),
    ("{{ kv.get }}", "a function is not a JSON value", None),
    ("{{ [kv.get] }}", "a function is not a JSON value", None),
    ("a {{ kv.get }}", "a function is not a JSON value", None),
    ("{{ 1e308 * 10 }}", "inf is not a JSON number", None),
    ("{{ '[NaN]' | from_json }}", "nan is not a JSON number", None),
    ("{{ (-1) ** 0.5 }}", "a complex is not a JSON value", None),
    ("{{ {(1, 2): 3} }}", "a list cannot be the key of a mapping", None),
    ("{{ range }}", "a function is not a JSON value", None),
]


@pytest.mark.parametrize(("source", "message", "hint"), FAILURES)
def test_a_failing_template_says_what_and_where(source: str, message: str, hint: str | None) -> None:
    """Message, expression and hint are those of the table."""
    error = failure(source)
    assert message in error.message
    assert error.expression == source
    assert source in error.message
    assert error.hint == hint


BROKEN: list[tuple[str, str]] = [
    ("{{ x", "unexpected end of template"),
    ("{{ x ? 1 }}", "expected token ':'"),
    ("{{ x ? : 1 }}", "unexpected ':'"),
    ("{{ ? 1 : 2 }}", "unexpected '?'"),
    ("{{ x ?? 1 : 2 }}", "unexpected '?'"),
    ("{{ }}", "Expected an expression"),
    ("{{ 'open }}", "unexpected char"),
    ("{{ x | uper }}", "there is no filter 'uper', did you mean 'upper'?"),
    ("{{ x ? (y | uper) : 1 }}", "there is no filter 'uper'"),
    ("{{ x is strin }}", "there is no test 'strin', did you mean 'string'?"),
    ("{{ x | random }}", "there is no filter 'random'"),
    ("{{ x | path! }}", "unexpected char '!'"),
    ("{{ 'a' if x }}", "an inline if needs an else"),
    ("{% if x %}", "Unexpected end of template"),
    ("line\n{{ x | nope }}\n", "(line 2)"),
    ("{{ 1e999 }}", "a number is too large"),
    ("{% include 'x' %}", "{% include %} is not available"),
    ("{% import 'x' as y %}", "{% import %} is not available"),
    ("{% from 'x' import y %}", "{% from %} is not available"),
    ("{% extends 'x' %}", "{% extends %} is not available"),
    ("{% block x %}{% endblock %}", "{% block %} is not available"),
    ("{% macro m() %}{% endmacro %}", "{% macro %} is not available"),
    ("{% call f() %}{% endcall %}", "{% call %} is not available"),
    ("{% autoescape true %}{% endautoescape %}", "{% autoescape %} is not available"),
    ("{% set a.b = 1 %}", "{% set a.b %} is not available"),
    ("{% for x in y recursive %}{% endfor %}", "recursive loops"),
    ("{% do x %}", "unknown tag"),
]


@pytest.mark.parametrize(("source", "message"), BROKEN)
def test_the_check_finds_what_can_never_render(source: str, message: str) -> None:
    """Wherever in a value the template is."""
    for value in (source, {"a": [1, {"b": source}]}, {source: 1}):
        with pytest.raises(TemplateError) as caught:
            check(value)
        assert message in caught.value.message
        assert caught.value.expression == source


ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''['__class__'] }}",
    "{{ vars.__class__.__mro__ }}",
    "{{ vars['__class__'] }}",
    "{{ vars.results.append(4) }}",
    "{{ vars.data.pop('z') }}",
    "{{ vars.data.update({'a': 1}) }}",
    "{{ kv.__class__ }}",
    "{{ kv.__dict__ }}",
    "{{ kv.secret_values }}",
    "{{ kv.drop_everything() }}",
    "{{ kv._internal() }}",
    "{{ kv.get.__func__ }}",
    "{{ kv.get.__globals__ }}",
    "{{ kv['get'].__self__ }}",
    "{{ range.__globals__ }}",
    "{{ hash.__wrapped__ }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ self.x() }}",
    "{{ context }}",
    "{{ environment }}",
    "{{ cycler('a') }}",
    "{{ joiner() }}",
    "{{ namespace(a=1) }}",
    "{{ lipsum() }}",
    "{{ '{0.__class__}'.format(1) }}",
    "{{ '%s' % 1 }}",
    "{{ '%1000000000d' % 1 }}",
    "{{ ['__class__'] | map(attribute='__class__') }}",
    "{{ [''] | map(attribute='__class__') }}",
    "{{ [1] | selectattr('__class__') }}",
    "{{ [1] | map('attr', '__class__') }}",
    "{{ [kv] | map(attribute='secret_values') }}",
    "{{ [kv] | sort(attribute='__class__') }}",
    "{{ vars.orders | map(attribute='__class__.__mro__') }}",
    "{% for x in [1] %}{{ loop.__class__ }}{% endfor %}",
    "{% for x in [1] %}{{ loop.cycle('a') }}{% endfor %}",
    "{% for x in [1] %}{{ loop._iterable }}{% endfor %}",
    "{% for x in [1] %}{{ loop([1]) }}{% endfor %}",
    "{% for x in [1] %}{{ loop }}{% endfor %}",
    "{{ kv.get(_loop_vars=1) }}",
    "{{ missing.__class__ }}",
    "{{ (missing | default(kv)).secret_values }}",
    "{% set x = kv.secret_values %}{{ x }}",
    "{{ ''|attr('__class__') }}",
    "{{ vars.x.settle }}",
    "{{ vars.x.missing_known }}",
]


@pytest.mark.parametrize("source", ESCAPES)
def test_a_template_cannot_get_out(source: str) -> None:
    """Nothing but data and marked functions is in reach, and the data stays as it was."""
    names = scope()
    before = copy.deepcopy({key: value for key, value in names.items() if key != "kv"})
    failure(source, names)
    assert {key: value for key, value in names.items() if key != "kv"} == before


NEST = "{% set x1 = [x, x, x, x] %}{% set x2 = [x1, x1, x1, x1] %}{% set x = [x2, x2, x2, x2] %}"
TWO_NESTS = "{% set x = [1] %}" + NEST * 10 + "{% set y = x %}{% set x = [1] %}" + NEST * 10
GROW = "{% set x = x + x %}"
BOMBS = {
    "repeated text": "{{ 'a' * 1000000000 }}",
    "repeated list": "{{ [0] * 1000000000 }}",
    "repetition of repetitions": "{{ [[[[[0] * 1000] * 1000] * 1000] * 1000] }}",
    "power": "{{ 9 ** (9 ** 9) }}",
    "power of a power": "{{ ((10 ** 1000) ** 1000) ** 1000 }}",
    "product": "{% set x = 10 ** 3000 %}{{ x * x }}",
    "literal": "{{ 0x" + "f" * 50_000 + " }}",
    "digits": "{{ " + "9" * 5_000 + " }}",
    "hexadecimal": "{{ ('f' * 100000) | int(base=16) }}",
    "range": "{{ range(10001) }}",
    "many ranges": "{% for a in range(10000) %}{% for b in range(10000) %}{% endfor %}{% endfor %}",
    "loop work": "{% for a in range(10000) %}{{ range(10000) | sort | length }}{% endfor %}",
    "mapped work": "{{ range(10000) | map('string') | map('append', 'a' * 1000) | map('append', 'a' * 1000) }}",
    "hashing": "{% set x = 'a' * 1000000 %}{% for a in range(10000) %}{{ (x | hash)[:0] }}{% endfor %}",
    "doubled text": "{% set x = 'aaaaaaaa' %}" + GROW * 40 + "{{ x }}",
    "doubled list": "{% set x = [1] %}" + GROW * 40 + "{{ x }}",
    "joined text": "{% set x = 'aaaaaaaa' %}" + "{% set x = x ~ x %}" * 40 + "{{ x }}",
    "captured text": "{% set x = 'aaaaaaaa' %}" + "{% set x %}{{ x }}{{ x }}{% endset %}" * 40 + "{{ x }}",
    "shared parts": "{% set x = [1] %}" + NEST * 10 + "{{ x }}",
    "shared parts as text": "{% set x = [1] %}" + NEST * 10 + "{{ x | to_json }}",
    "shared parts compared": TWO_NESTS + "{{ x == y }}",
    "shared parts sorted": TWO_NESTS + "{{ [x, y] | max }}",
    "shared parts searched": TWO_NESTS + "{{ x in [y] }}",
    "shared parts tested": TWO_NESTS + "{{ x is eq(y) }}",
    "joined shared parts": "{% set x = [1] %}" + NEST * 2 + "{{ ([x] * 10000) | join | length }}",
    "replacement": "{{ ('a' * 1000000) | replace('a', 'a' * 1000000) }}",
    "separator": "{{ range(10000) | join('a' * 100000) }}",
    "indentation": "{{ 'a' | indent(1000000000, true) }}",
    "filler": "{{ [1] | batch(1000000000, 0) }}",
    "output": "{% for i in range(10000) %}{{ 'a' * 1000 }}{% endfor %}",
    "deep parentheses": "{{ " + "(" * 5_000 + "1" + ")" * 5_000 + " }}",
    "deep lists": "{{ " + "[" * 150 + "]" * 150 + " }}",
    "deep JSON": "{{ ('[' * 50000 ~ ']' * 50000) | from_json }}",
    "wide JSON": "{% set many = '0,' * 500000 %}{{ ('[' + many + many + many + '0]') | from_json }}",
    "long sum": "{{ " + "1+" * 20_000 + "1 }}",
    "many nots": "{{ " + "not " * 20_000 + "1 }}",
    "many filters": "{{ 1" + "|abs" * 20_000 + " }}",
    "nested loops": "{% for a in [1] %}" * 30 + "{% endfor %}" * 30,
    "long source": "{{ 1 }}" * 20_000,
    "date format": "{{ 0 | date('%Y' * 10000) }}",
    "wide date": "{{ 0 | date('%1000000Y') }}",
}


@pytest.mark.parametrize("source", BOMBS.values(), ids=BOMBS)
def test_a_template_cannot_blow_up(source: str) -> None:
    """Whatever would take long or much ends soon, as a TemplateError."""
    started = time.thread_time()
    error = failure(source)
    assert time.thread_time() - started < 2 * meter.MAX_SECONDS
    assert len(error.message) < 1_000
    assert "sys." not in error.message
    assert "Error" not in error.message


def test_bounds_leave_room_for_real_work() -> None:
    """A thousand orders are reported without coming near a limit."""
    orders = [{"id": n, "sum": n * 1.5, "city": f"c{n % 7}"} for n in range(1_000)]
    source = "{% for o in orders | sort(attribute='sum', reverse=true) %}{{ o.id }},{{ o.city | upper }}\n{% endfor %}"
    assert render(source, {"orders": orders}).startswith("999,C5\n998,C4\n")
    assert len(render("{{ orders | group_by('city') }}", {"orders": orders})) == 7
    assert render("{{ big }}", {"big": "x" * 3_000_000}) == "x" * 3_000_000
    assert render("{{ big | default('') }}", {"big": [0] * 900_000}) == [0] * 900_000


def test_one_budget_serves_all_templates_of_a_value() -> None:
    """Splitting a bomb over many templates does not help."""
    failure([f"{{% for a in range(10000) %}}{{% endfor %}}{n}" for n in range(11)])


def test_data_that_contains_itself_is_refused() -> None:
    """In the scope as in the value to render."""
    loop: list[Any] = [1]
    loop.append(loop)
    assert "contains itself" in failure("{{ x }}", {"x": loop}).message
    assert "contains itself" in failure("a {{ x }}", {"x": {"y": loop}}).message
    for use in (render, lambda value, _: check(value), lambda value, _: references(value)):
        with pytest.raises(TemplateError, match="levels"):
            use(loop, {})


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
