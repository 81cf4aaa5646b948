"""Asking a person at the terminal for an answer that fits a schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import typer

from attune.cli import parameters
from attune.exceptions import Conflict, InvalidParameters, InvalidRequest
from attune.model.schema import mismatches

Schema = Mapping[str, Any]
Read = Callable[[str], str]
"""Shows a text and gives what is typed behind it."""
Say = Callable[[str], None]


def at_terminal() -> bool:
    """Whether somebody is there who can be asked."""
    return sys.stdin.isatty()


def read(text: str) -> str:
    """A line from the terminal, the question on standard error; raises typer.Abort at Ctrl-C and at the end."""
    return str(typer.prompt(text, default="", show_default=False, prompt_suffix=" ", err=True))


def say(text: str) -> None:
    """Write a line to standard error."""
    typer.echo(text, err=True)


def question(inquiry: Mapping[str, Any]) -> str:
    """What is asked, where, and whom."""
    whom = f" (asks {', '.join(inquiry['assignees'])})" if inquiry["assignees"] else ""
    return f"{inquiry['task']}: {inquiry['prompt']}{whom}"


def ask(schema: Schema | None, read: Read = read, say: Say = say) -> Any:
    """Ask until the answer fits: field by field if it is a mapping with known names, else for one value."""
    schema = schema or {}
    while True:
        given = _fields(schema, read, say) if schema.get("properties") else _value("answer", schema, True, read, say)
        wrong = mismatches(given, schema)
        if not wrong:
            return given
        for row in wrong:
            say(f"  {row['path']}: {row['message']}")


def of_text(text: str, schema: Schema | None) -> Any:
    """An answer from the command line: JSON, or text where the schema wants some; raises InvalidParameters."""
    return fitting(parameters.value(text, schema or {}), schema)


def of_json(text: str) -> Any:
    """JSON as it is typed; raises InvalidRequest."""
    try:
        return json.loads(text)
    except ValueError as error:
        hint = """a text needs its quotes: --response '"yes"'"""
        raise InvalidRequest(f"the response is not JSON: {error}", hint=hint) from None


def fitting(response: Any, schema: Schema | None) -> Any:
    """The response, if it fits; raises InvalidParameters with every mismatch."""
    wrong = mismatches(response, schema) if schema else []
    if wrong:
        raise InvalidParameters(f"the response does not fit: {wrong[0]['path']}: {wrong[0]['message']}", wrong)
    return response


def check_open(inquiry: Mapping[str, Any]) -> None:
    """Raises Conflict for an inquiry that nobody can answer any more."""
    if inquiry["closed"] is not None:
        raise Conflict(f"inquiry '{inquiry['id']}' is no longer open: {inquiry['closed']}")


def _fields(schema: Schema, read: Read, say: Say) -> dict[str, Any]:
    required, found = schema.get("required") or [], dict[str, Any]()
    for name, rule in schema["properties"].items():
        given = _value(name, rule if isinstance(rule, Mapping) else {}, name in required, read, say)
        if given is not _NOTHING:
            found[name] = given
    return found


_NOTHING: Any = object()


def _value(name: str, rule: Schema, required: bool, read: Read, say: Say) -> Any:
    """One value; nothing typed is the default, or no value where none is needed."""
    while True:
        text = read(_label(name, rule, required)).strip()
        if not text and "default" in rule:
            return rule["default"]
        if not text and not required:
            return _NOTHING
        given = parameters.value(text, rule)
        wrong = mismatches(given, rule)
        if text and not wrong:
            return given
        say(f"  {wrong[0]['message'] if text else 'an answer is needed'}")


def _label(name: str, rule: Schema, required: bool) -> str:
    """``approved (yes or no): `` with what helps to answer."""
    about = rule.get("description") or rule.get("title")
    hints = [_kind(rule), "" if required or "default" in rule else "may be left out"]
    known = ", ".join(hint for hint in hints if hint)
    default = f" [{json.dumps(rule['default'], ensure_ascii=False)}]" if "default" in rule else ""
    return f"  {name}{f' - {about}' if about else ''}{f' ({known})' if known else ''}{default}:"


def _kind(rule: Schema) -> str:
    if rule.get("enum"):
        return " | ".join(map(str, rule["enum"]))
    return _KINDS.get(rule.get("type") if isinstance(rule.get("type"), str) else "", "")  # type: ignore[arg-type]


_KINDS: Mapping[str, str] = {
    "boolean": "yes or no",
    "integer": "a whole number",
    "number": "a number",
    "array": "a list, as JSON",
    "object": "a mapping, as JSON",
}
