"""What comes through the pipe on which an attempt's result is reported, read as input from a stranger.

The child of a worker frames its report: :data:`HEADER` bytes with the length of the body, then the body, which is JSON:
``{"result": …}`` or ``{"error": {type, message, details, retryable}}``. But the action runs in that child and can write
to the same pipe. So nothing here relies on what the child would have sent. A report that it cannot have sent fails its
own attempt; whatever got through would break where it is stored, and the whole batch with it.
"""

from __future__ import annotations

from typing import Any

from attune.actions.attempt import Outcome, OutcomeStatus
from attune.actions.errors import DETAILS_LIMIT
from attune.actions.result import RESULT_LIMIT, is_too_deep, parse
from attune.exceptions import task_error

HEADER = 8
"""Bytes with the length of the body, the highest first."""
FRAME_LIMIT = RESULT_LIMIT + 1024
"""Bytes of the longest report that a child sends."""
ERROR_LIMIT = 2 * DETAILS_LIMIT
"""Bytes of the longest report of an error: its details, a message and a type, every character beyond ASCII escaped."""

_ERROR = {"type": str, "message": str, "retryable": bool}


def frame(body: bytes) -> bytes:
    """A report as it is sent."""
    return len(body).to_bytes(HEADER) + body


def is_complete(received: bytearray) -> bool:
    """Whether all of a report is there."""
    return len(received) >= HEADER and len(received) >= HEADER + int.from_bytes(received[:HEADER])


def read(received: bytearray) -> Outcome:
    """How the attempt ended, by a complete report; it has crashed if its child cannot have sent that."""
    body = bytes(received[HEADER:])
    try:
        if len(body) != int.from_bytes(received[:HEADER]):
            raise ValueError("more than one report")
        return _outcome(parse(body), body)
    except ValueError:
        message = "the action wrote into the pipe that its result comes through"
        return Outcome(OutcomeStatus.FAILED, error=task_error("crashed", message))


def _outcome(report: Any, body: bytes) -> Outcome:
    """Raises ValueError for what is no report."""
    match report:
        case {"result": result, **rest} if not rest and not is_too_deep(result, body):
            return Outcome(OutcomeStatus.COMPLETED, result=result)
        case {"error": dict(error), **rest} if not rest and len(body) <= ERROR_LIMIT and _is_error(error, body):
            return Outcome(OutcomeStatus.FAILED, error=error)
    raise ValueError("neither a result nor an error")


def _is_error(error: dict[str, Any], body: bytes) -> bool:
    """Whether it is as :func:`attune.exceptions.task_error` makes it."""
    complete = error.keys() == {*_ERROR, "details"} and not is_too_deep(error["details"], body)
    return complete and all(isinstance(error[name], kind) for name, kind in _ERROR.items())
