"""Which names of its scope a template uses, known from its syntax tree without rendering it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import nodes

from attune.expressions.tera import steps


@dataclass(frozen=True, slots=True)
class Reference:
    """A name of the scope and the path below it: ``task`` and ``('build', 'result', 'id')``.

    A subscript that only rendering knows ends the path; everything below may then be used.
    """

    root: str
    path: tuple[str | int, ...]


def in_tree(tree: nodes.Template) -> Iterator[Reference]:
    """The references of a template; names that it sets itself are none."""
    return _in_body(tree.body, frozenset())


def _in_body(body: list[nodes.Node], local: frozenset[str]) -> Iterator[Reference]:
    for node in body:
        yield from _in_node(node, local)
        if isinstance(node, (nodes.Assign, nodes.AssignBlock)):
            local |= _names(node.target)


def _in_node(node: nodes.Node, local: frozenset[str]) -> Iterator[Reference]:
    """References of a statement or expression, where ``local`` are the template's own names."""
    visit = _VISITS.get(type(node))
    if visit is not None:
        yield from visit(node, local)
        return
    for child in node.iter_child_nodes():
        yield from _in_node(child, local)


def _in_path(node: nodes.Expr, local: frozenset[str]) -> Iterator[Reference]:
    root, path = steps(node)
    for step in path:
        yield from _in_node(step, local)
    if not isinstance(root, nodes.Name):
        children = root.iter_child_nodes() if isinstance(root, nodes.Getitem) else [root]
        for child in children:
            yield from _in_node(child, local)
    elif root.ctx == "load" and root.name not in local:
        yield Reference(root.name, tuple(_known(path)))


def _in_call(node: nodes.Call, local: frozenset[str]) -> Iterator[Reference]:
    """What ``kv.get('x')`` reads is ``kv``, ``get``, ``x``: a first argument that is written out ends the path."""
    function, argument = _called(node), node.args[0] if node.args else None
    for reference in _in_node(node.node, local):
        if reference == function and isinstance(argument, nodes.Const) and isinstance(argument.value, str):
            yield Reference(reference.root, (*reference.path, argument.value))
        else:
            yield reference
    for child in filter(None, (*node.args, *node.kwargs, node.dyn_args, node.dyn_kwargs)):
        yield from _in_node(child, local)


def _called(node: nodes.Call) -> Reference | None:
    """The member of a scope that is called, if its whole path is written out."""
    root, path = steps(node.node)
    known = tuple(_known(path))
    return Reference(root.name, known) if path and len(known) == len(path) and isinstance(root, nodes.Name) else None


def _known(path: list[nodes.Expr]) -> Iterator[str | int]:
    for step in path:
        if not isinstance(step, nodes.Const) or type(step.value) not in (str, int):
            return
        yield step.value


def _in_for(node: nodes.For, local: frozenset[str]) -> Iterator[Reference]:
    yield from _in_node(node.iter, local)
    inner = local | _names(node.target) | {"loop"}
    if node.test is not None:
        yield from _in_node(node.test, inner)
    yield from _in_body(node.body, inner)
    yield from _in_body(node.else_, local)


def _in_with(node: nodes.With, local: frozenset[str]) -> Iterator[Reference]:
    for value in node.values:
        yield from _in_node(value, local)
    yield from _in_body(node.body, local.union(*map(_names, node.targets)))


def _in_if(node: nodes.If, local: frozenset[str]) -> Iterator[Reference]:
    yield from _in_node(node.test, local)
    for branch in (node.body, node.elif_, node.else_):
        yield from _in_body(branch, local)  # type: ignore[arg-type]


def _in_block(node: Any, local: frozenset[str]) -> Iterator[Reference]:
    if node.filter is not None:
        yield from _in_node(node.filter, local)
    yield from _in_body(node.body, local)


def _names(target: nodes.Node) -> frozenset[str]:
    found = {name.name for name in target.find_all(nodes.Name)}
    return frozenset(found | ({target.name} if isinstance(target, nodes.Name) else set()))


_VISITS: dict[type[nodes.Node], Any] = {
    nodes.Name: _in_path,
    nodes.Getattr: _in_path,
    nodes.Getitem: _in_path,
    nodes.Call: _in_call,
    nodes.For: _in_for,
    nodes.With: _in_with,
    nodes.If: _in_if,
    nodes.AssignBlock: _in_block,
    nodes.FilterBlock: _in_block,
}
