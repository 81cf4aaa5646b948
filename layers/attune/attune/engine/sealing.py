"""Inputs with secrets: the worker renders the templates that read one, and gets only the names that these use.

So the engine never sees a secret, and none is stored (promise 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine.context import Context, Own, parameters_fact
from attune.exceptions import TemplateError
from attune.expressions import templates
from attune.model.action import ActionSpec
from attune.model.graph import Graph
from attune.model.secrets import OPEN_ACTIONS, Secrets, Withheld, parted, put_back, seal_of

PARAMETERS = "parameters"
Sealed = Mapping[str, Any]
"""``{"templates": [[path, template], …], "scope": {…}}``: what a worker renders, and the names that it uses.

``parameters`` says under which name of the scope the parameters are, where that is not their own."""


def render(context: Context, given: Any, own: Own, extra: Mapping[str, Any]) -> tuple[dict[str, Any], Sealed | None]:
    """The input with ``***`` for each template left to the worker; and these templates. Raises TemplateError."""
    if not given:
        return {}, None
    if not _reads_secrets(given, context.graph):
        return dict(context.render(given, own=own, **extra)), None
    shown, left = parted(context.render(_withhold(given, context.graph), own=own, **extra))
    scope = _excerpt(context, [source for _, source in left], own, extra)
    sealed: dict[str, Any] = {"templates": [[list(path), source] for path, source in left], "scope": scope}
    parameters = context.graph.names.theirs(PARAMETERS)
    return dict(shown), sealed if parameters == PARAMETERS else {**sealed, PARAMETERS: parameters}


def refuse_open(spec: ActionSpec, sealed: Sealed | None) -> None:
    """Raises TemplateError for an action that would give a secret away."""
    if sealed is not None and spec.ref in OPEN_ACTIONS:
        source = str(sealed["templates"][0][1])
        raise TemplateError(f"{spec.ref} would give a secret away, in {source}", expression=source)


def render_for_child(
    context: Context, given: Any, own: Own, extra: Mapping[str, Any], child: ActionSpec
) -> dict[str, Any]:
    """The parameters of a child; a secret parameter goes on as it is, sealed, to one that is secret there, too."""
    values, sealed = render(context, given, own, extra)
    takes = Secrets(child.parameters).paths
    for path, source in sealed["templates"] if sealed else ():
        value = _parameter(context, source)
        if value is None or tuple(path) not in takes:
            hint = f"have '{child.ref}' call kv.get_secret itself, or pass exactly a secret parameter to a secret one"
            message = f"a secret cannot be passed to the workflow '{child.ref}', in {source}"
            raise TemplateError(message, expression=source, hint=hint)
        put_back(values, tuple(path), value)
    return values


def _reads_secrets(given: Any, graph: Graph) -> bool:
    return any(graph.secrets.in_reference(graph.names.ours(named)) for named in templates.references(given))


def _withhold(value: Any, graph: Graph) -> Any:
    if isinstance(value, str):
        return Withheld(value) if _reads_secrets(value, graph) else value
    if isinstance(value, Mapping):
        return {key: _withhold(item, graph) for key, item in value.items()}
    return [_withhold(item, graph) for item in value] if isinstance(value, (list, tuple)) else value


def _excerpt(context: Context, sources: list[str], own: Own, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the scope that these templates name, secret parameters sealed."""
    scope, found = context.scope(sources, own=own, **extra), dict[str, Any]()
    for reference in sorted(templates.references(sources), key=str):
        root = context.graph.names.ours(reference).root
        if root == PARAMETERS:
            given = context.facts.get(parameters_fact(context.state))[PARAMETERS]
            _pick(found, {reference.root: given}, (reference.root, *reference.path))
        elif root != "kv":
            _pick(found, scope, (reference.root, *reference.path))
    return found


def _pick(found: dict[str, Any], scope: Mapping[str, Any], path: tuple[str | int, ...]) -> None:
    """Copy what is at the path; what is not there will not be there for the worker either."""
    name, rest = path[0], path[1:]
    try:
        value = scope[name]  # type: ignore[index]
    except KeyError:
        return
    if rest and isinstance(value, Mapping) and seal_of(value) is None:
        _pick(found.setdefault(str(name), {}), value, rest)
    else:
        found[str(name)] = templates.copied(value, str(name))


def _parameter(context: Context, source: str) -> Any:
    """The sealed value of the secret parameter that the template is exactly, else None."""
    root = context.graph.names.theirs(PARAMETERS)
    for path in context.graph.secrets.paths:
        if templates.is_path(source, (root, *path)):
            values = context.facts.get(parameters_fact(context.state))["parameters"]
            found = context.graph.secrets.of(values).get(path)
            return found if seal_of(found) is not None else None
    return None
