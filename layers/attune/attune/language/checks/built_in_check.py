"""Inputs of the actions that the engine runs by itself, as far as they are written out.

Their schemas say what kind of value each input is; what is checked here is what such a value must mean: a length of
time, a JSON Schema, an event pattern.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from attune.expressions.templates import is_template
from attune.language import flat
from attune.language.findings import Findings
from attune.language.source import Path
from attune.model.action import ActionSpec
from attune.model.built_ins import BuiltIn
from attune.model.durations import seconds
from attune.model.patterns import event_types

_EVENT_KEYS: Final = ("event_type", "pattern")
LONGEST_WITHIN: Final = 86_400.0
"""Seconds (a day) for which events are kept at most for those who begin to wait later."""


def check_input(findings: Findings, path: Path, values: Mapping[str, Any], spec: ActionSpec) -> None:
    """Report what is wrong with the literal inputs of one call, written at ``path``."""
    check = CHECKS.get(BuiltIn(spec.entry_point)) if spec.traits is not None else None
    if check is not None:
        check(findings, path, values, spec)


def has_template(value: Any) -> bool:
    """Whether there is a template anywhere in the value."""
    if isinstance(value, str):
        return is_template(value)
    if isinstance(value, dict):
        return any(has_template(part) for pair in value.items() for part in pair)
    return isinstance(value, list) and any(has_template(part) for part in value)


def compiled_input(values: Mapping[str, Any], spec: ActionSpec | None, findings: Findings) -> Mapping[str, Any]:
    """The input as the engine wants it: an inquiry's flat schema has become a JSON Schema."""
    schema = values.get("schema")
    if spec is None or spec.entry_point != BuiltIn.INQUIRY or not isinstance(schema, dict) or has_template(schema):
        return values
    return {**values, "schema": _answer_schema(schema, (), findings)}


def check_pattern(pattern: Mapping[str, Any], path: Path, findings: Findings) -> None:
    """EventBridge wants a list of alternatives at every leaf."""
    for key, value in pattern.items():
        here = (*path, key)
        if isinstance(value, dict):
            check_pattern(value, here, findings)
        elif not isinstance(value, list) and not key.startswith("$"):
            findings.error("bad-pattern", here, f"the pattern's {key!r} must be a list of values", f"write [{value}]")


def _answer_schema(schema: dict[str, Any], path: Path, findings: Findings) -> dict[str, Any]:
    """Flat (every value is a mapping) or a JSON Schema of any kind."""
    is_flat = bool(schema) and "properties" not in schema and all(isinstance(rule, dict) for rule in schema.values())
    if is_flat or flat.is_full_schema(schema):
        return flat.to_schema(schema, path, findings)
    return flat.checked_schema(schema, path, findings)


def _check_sleep(findings: Findings, path: Path, values: Mapping[str, Any], spec: ActionSpec) -> None:
    length = values.get("seconds")
    if isinstance(length, str) and not is_template(length):
        try:
            seconds(length)
        except ValueError as error:
            findings.error("bad-input", (*path, "seconds"), f"{spec.ref}: {error}")


def _check_inquiry(findings: Findings, path: Path, values: Mapping[str, Any], spec: ActionSpec) -> None:
    del spec
    schema = values.get("schema")
    if isinstance(schema, dict) and not has_template(schema):
        _answer_schema(schema, (*path, "schema"), findings)


def _check_wait(findings: Findings, path: Path, values: Mapping[str, Any], spec: ActionSpec) -> None:
    if not any(key in values for key in _EVENT_KEYS) and not has_template(list(values)):
        message = f"{spec.ref} needs the input 'event_type' or 'pattern'"
        findings.error("missing-input", path, message, key=True)
    pattern = values.get("pattern")
    if isinstance(pattern, dict) and not has_template(pattern):
        check_pattern(pattern, (*path, "pattern"), findings)
    if values.get("within") is not None:
        _check_within(findings, path, values, spec)


def _check_within(findings: Findings, path: Path, values: Mapping[str, Any], spec: ActionSpec) -> None:
    """Which events are kept, and how long, must be known before any workflow waits."""
    here, within = (*path, "within"), values["within"]
    try:
        if has_template(within):
            raise ValueError("write it out: how long events are kept must be known before anything runs")
        if seconds(within) > LONGEST_WITHIN:
            raise ValueError("events are kept for a day at most")
    except ValueError as error:
        findings.error("bad-input", here, f"{spec.ref}: input 'within': {error}")
    if event_types(values) is None:
        hint = "write the event's type out: only events of such types are kept"
        findings.error("bad-input", here, f"{spec.ref}: 'within' needs event types without templates", hint)


CHECKS: Final[dict[BuiltIn, Callable[[Findings, Path, Mapping[str, Any], ActionSpec], None]]] = {
    BuiltIn.SLEEP: _check_sleep,
    BuiltIn.INQUIRY: _check_inquiry,
    BuiltIn.WAIT_FOR_EVENT: _check_wait,
}
"""Of those built-ins whose inputs mean more than their schemas say."""
