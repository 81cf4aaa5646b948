"""Jinja's sandbox, closed further: what a template can reach, call and use up.

- Reach: keys of mappings, elements of lists and texts, and functions marked with :func:`template_function`.
  ``a.b`` is the key ``b``, never an attribute or method.
- Call: only what is marked.
- Use up: a :class:`~attune.expressions.meter.Meter` per rendering counts what every operation costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from typing import Any, Final, TypeVar

from jinja2 import nodes, pass_context
from jinja2.nativetypes import NativeCodeGenerator
from jinja2.runtime import LoopContext, Undefined
from jinja2.sandbox import SandboxedEnvironment

from attune.expressions import filters, tera
from attune.expressions.meter import ELEMENT_VOLUME, MAX_VOLUME, MeteredContext
from attune.expressions.values import ABSENT, MAX_INT_BITS, Forgiven, Missing, joined, kind, refuse, weigh

_LOOP_NAMES: Final = frozenset(
    {"index", "index0", "revindex", "revindex0", "first", "last", "length", "previtem", "nextitem"}
)
_MARK: Final = "attune_template_function"
_Function = TypeVar("_Function", bound=Callable[..., Any])


def template_function(function: _Function) -> _Function:
    """Mark a function or method that templates may call; nothing else in a scope can be called."""
    setattr(function, _MARK, True)
    return function


def _is_marked(value: Any) -> bool:
    return not isinstance(value, Undefined) and getattr(value, _MARK, False) is True


class CodeGenerator(NativeCodeGenerator):
    """Yields values rather than text, and computes nothing while compiling (no limit would hold there)."""

    def _output_child_to_const(self, node: nodes.Expr, frame: Any, finalize: Any) -> Any:
        if isinstance(node, nodes.TemplateData):
            return super()._output_child_to_const(node, frame, finalize)
        raise nodes.Impossible


def _metered(name: str, function: Callable[..., Any], takes_context: bool, forgives: bool) -> Callable[..., Any]:
    """``function`` as a filter or test that counts, and that fails by name when given something undefined."""

    @pass_context
    @wraps(function)
    def metered(context: MeteredContext, value: Any, /, *args: Any, **named: Any) -> Any:
        context.meter.tick()
        if not forgives:
            _need_defined((value, *args, *named.values()))
        if name in filters.DEEP:
            weigh([value, *args, *named.values()])
        arguments = (context, value, *args) if takes_context else (value, *args)
        result = function(*arguments, **named)
        return result if forgives else context.meter.produced(result)

    return metered


def _need_defined(values: Iterable[Any]) -> None:
    for value in values:
        if isinstance(value, Missing):
            value._fail_with_undefined_error()


@pass_context
def _path(context: MeteredContext, value: Any, label: str, steps: tuple[Any, ...]) -> Any:
    """Follow ``steps`` from ``value``; where one is missing, a Missing that knows the whole path."""
    if isinstance(value, Missing) and value.missing_path == label:  # a name of the scope: say what is near
        value = type(value)(name=label, key=label, known=[*context.parent, *context.vars])
    for step in steps:
        if isinstance(value, Missing):
            value = value.then(_written(step))
            continue
        found = lookup(value, step)
        if found is ABSENT:
            _need_defined((step,))
            found = _missing(context.environment, value, label, step)
        elif not isinstance(found, Missing):
            label += _written(step)
        value = found
    return value


def _written(step: Any) -> str:
    return f".{step}" if isinstance(step, str) and step.isidentifier() else f"[{step!r}]"


def _missing(environment: Any, holder: Any, path: str, step: Any) -> Any:
    known: Iterable[Any] = holder if isinstance(holder, Mapping) else ()
    if isinstance(holder, Mapping):
        reason = f"{path!r} has no {step!r}"
    elif isinstance(holder, (list, tuple)) and isinstance(step, int):
        reason = f"{path!r} has {len(holder)} elements"
    else:
        reason = f"{path!r} is {kind(holder)}"
    return environment.undefined(name=path + _written(step), reason=reason, key=step, known=known)


def lookup(value: Any, key: Any) -> Any:
    """``value``'s entry ``key``, or ABSENT; the only way in which templates get into a value."""
    if isinstance(value, Mapping):
        try:
            return value[key]
        except KeyError:
            return ABSENT
    if isinstance(value, (list, tuple, str)):
        return value[key] if type(key) is int and -len(value) <= key < len(value) else ABSENT
    if isinstance(value, LoopContext):
        return getattr(value, key) if key in _LOOP_NAMES else ABSENT
    if not isinstance(key, str) or key.startswith("_"):
        return ABSENT
    member = getattr(value, key, None)
    return member if _is_marked(member) else ABSENT


@pass_context
def _slice(context: MeteredContext, value: Any, start: Any, stop: Any, step: Any) -> Any:
    _need_defined((start, stop, step))
    if isinstance(value, Missing):
        return value.then("[…]")
    if not isinstance(value, (str, list, tuple)):
        refuse(f"{kind(value)} has no slices")
    return context.meter.produced(value[start:stop:step])


