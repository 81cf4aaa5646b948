"""The runner of estimates: no action runs, each succeeds with a result that says nothing but has the right form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.actions.errors import ActionError, error_of
from attune.actions.validation import complete_input
from attune.testing.mocks import COMPUTED

_OF_TYPE: Final[Mapping[str, Any]] = MappingProxyType(
    {"object": {}, "array": [], "string": "", "integer": 0, "number": 0, "boolean": False, "null": None}
)


class BlankRunner:
    """Implements :class:`attune.execution.worker.Runner`. What the core pack computes is computed."""

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:  # noqa: ARG002
        """Every attempt ends at once; one whose input its action refuses fails, as it would."""
        yield from ((position, _answer(attempt)) for position, attempt in enumerate(attempts))


def _answer(attempt: Attempt) -> Outcome:
    try:
        given = complete_input(attempt.action, attempt.input)
    except ActionError as error:
        return Outcome(OutcomeStatus.FAILED, error=error_of(error, Path()))
    if attempt.action.ref in COMPUTED:
        return COMPUTED[attempt.action.ref](given)
    return Outcome(OutcomeStatus.COMPLETED, blank(attempt.action.output_schema or {}))


def blank(schema: Mapping[str, Any]) -> Any:
    """A value of the form that a JSON Schema asks for: what it names if it does, else empty ones of its types.

    All properties are there, not only the required ones, for templates may name them. Limits (lengths, patterns) are
    not minded.
    """
    for named in ("const", "default"):
        if named in schema:
            return schema[named]
    for several in ("enum", "examples"):
        if schema.get(several):
            return schema[several][0]
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else kinds[0]
    if kind == "object":
        return {name: blank(inner) for name, inner in schema.get("properties", {}).items() if isinstance(inner, dict)}
    if kind == "array" and schema.get("minItems"):
        return [blank(schema.get("items") or {})] * int(schema["minItems"])
    return _OF_TYPE[kind]
