"""Templates: Jinja in Tera's clothes, sandboxed, with native types.

A text that is exactly one ``{{ expression }}`` gives the expression's own type; any other template gives text,
in which null, booleans, lists and mappings print as JSON. Names that do not exist are errors, unless
``default(...)``, ``is defined`` or ``forgiving`` say otherwise. Rendering is pure and bounded.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, NoReturn

from jinja2 import TemplateError as JinjaError
from jinja2 import TemplateSyntaxError, UndefinedError, nodes

from attune.exceptions import AttuneError, Deferred, TemplateError
from attune.expressions import tera, values
from attune.expressions.meter import Meter, MeteredContext
from attune.expressions.references import Reference, in_tree
from attune.expressions.sandbox import TemplateEnvironment, template_function
from attune.expressions.values import MAX_DEPTH, NotDefinedError, joined, kind, plain

__all__ = [
    "Deferred",
    "Reference",
    "check",
    "check_size",
    "copied",
    "holds",
    "is_path",
    "is_template",
    "references",
    "render",
    "template_function",
]

MAX_SOURCE: Final = 100_000
"""Characters of one template's source."""
MAX_SHOWN: Final = 200
"""Characters of a template's source that an error shows; its explanation has as many."""
MAX_COMPILED: Final = 2_048
"""Compiled templates kept in memory."""

_FALSE_TEXTS: Final = frozenset({"", "false", "0"})
_PLAIN_WORDS: Final[dict[type[Exception], str]] = {
    ZeroDivisionError: "division by zero",
    RecursionError: "it is nested too deeply",
    MemoryError: "it needs too much memory",
    OverflowError: "a number is too large",
}
_PYTHON_WORDS: Final = {
    "NoneType": "null",
    "bool": "boolean",
    "dict": "mapping",
    "float": "number",
    "int": "number",
    "list": "list",
    "str": "text",
    "tuple": "list",
}
_STRICT: Final = TemplateEnvironment(forgiving=False)
_FORGIVING: Final = TemplateEnvironment(forgiving=True)


@dataclass(frozen=True, slots=True)
class _Compiled:
    run: Callable[[MeteredContext], Iterator[Any]]
    native: bool


def is_template(value: str) -> bool:
    """Whether a text is a template: it contains ``{{`` or ``{%``."""
    return "{{" in value or "{%" in value


def check(value: Any) -> None:
    """Compile every template nested in a JSON value; raises TemplateError (syntax, unknown filter …)."""
    for source in _sources(value):
        _compiled(source, False)


def render(value: Any, scope: Mapping[str, Any], *, forgiving: bool = False) -> Any:
    """``value`` with all nested templates (keys too) rendered; JSON in, JSON out.

    Args:
        value: JSON.
        scope: The names templates may use. Its values are JSON, Mappings that compute JSON, or objects with
            functions marked by :func:`template_function`. Every name that a template mentions is read, in
            branches not taken too; what is below a name is read only when it is reached.
        forgiving: What is undefined is null, and an expression that needs it is null.

    Raises:
        TemplateError: With the expression, what was wrong and, for a misspelt name, the nearest one.
        AttuneError: What a function or Mapping of the scope raised.
        Deferred: Likewise.

    """
    rendered = _render(value, scope, Meter(), forgiving, 0)
    check_size(rendered)
    return rendered


def check_size(value: Any, what: str = "") -> None:
    """Raises TemplateError for a rendered value of more than 50 MB of JSON."""
    try:
        values.check_size(value)
    except JinjaError as error:
        raise TemplateError(f"{what}{error}", expression="", hint="keep large data in S3 and pass its key") from None


def holds(source: Any, scope: Mapping[str, Any]) -> bool:
    """Whether a condition (a template, or just ``true`` or ``false``) is true.

    The texts ``''``, ``'false'``, ``'False'`` and ``'0'`` are false. Raises TemplateError for text that is no
    template, since such a condition would always be true.
    """
    if isinstance(source, bool):
        return source
    if not isinstance(source, str):
        raise TemplateError(f"a condition cannot be {kind(source)}", expression=repr(source)[:MAX_SHOWN])
    if not is_template(source) and source.strip().lower() not in ("true", "false"):
        hint = f'write "{{{{ {source[:MAX_SHOWN]} }}}}"'
        raise TemplateError("a condition must be a template, true or false", expression=source, hint=hint)
    value = render(source, scope)
    return value.strip().lower() not in _FALSE_TEXTS if isinstance(value, str) else bool(value)


def references(value: Any) -> frozenset[Reference]:
    """Every scope name that templates nested in a JSON value use, as far as its path is known before rendering."""
    return frozenset().union(*(_references(source) for source in _sources(value)))


def copied(value: Any, name: str) -> Any:
    """A plain copy of what a scope has under a name; raises TemplateError if it is no JSON, or too large."""
    try:
        return plain(value)
    except JinjaError as error:
        return _fail(str(error), name)