@pass_context
def _concat(context: MeteredContext, pieces: list[Any]) -> Any:
    context.meter.tick()
    return context.meter.produced(joined(pieces))


@pass_context
def _operand(context: MeteredContext, value: Any) -> Any:
    """The left side of a comparison: a list or mapping is compared as deep as it is, so it is weighed."""
    if isinstance(value, (Mapping, list, tuple)):
        context.meter.tick()
        weigh(value)
    return value


@pass_context
def _each(context: MeteredContext, value: Any, pairs: bool) -> Any:
    """What a loop runs over: elements, characters, keys, or with two loop variables a mapping's pairs."""
    _need_defined((value,))
    if isinstance(value, Mapping):
        value = list(value.items()) if pairs else list(value)
    if not isinstance(value, (str, list, tuple)):
        refuse(f"a loop needs a list, not {kind(value)}")
    context.meter.tick()
    context.meter.loop(len(value))
    return value


def _check_product(left: Any, right: Any) -> None:
    for factor, other in ((left, right), (right, left)):
        is_repeated = isinstance(factor, (str, list, tuple)) and isinstance(other, int)
        if is_repeated and len(factor) * other * ELEMENT_VOLUME > MAX_VOLUME:
            refuse("the result of * is too long")
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() + right.bit_length() > MAX_INT_BITS:
        refuse("the result of * is too large")


def _check_power(left: Any, right: Any) -> None:
    if isinstance(left, int) and isinstance(right, int) and left.bit_length() * right > MAX_INT_BITS:
        refuse("the result of ** is too large")


def _check_remainder(left: Any, right: Any) -> None:  # noqa: ARG001 - one shape for all checks
    if isinstance(left, str):
        refuse("% does not format text; use ~ to join text and values")


_CHECKS: Final[dict[str, Callable[[Any, Any], None]]] = {
    "*": _check_product,
    "**": _check_power,
    "%": _check_remainder,
}


_GUARDS: Final[dict[str, Callable[..., Any]]] = {
    tera.PATH: _path,
    tera.SLICE: _slice,
    tera.CONCAT: _concat,
    tera.OPERAND: _operand,
    tera.EACH: _each,
}


class TemplateEnvironment(SandboxedEnvironment):
    """The sandbox with Tera's syntax; ``forgiving`` makes what is undefined null."""

    code_generator_class = CodeGenerator
    concat = staticmethod(joined)
    intercepted_binops = frozenset({"+", "-", "*", "/", "//", "**", "%"})

    def __init__(self, *, forgiving: bool) -> None:
        super().__init__(
            undefined=Forgiven if forgiving else Missing,
            optimized=False,
            autoescape=False,
            keep_trailing_newline=True,
            cache_size=0,
        )
        self._tera_lexer = tera.TeraLexer(self)
        self.globals = {name: template_function(function) for name, function in filters.FUNCTIONS.items()}
        self.filters = _table(filters.FILTERS, filters.CONTEXT_FILTERS, filters.FORGIVING_FILTERS)
        self.tests = _table(filters.TESTS, {}, filters.FORGIVING_TESTS)  # type: ignore[assignment]
        self.filters.update(_GUARDS)

    @property
    def lexer(self) -> tera.TeraLexer:
        """The lexer that knows ``?``."""
        return self._tera_lexer

    def is_safe_callable(self, obj: Any) -> bool:
        """Only what :func:`template_function` marked."""
        return _is_marked(obj)

    def call(self, context: Any, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        """Call a marked function with defined arguments."""
        _need_defined((obj, *args, *kwargs.values()))
        if not self.is_safe_callable(obj):
            refuse(f"{kind(obj)} cannot be called")
        context.meter.tick()
        named = {name: value for name, value in kwargs.items() if name not in ("_loop_vars", "_block_vars")}
        return context.meter.produced(obj(*args, **named))

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        """Compute ``left operator right`` where the result is of bearable size."""
        _need_defined((left, right))
        context.meter.tick()
        if operator in _CHECKS:
            _CHECKS[operator](left, right)
        try:
            result = self.binop_table[operator](left, right)
        except TypeError:
            refuse(f"{operator} does not work on {kind(left)} and {kind(right)}")
        return context.meter.produced(result)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """The key ``attribute``, never the attribute."""
        return self.getitem(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        """The entry ``argument`` of a mapping, list or text."""
        if isinstance(obj, Missing):
            return obj.then(_written(argument))
        found = lookup(obj, argument)
        return _missing(self, obj, "item", argument) if found is ABSENT else found


def _table(simple: Any, contextual: Any, forgiving: Any) -> dict[str, Callable[..., Any]]:
    return {
        **{name: _metered(name, function, False, False) for name, function in simple.items()},
        **{name: _metered(name, function, True, False) for name, function in contextual.items()},
        **{name: _metered(name, function, False, True) for name, function in forgiving.items()},
    }
