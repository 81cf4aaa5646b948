"""The core pack's actions that need a worker."""

from typing import Any

from attune.actions import ActionError


def echo(message: Any = "") -> dict[str, Any]:
    """``{message}``, and a line of output."""
    print(message)  # noqa: T201 - what an echo is for
    return {"message": message}


def fail(message: str, type: str, retryable: bool = False) -> None:  # noqa: A002 - the error's own word
    """Fails as told."""
    raise ActionError(message, type=type, retryable=retryable)


def set_values(values: dict[str, Any]) -> dict[str, Any]:
    """The values: rendering them was the work."""
    return values
