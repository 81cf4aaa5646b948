"""Errors of actions: the exception that authors raise, and how any exception becomes a task's ``error``."""

from __future__ import annotations

import json
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.actions.attempt import NOTHING_SECRET
from attune.exceptions import AttuneError, task_error
from attune.model.masking import Masker

MESSAGE_LIMIT = 4_000
"""Characters kept of an error's message."""

TYPE_LIMIT = 200
"""Characters kept of an error's type."""

DETAILS_LIMIT = 64 * 1024
"""Bytes of JSON that an error's details may have; an error travels in messages and in the execution's state."""

QUOTED_LIMIT = 2_000
"""Characters kept of a :class:`Quoted` text."""

FRAMES_LIMIT = 10
"""Lines of traceback kept: those nearest to where it was raised."""


class Quoted(str):
    """In an error's details: text from elsewhere, of which the beginning is kept. :func:`error_of` cuts it, once the
    secrets in it are masked.
    """

    __slots__ = ()


class ActionError(AttuneError):
    """Raise it in an action to fail with a type and details of your choice.

    ``type`` is what ``task.<name>.error.type`` will be (default: ``ActionError``); ``details`` must be JSON;
    ``retryable=False`` says that trying again can't help, so the task's ``retry`` is not used.
    """

    code = "action_error"

    def __init__(
        self,
        message: str,
        *,
        type: str | None = None,  # noqa: A002 - the word of the error's own JSON
        details: Mapping[str, Any] | None = None,
        retryable: bool = True,
    ) -> None:
        super().__init__(message)
        self.type = type or self.__class__.__name__
        self.details = dict(details or {})
        self.retryable = retryable


def error_of(exc: BaseException, home: Path, mask: Masker = NOTHING_SECRET) -> dict[str, Any]:
    """Any exception as ``{type, message, details, retryable}``, without the secrets that ``mask`` knows.

    An exception may carry ``details`` and ``retryable`` attributes of its own; without details it gets the lines
    of its traceback that lie in ``home``, the folder of the action's files (nobody wants to see ours).
    """
    if isinstance(exc, SystemExit):
        code = mask.text(repr(exc.code))
        return task_error("exited", f"the action called sys.exit({code}) instead of returning a result")
    type_ = _text(mask.text(str(exc.type)) if isinstance(exc, ActionError) else type(exc).__name__, TYPE_LIMIT)
    details = getattr(exc, "details", None)
    if details is None and not isinstance(exc, ActionError):
        details = {"traceback": own_frames(exc, home)}
    retryable = getattr(exc, "retryable", True) is not False
    return task_error(type_, _message(exc, mask), retryable=retryable, details=_bounded(_cut(details, mask)) or None)


def own_frames(exc: BaseException, home: Path) -> list[str]:
    """``file.py:12 in function: source line`` for each frame of the action's own code, the innermost last."""
    base = f"{home}/"
    frames = [f for f in traceback.extract_tb(exc.__traceback__) if f.filename.startswith(base)]
    return [f"{f.filename.removeprefix(base)}:{f.lineno} in {f.name}: {f.line}" for f in frames[-FRAMES_LIMIT:]]


def _cut(details: Any, mask: Masker) -> Any:
    if not isinstance(details, Mapping):
        return details
    return {n: mask.text(v)[:QUOTED_LIMIT] if isinstance(v, Quoted) else v for n, v in details.items()}


def _message(exc: BaseException, mask: Masker) -> str:
    """Masked before it is cut: of a part of a secret nobody knows that it is one."""
    try:
        text = str(exc)
    except Exception:
        text = "(its message could not be made)"
    return _text(mask.text(text.encode("utf-8", "replace").decode()), MESSAGE_LIMIT)


def _text(text: Any, limit: int) -> str:
    """At most so many characters, all of which UTF-8 can hold."""
    whole = str(text).encode("utf-8", "replace").decode()
    return whole if len(whole) <= limit else f"{whole[:limit]}… ({len(whole)} characters)"


def _bounded(details: Any) -> Any:
    try:
        text = json.dumps(details, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return {"note": "the details are not JSON and were left out"}
    if len(text) > DETAILS_LIMIT:
        return {"note": f"the details have {len(text)} bytes and were left out; {DETAILS_LIMIT} are allowed"}
    return json.loads(text)
