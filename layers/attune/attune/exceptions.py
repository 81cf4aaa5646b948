"""The one hierarchy of errors that Attune raises on purpose.

Every error has a stable ``code`` (for programs), a message that says what was wrong, and, where it
helps, a ``hint`` that says what to do. The API renders them as ``{"error", "code", "details"}`` with
``http_status``; the CLI prints message and hint. Anything that is not an :class:`AttuneError` is a bug.

What a *task* fails with is data, not an exception: see :func:`task_error`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from typing import Any


class AttuneError(Exception):
    """Base of all errors; ``details`` must be JSON."""

    code = "internal_error"
    http_status = 500

    def __init__(self, message: str, *, hint: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def to_dict(self) -> dict[str, Any]:
        """The API's error body: ``{"error", "code", "details"}``."""
        details = {**self.details, **({"hint": self.hint} if self.hint else {})}
        return {"error": self.message, "code": self.code, "details": details}


class Deferred(BaseException):
    """Base of what a template's scope may raise to stop a rendering on purpose; it passes through as it is."""


class NotFound(AttuneError):
    """The named thing does not exist."""

    code = "not_found"
    http_status = 404


class Unauthorized(AttuneError):
    """No token, or one that is not known."""

    code = "unauthorized"
    http_status = 401


class Forbidden(AttuneError):
    """The caller is known, but this is for others to do."""

    code = "forbidden"
    http_status = 403


class InvalidRequest(AttuneError):
    """The request is malformed; nothing was done."""

    code = "invalid_request"
    http_status = 400


class PayloadTooLarge(AttuneError):
    """A body, file or value is over its documented limit."""

    code = "payload_too_large"
    http_status = 413


class UnsupportedMediaType(AttuneError):
    """A body that is said to be something else than JSON, and is."""

    code = "unsupported_media_type"
    http_status = 415


class Conflict(AttuneError):
    """The request contradicts the present state (a finished execution, a reused idempotency key)."""

    code = "conflict"
    http_status = 409


class Unavailable(AttuneError):
    """A service we stand on did not answer; trying again is right."""

    code = "unavailable"
    http_status = 503


class InvalidParameters(AttuneError):
    """Parameters do not fit their schema; ``errors`` lists every mismatch as ``{path, message}``."""

    code = "invalid_parameters"
    http_status = 422

    def __init__(self, message: str, errors: Sequence[Mapping[str, str]]) -> None:
        super().__init__(message, errors=[dict(e) for e in errors])
        self.errors = list(errors)


class TemplateError(AttuneError):
    """A template cannot be compiled or rendered. ``expression`` is its source."""

    code = "template_error"
    http_status = 422

    def __init__(self, message: str, *, expression: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, expression=expression)
        self.expression = expression


class Severity(StrEnum):
    """How much a :class:`Problem` matters: an error stops, a warning only speaks."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Location:
    """Where in a source file; lines and columns count from 1."""

    file: str
    line: int = 1
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of the validator: what is wrong, where, and what to do."""

    code: str
    message: str
    location: Location
    _: KW_ONLY
    hint: str | None = None
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        tail = f" ({self.hint})" if self.hint else ""
        return f"{self.location}: {self.severity}: {self.message}{tail} [{self.code}]"

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON."""
        where = self.location
        return {
            "severity": str(self.severity),
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "file": where.file,
            "line": where.line,
            "column": where.column,
        }


class InvalidDefinition(AttuneError):
    """A workflow, action, pack or rule file is wrong; ``problems`` has all of it at once."""

    code = "invalid_definition"
    http_status = 422

    def __init__(self, problems: Sequence[Problem]) -> None:
        errors = [p for p in problems if p.severity is Severity.ERROR]
        first = str(errors[0]) if errors else "no errors"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        super().__init__(first + more, problems=[p.to_dict() for p in problems])
        self.problems = list(problems)


def task_error(type_: str, message: str, *, retryable: bool = True, details: Any = None) -> dict[str, Any]:
    """What ``task.<name>.error`` is: ``{type, message, details, retryable}``, all JSON."""
    return {"type": type_, "message": message, "details": details, "retryable": retryable}
