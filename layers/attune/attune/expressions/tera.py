"""Tera's clothes for Jinja: from template text to a safe syntax tree.

:func:`parse` reads Jinja plus ``cond ? a : b`` and ``null``, and refuses tags and shapes that templates of
workflows do not have. :func:`guarded` then puts a guard around every operation that the sandbox cannot
intercept by itself: paths, slices, ``~``, comparisons and loops become calls of the filters named here
(their names end in ``!``, so no template can spell them as a filter).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.lexer import TOKEN_BLOCK_BEGIN, TOKEN_VARIABLE_BEGIN, Lexer
from jinja2.parser import Parser
from jinja2.visitor import NodeTransformer

from attune.expressions.values import MAX_INT_BITS, nearest

PATH: Final = "path!"
SLICE: Final = "slice!"
CONCAT: Final = "concat!"
OPERAND: Final = "operand!"
EACH: Final = "each!"

_QUESTION: Final = "?"
_STATEMENTS: Final[tuple[type[nodes.Node], ...]] = (
    nodes.Template,
    nodes.Output,
    nodes.TemplateData,
    nodes.If,
    nodes.For,
    nodes.With,
    nodes.Assign,
    nodes.AssignBlock,
    nodes.FilterBlock,
    nodes.Pair,
    nodes.Keyword,
    nodes.Operand,
)
_TAGS: Final[dict[type[nodes.Node], str]] = {
    nodes.CallBlock: "call",
    nodes.FromImport: "from",
    nodes.NSRef: "set a.b",
    nodes.Scope: "autoescape",
}


class TeraLexer(Lexer):
    """Jinja's lexer with one more token, ``?``."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        for state in (TOKEN_VARIABLE_BEGIN, TOKEN_BLOCK_BEGIN):
            rules = self.rules[state]
            self.rules[state] = [*rules, rules[0]._replace(pattern=re.compile(r"\?"), tokens=_QUESTION, command=None)]


class TeraParser(Parser):
    """Jinja's parser with ``cond ? a : b`` (right associative, as loose as the inline if) and ``null``."""

    def parse_condexpr(self) -> nodes.Expr:
        """An inline if in either spelling."""
        return self._either(super().parse_condexpr())

    def parse_expression(self, with_condexpr: bool = True) -> nodes.Expr:
        """An expression; Jinja's own inline if is left out in ``{% if %}`` and ``{% for %}``, Tera's is not."""
        expression = super().parse_expression(with_condexpr)
        return expression if with_condexpr else self._either(expression)

    def _either(self, test: nodes.Expr) -> nodes.Expr:
        if not self.stream.skip_if(_QUESTION):
            return test
        then = self.parse_condexpr()
        self.stream.expect("colon")
        return nodes.CondExpr(test, then, self.parse_condexpr(), lineno=test.lineno)

    def parse_primary(self, with_namespace: bool = False) -> nodes.Expr:
        """A name or literal, ``null`` among them."""
        token = self.stream.current
        if not self.stream.skip_if("name:null"):
            return super().parse_primary(with_namespace)
        return nodes.Const(None, lineno=token.lineno)


def parse(environment: Environment, source: str) -> nodes.Template:
    """The checked tree of ``source``; raises Jinja's TemplateSyntaxError."""
    tree = TeraParser(environment, source).parse()
    _check(environment, tree)
    return tree


def _check(environment: Environment, tree: nodes.Node) -> None:
    pending = [tree]
    while pending:
        node = pending.pop()
        problem = _problem(environment, node)
        if problem:
            raise TemplateSyntaxError(problem, node.lineno)
        pending.extend(node.iter_child_nodes())


def _problem(environment: Environment, node: nodes.Node) -> str | None:
    if not isinstance(node, (nodes.Expr, *_STATEMENTS)) or isinstance(node, nodes.NSRef):
        tag = _TAGS.get(type(node), type(node).__name__.lower())
        return f"{{% {tag} %}} is not available in templates"
    if isinstance(node, nodes.Filter):
        return _unknown("filter", node.name, environment.filters)
    if isinstance(node, nodes.Test):
        return _unknown("test", node.name, environment.tests)
    if isinstance(node, nodes.CondExpr) and node.expr2 is None:
        return "an inline if needs an else"
    if isinstance(node, nodes.For) and node.recursive:
        return "recursive loops are not available in templates"
    return "a number is too large" if isinstance(node, nodes.Const) and _is_huge(node.value) else None


