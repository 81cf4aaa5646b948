"""From plain data to a model, with every mismatch in plain words at its place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from attune.expressions.values import kind, nearest
from attune.language.findings import MAX_PROBLEMS, Findings
from attune.language.source import Path

M = TypeVar("M", bound=BaseModel)

_ATTEMPTS = 4
"""Leaving out a wrong value can leave its parent without a key that it needs, and so on."""
_NEEDED = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "float_type": "a number",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
}


def parse(model: type[M], findings: Findings) -> M | None:
    """The file as ``model``, or None if too little is left of it.

    What is wrong goes to ``findings`` and is left out, so that the rest can be looked at too; the result is then
    good for finding more problems, not for running.
    """
    rest: Any = deepcopy(findings.source.data)
    for attempt in range(_ATTEMPTS):
        try:
            return model.model_validate(rest)
        except ValidationError as error:
            wrong = error.errors(include_url=False)
        for row in wrong[:MAX_PROBLEMS] if attempt == 0 else ():
            _report(model, row, findings)
        for row in wrong:
            _leave_out(rest, tuple(row["loc"]), missing=row["type"] == "missing")
    return None


def _report(model: type[BaseModel], row: Mapping[str, Any], findings: Findings) -> None:
    path = tuple(row["loc"])
    kind_of_error = str(row["type"])
    if kind_of_error == "extra_forbidden":
        known = _keys_at(model, path[:-1])
        hint: str | None = nearest(path[-1], known) or f"known keys: {', '.join(known)}"
        findings.error("unknown-key", path, f"unknown key {path[-1]!r}", hint, key=True)
    elif kind_of_error == "missing":
        findings.error("missing-key", path[:-1], f"the key {path[-1]!r} is missing")
    else:
        message, hint = _words(kind_of_error, row)
        findings.error("bad-value", path, f"{_label(path)} {message}", hint)


def _words(kind_of_error: str, row: Mapping[str, Any]) -> tuple[str, str | None]:
    """What a value must be, and advice."""
    given = row["input"]
    if kind_of_error in _NEEDED:
        number = kind_of_error == "string_type" and isinstance(given, int | float)
        return f"must be {_NEEDED[kind_of_error]}, not {kind(given)}", "put it in quotes" if number else None
    words = _WORDS.get(kind_of_error)
    return words(row.get("ctx", {}), given) if words else (str(row["msg"]), None)


def _choice(context: Mapping[str, Any], given: Any) -> tuple[str, str | None]:
    expected = str(context["expected"])
    known = [word.strip("' ") for word in expected.replace(" or ", ", ").split(",")]
    return f"must be {expected}, not {given!r}", nearest(given, known)


def _failure(context: Mapping[str, Any], _given: Any) -> tuple[str, str | None]:
    message = str(context["error"])
    return (message, None) if message.startswith("must") else (f"is wrong: {message}", None)


_WORDS: dict[str, Callable[[Mapping[str, Any], Any], tuple[str, str | None]]] = {
    "greater_than_equal": lambda context, given: (f"must be at least {context['ge']}, not {given}", None),
    "less_than_equal": lambda context, given: (f"must be at most {context['le']}, not {given}", None),
    "too_short": lambda _context, _given: ("must not be empty", None),
    "enum": _choice,
    "literal_error": _choice,
    "value_error": _failure,
}


def _label(path: Path) -> str:
    """The key a message is about: ``'on_success'``, or ``entry 2 of 'tasks'``."""
    if not path:
        return "the file"
    if isinstance(path[-1], int):
        return f"entry {path[-1] + 1} of {path[-2]!r}" if len(path) > 1 else f"entry {path[-1] + 1}"
    return repr(path[-1])


def _keys_at(model: type[BaseModel], path: Path) -> list[str]:
    for step in path:
        if isinstance(step, str) and step in model.model_fields:
            model = _model_in(model.model_fields[step].annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model somewhere inside ``list[Model] | None``."""
    if isinstance(annotation, type) and get_origin(annotation) is None:
        return annotation if issubclass(annotation, BaseModel) else None
    if get_origin(annotation) in (list, dict, Union, UnionType, Annotated):
        return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
    return None


def _leave_out(data: Any, path: Path, *, missing: bool) -> None:
    """Remove the nearest key that holds the wrong value; positions in lists stay what they are."""
    nameless_task = missing and path[-3::2] == ("tasks", "name")
    path = path[:-1] if missing and not nameless_task else path
    while path and not isinstance(path[-1], str):
        path = path[:-1]
    for step in path[:-1]:
        if not _has(data, step):
            return
        data = data[step]
    if nameless_task:
        data["name"] = f"(task {'.'.join(map(str, path[1::2]))})"
    elif path and _has(data, path[-1]):
        del data[path[-1]]


def _has(data: Any, step: Any) -> bool:
    return (isinstance(data, dict) and step in data) or (isinstance(data, list) and step in range(len(data)))
