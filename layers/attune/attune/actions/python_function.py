"""Calls a python action: a plain (or ``async``) function with keyword arguments and a return value."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attune.actions.attempt import Attempt
from attune.actions.context import Context
from attune.actions.errors import ActionError
from attune.actions.loading import load_function


def call(attempt: Attempt, arguments: Mapping[str, Any], context: Context, packs_dir: Path) -> Any:
    """What the function returns; ``context`` is passed to one that names it, whatever it raises is let through.

    Raises:
        ActionError: ``action_not_found``, ``action_import_failed``, or ``invalid_input`` when the function does
            not take the input's names.

    """
    function = load_function(packs_dir, attempt.action)
    parameters = inspect.signature(function).parameters
    given = {**arguments, "context": context} if "context" in parameters else dict(arguments)
    _check_names(function, parameters, given)
    value = function(**given)
    if inspect.iscoroutine(value):
        import asyncio

        return asyncio.run(value)
    return value


def _check_names(
    function: Callable[..., Any], parameters: Mapping[str, inspect.Parameter], given: Mapping[str, Any]
) -> None:
    kinds = {p.kind for p in parameters.values()}
    named = [p for p in parameters.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    known = {p.name for p in named}
    unknown = [] if inspect.Parameter.VAR_KEYWORD in kinds else sorted(set(given) - known)
    missing = [p.name for p in named if p.default is p.empty and p.name not in given]
    errors = [{"path": f"$.{name}", "message": "the function has no such argument"} for name in unknown]
    errors += [{"path": f"$.{name}", "message": "the function needs this argument"} for name in missing]
    if errors:
        first = f"{errors[0]['path']}: {errors[0]['message']}"
        message = f"the input does not fit {getattr(function, '__name__', function)}(): {first}"
        raise ActionError(message, type="invalid_input", details={"errors": errors}, retryable=False)
