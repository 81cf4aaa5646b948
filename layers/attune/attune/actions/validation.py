"""Checks an action's input and output against its JSON Schemas."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from attune.actions.attempt import NOTHING_SECRET
from attune.actions.errors import ActionError
from attune.model.action import ActionSpec
from attune.model.masking import Masker
from attune.model.schema import mismatches, with_defaults

ERRORS_LIMIT = 20
"""Mismatches that are listed; a list of 10,000 wrong rows must not become an error of 10,000 lines."""


def prepare(action: ActionSpec) -> None:
    """Have the action's schemas compiled (and jsonschema imported), so that forks find it done.

    Raises:
        ActionError: ``invalid_schema``.

    """
    for schema in filter(None, (action.parameters, action.output_schema)):
        _prepare(json.dumps(schema))


@lru_cache(maxsize=256)
def _prepare(schema: str) -> None:
    _errors({}, json.loads(schema))


def complete_input(action: ActionSpec, given: Mapping[str, Any], mask: Masker = NOTHING_SECRET) -> dict[str, Any]:
    """``given`` with the schema's defaults filled in.

    Raises:
        ActionError: ``invalid_input``, with the mismatches in ``details.errors`` as ``{path, message}``.

    """
    filled = with_defaults(given, action.parameters)
    if action.parameters and (errors := _errors(filled, action.parameters, mask)):
        raise _invalid("invalid_input", f"the input of {action.ref} is not valid", errors)
    return filled


def check_output(action: ActionSpec, encoded: bytes) -> None:
    """Raises ``invalid_output`` if the result (JSON text) does not fit the action's ``output_schema``."""
    if action.output_schema and (errors := _errors(json.loads(encoded), action.output_schema)):
        raise _invalid("invalid_output", f"what {action.ref} returned does not fit its output_schema", errors)


def _errors(value: Any, schema: Mapping[str, Any], mask: Masker = NOTHING_SECRET) -> list[dict[str, str]]:
    try:
        return mismatches(value, schema, mask.text)
    except Exception as exc:  # a schema that is none, or refers to nowhere: jsonschema raises all sorts of things
        text = f"the action's schema is wrong: {type(exc).__name__}: {exc}"
        raise ActionError(text, type="invalid_schema", retryable=False) from exc


def _invalid(type_: str, what: str, errors: list[dict[str, str]]) -> ActionError:
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    message = f"{what}: {errors[0]['path']}: {errors[0]['message']}{more}"
    return ActionError(message, type=type_, details={"errors": errors[:ERRORS_LIMIT]}, retryable=False)
