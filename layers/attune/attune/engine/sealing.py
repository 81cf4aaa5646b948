"""Inputs with secrets in them: what reads a secret is left for the worker to render, with just what it needs for it.

So that no secret comes by here, let alone to rest (promise 7).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine.context import Context, Own, parameters_fact
from attune.exceptions import TemplateError
from attune.expressions import templates
from attune.model.graph import ActionSpec
from attune.model.secrets import OPEN_ACTIONS, Secrets, Withheld, parted, put_back, seal_of

Sealed = Mapping[str, Any]
"""``{"templates": [[path, template], …], "scope": {…}}``: what a worker renders, and the names that it uses."""


def render(context: Context, given: Any, own: Own, extra: Mapping[str, Any]) -> tuple[dict[str, Any], Sealed | None]:
    """The input, ``***`` for what is left to the worker, and that; raises TemplateError."""
    if not given:
        return {}, None
    secrets = context.graph.secrets
    if not _reads_secrets(given, secrets):
        return dict(context.render(given, own=own, **extra)), None
    shown, left = parted(context.render(_withhold(given, secrets), own=own, **extra))
    scope = _excerpt(context, [source for _, source in left], own, extra)
    return dict(shown), {"templates": [[list(path), source] for path, source in left], "scope": scope}


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


def _reads_secrets(given: Any, secrets: Secrets) -> bool:
    return any(secrets.in_reference(reference) for reference in templates.references(given))


def _withhold(value: Any, secrets: Secrets) -> Any:
    if isinstance(value, str):
        return Withheld(value) if _reads_secrets(value, secrets) else value
    if isinstance(value, Mapping):
        return {key: _withhold(item, secrets) for key, item in value.items()}
    return [_withhold(item, secrets) for item in value] if isinstance(value, (list, tuple)) else value


def _excerpt(context: Context, sources: list[str], own: Own, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of the scope that these templates name, secret parameters sealed."""
    scope, found = context.scope(sources, own=own, **extra), dict[str, Any]()
    for reference in sorted(templates.references(sources), key=str):
        if reference.root == "parameters":
            _pick(found, context.facts.get(parameters_fact(context.state)), ("parameters", *reference.path))
        elif reference.root != "kv":
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
    for path in context.graph.secrets.paths:
        if templates.is_path(source, ("parameters", *path)):
            values = context.facts.get(parameters_fact(context.state))["parameters"]
            found = context.graph.secrets.of(values).get(path)
            return found if seal_of(found) is not None else None
    return None
