"""What a template cannot do: get out, take too much time or memory, or hide that it is wrong."""

from __future__ import annotations

import copy
import time
from typing import Any

import pytest
from tests.unit.expressions.scopes import failure, scope

from attune.exceptions import TemplateError
from attune.expressions import meter
from attune.expressions.templates import check, references, render

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
