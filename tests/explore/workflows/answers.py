"""What actions do."""

from __future__ import annotations

from typing import Any

from tests.conftest import Failure


def twice_failing(attempt: Any) -> Any:
    """The third attempt succeeds."""
    if attempt.number < 3:
        raise Failure
    return {"n": attempt.number}


def every_third_fails(attempt: Any) -> Any:
    """Of items that are numbers."""
    if attempt.input["n"] % 3 == 2:
        raise Failure
    return dict(attempt.input)


def first_time_fails(attempt: Any) -> Any:
    """The second attempt succeeds."""
    if attempt.number == 1:
        raise Failure
    return dict(attempt.input)


class Counting:
    """An action that gives another result each time it runs: which run it was of its execution."""

    def __init__(self) -> None:
        self._runs: dict[str, int] = {}

    def __call__(self, attempt: Any) -> Any:
        run = self._runs[attempt.execution_id] = self._runs.get(attempt.execution_id, 0) + 1
        return {"n": run}


class MendedLater:
    """An action that fails until somebody has seen its execution fail."""

    def __init__(self) -> None:
        self.mended = False

    def __call__(self, attempt: Any) -> Any:
        if not self.mended and attempt.index in (None, 1):
            raise Failure
        return dict(attempt.input)
