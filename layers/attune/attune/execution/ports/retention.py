"""Letting go of executions that ended, some days after their end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left to be done: to mark what ended then (None: to unmark what goes on), from a place on."""

    ended_at: float | None
    after: str = ""


def never() -> bool:
    """Time never runs out."""
    return False


class Retention(Protocol):
    """Marks all that is stored of an ended execution for deletion.

    An execution can have more items than a function has time for. Then both methods stop and return what is left;
    whoever called sees to it that it is done. ``after`` is where the last call stopped.
    """

    def mark_expired(
        self, execution: str, ended_at: float, after: str = "", out_of_time: Callable[[], bool] = never
    ) -> Rest | None:
        """Mark what is not marked yet. Safe to call again, and at any time: an execution that goes on is left alone."""
        ...

    def unmark(self, execution: str, after: str = "", out_of_time: Callable[[], bool] = never) -> Rest | None:
        """Take the marks from an execution that goes on after its end."""
        ...