def _is_huge(value: Any) -> bool:
    if isinstance(value, float):
        return not math.isfinite(value)
    return isinstance(value, int) and value.bit_length() > MAX_INT_BITS


def _unknown(what: str, name: str, known: Iterable[str]) -> str | None:
    if name in known:
        return None
    hint = nearest(name, known)
    return f"there is no {what} {name!r}" + (f", {hint}" if hint else "")


def only_expression(tree: nodes.Template) -> nodes.Expr | None:
    """The expression of a template that is exactly one ``{{ expression }}``, white space aside."""
    outputs = [node for node in tree.body if isinstance(node, nodes.Output)]
    pieces = [piece for output in outputs for piece in output.nodes if not _is_blank(piece)]
    if len(outputs) < len(tree.body) or len(pieces) != 1 or isinstance(pieces[0], nodes.TemplateData):
        return None
    return pieces[0]


def _is_blank(node: nodes.Node) -> bool:
    return isinstance(node, nodes.TemplateData) and not node.data.strip()


def steps(node: nodes.Expr) -> tuple[nodes.Expr, list[nodes.Expr]]:
    """``a.b[c].d`` as its root ``a`` and the steps ``'b'``, ``c``, ``'d'``; slices are roots."""
    path: list[nodes.Expr] = []
    while isinstance(node, (nodes.Getattr, nodes.Getitem)):
        if isinstance(node, nodes.Getattr):
            path.append(nodes.Const(node.attr, lineno=node.lineno))
        elif isinstance(node.arg, nodes.Slice):
            break
        else:
            path.append(node.arg)
        node = node.node
    return node, path[::-1]


def guarded(tree: nodes.Template) -> nodes.Template:
    """``tree`` (changed in place) with the guards that this module's docstring names."""
    guarded_tree: nodes.Template = _Guards().visit(tree)
    return guarded_tree


class _Guards(NodeTransformer):
    def visit_Name(self, node: nodes.Name) -> nodes.Expr:  # noqa: N802 - Jinja's naming
        return self._path(node) if node.ctx == "load" else node

    def visit_Getattr(self, node: nodes.Getattr) -> nodes.Expr:  # noqa: N802
        return self._path(node)

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Expr:  # noqa: N802
        if not isinstance(node.arg, nodes.Slice):
            return self._path(node)
        node = self._inside(node)
        bounds: Any = node.arg
        arguments = [bound or nodes.Const(None) for bound in (bounds.start, bounds.stop, bounds.step)]
        return _guard(SLICE, node.node, arguments)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Expr:  # noqa: N802
        return _guard(CONCAT, nodes.List(self._inside(node).nodes, lineno=node.lineno))

    def visit_Compare(self, node: nodes.Compare) -> nodes.Expr:  # noqa: N802
        """Guard the left side of each comparison: where it is a scalar, the comparison is cheap."""
        node = self._inside(node)
        node.expr = _guard(OPERAND, node.expr)
        for operand in node.ops[:-1]:
            operand.expr = _guard(OPERAND, operand.expr)
        return node

    def visit_For(self, node: nodes.For) -> nodes.Stmt:  # noqa: N802
        node = self._inside(node)
        pairs = isinstance(node.target, nodes.Tuple) and len(node.target.items) == 2
        node.iter = _guard(EACH, node.iter, [nodes.Const(pairs)])  # type: ignore[arg-type]
        return node

    def _inside(self, node: Any) -> Any:
        return self.generic_visit(node)

    def _path(self, node: nodes.Expr) -> nodes.Expr:
        root, path = steps(node)
        label = nodes.Const(_label(root))
        inner = root if isinstance(root, nodes.Name) else self.visit(root)
        keys = nodes.Tuple([self.visit(step) for step in path], "load", lineno=node.lineno)
        return _guard(PATH, inner, [label, keys])


def _guard(name: str, node: nodes.Expr, arguments: list[nodes.Expr] | None = None) -> nodes.Filter:
    return nodes.Filter(node, name, arguments or [], [], None, None, lineno=node.lineno)


def _label(node: nodes.Expr) -> str:
    """How an error message names what a path starts from."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Filter) and node.node is not None:
        return f"(… | {node.name})"
    if isinstance(node, nodes.Call):
        root, path = steps(node.node)
        names = [str(step.value) for step in path if isinstance(step, nodes.Const)]
        return ".".join([_label(root), *names]) + "(…)"
    return "(…)"