def is_path(source: str, path: tuple[str | int, ...]) -> bool:
    """Whether a text is a template that is exactly one ``{{ a.b.c }}`` and names this path; raises TemplateError."""
    expression = tera.only_expression(_parsed(source))
    if expression is None:
        return False
    root, below = tera.steps(expression)
    known = [step.value for step in below if isinstance(step, nodes.Const)]
    return isinstance(root, nodes.Name) and len(known) == len(below) and (root.name, *known) == path


def _sources(value: Any, depth: int = 0) -> Iterator[str]:
    _check_depth(depth)
    if isinstance(value, str):
        if is_template(value):
            yield value
    elif isinstance(value, (Mapping, list, tuple)):
        parts: Iterable[Any] = [*value, *value.values()] if isinstance(value, Mapping) else value
        for part in parts:
            yield from _sources(part, depth + 1)


def _render(value: Any, scope: Mapping[str, Any], meter: Meter, forgiving: bool, depth: int) -> Any:
    if isinstance(value, str):
        return _evaluate(value, scope, meter, forgiving) if is_template(value) else value
    if isinstance(value, Mapping):
        _check_depth(depth)
        return {
            _render_key(key, scope, meter, forgiving): _render(item, scope, meter, forgiving, depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, (list, tuple)):
        _check_depth(depth)
        return [_render(item, scope, meter, forgiving, depth + 1) for item in value]
    return value


def _render_key(key: Any, scope: Mapping[str, Any], meter: Meter, forgiving: bool) -> Any:
    if not isinstance(key, str) or not is_template(key):
        return key
    name = _evaluate(key, scope, meter, forgiving)
    if not isinstance(name, str):
        _fail(f"the key of a mapping must be text, not {kind(name)}", key)
    return name


def _check_depth(depth: int) -> None:
    if depth > MAX_DEPTH:
        raise TemplateError(f"more than {MAX_DEPTH} levels of lists and mappings, or one in itself", expression="")


def _evaluate(source: str, scope: Mapping[str, Any], meter: Meter, forgiving: bool) -> Any:
    compiled = _compiled(source, forgiving)
    context = MeteredContext(_FORGIVING if forgiving else _STRICT, scope, meter)
    try:
        pieces = compiled.run(context)
        return plain(next(pieces)) if compiled.native else joined(pieces)
    except AttuneError:
        raise
    except UndefinedError as error:
        if forgiving:
            return None
        return _fail(str(error), source, hint=error.hint if isinstance(error, NotDefinedError) else None, cause=error)
    except Exception as error:
        return _fail(_explained(error), source, cause=error)


@lru_cache(maxsize=MAX_COMPILED)
def _compiled(source: str, forgiving: bool) -> _Compiled:
    environment = _FORGIVING if forgiving else _STRICT
    tree = _parsed(source)
    try:
        expression = tera.only_expression(tree)
        if expression is not None:
            tree.body = [nodes.Output([expression], lineno=1)]
        template = environment.from_string(tera.guarded(tree))
    except Exception as error:
        _fail(f"cannot compile: {_explained(error)}", source, cause=error)
    return _Compiled(template.root_render_func, expression is not None)


@lru_cache(maxsize=MAX_COMPILED)
def _references(source: str) -> frozenset[Reference]:
    try:
        found = frozenset(in_tree(_parsed(source)))
    except RecursionError as error:
        _fail(_explained(error), source, cause=error)
    return found - {Reference(name, ()) for name in _STRICT.globals}


def _parsed(source: str) -> nodes.Template:
    if len(source) > MAX_SOURCE:
        _fail(f"a template has at most {MAX_SOURCE:,} characters", source)
    try:
        return tera.parse(_STRICT, source)
    except TemplateSyntaxError as error:
        line = f" (line {error.lineno})" if "\n" in source.strip() else ""
        return _fail(f"{error.message}{line}", source, cause=error)
    except Exception as error:
        return _fail(_explained(error), source, cause=error)


def _explained(error: Exception) -> str:
    """What went wrong, in words of the template rather than of Python."""
    for type_, words in _PLAIN_WORDS.items():
        if isinstance(error, type_):
            return words
    if isinstance(error, KeyError):
        return f"there is no {error}"
    if isinstance(error, SyntaxError):
        return error.msg
    if "integer string conversion" in str(error):  # Python's own limit on digits, a plain ValueError
        return "a number is too large"
    if not isinstance(error, (JinjaError, TypeError, ValueError)):
        return f"{type(error).__name__}: {error}"
    message = re.sub(r"'(\w+)'", lambda name: f"'{_PYTHON_WORDS.get(name[1], name[1])}'", str(error))
    return re.sub(r"\b_*([a-z0-9]\w*?)_*\(\)", r"\1()", message)


def _fail(message: str, source: str, *, hint: str | None = None, cause: Exception | None = None) -> NoReturn:
    shown = _cut(source)
    raise TemplateError(f"{_cut(message)}, in {shown}", expression=shown, hint=hint and _cut(hint)) from cause


def _cut(words: str) -> str:
    """Names and values may be of any length, and an error is kept in many places."""
    return words if len(words) <= MAX_SHOWN else words[:MAX_SHOWN] + "…"
