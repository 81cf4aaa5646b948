"""What goes into a run and what comes out of it: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from attune.model.action import ActionSpec
from attune.model.masking import Masker

NOTHING_SECRET = Masker(())


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One try at one task (or one of its items); everything in ``input`` is rendered already.

    ``workflow`` is a ref; ``index`` the item's number, None without ``with_items``; ``visit`` counts how often
    the execution has come to the task; ``number`` counts attempts from 1; ``timeout`` is in seconds and, when
    None, is the action's own, else the runner's default; ``mask`` knows the secrets in ``input``.
    """

    execution_id: str
    workflow: str
    task: str
    index: int | None
    visit: int
    number: int
    action: ActionSpec
    input: Mapping[str, Any]
    timeout: float | None = None
    pack_config: Mapping[str, Any] = field(default_factory=dict)
    mask: Masker = NOTHING_SECRET

    @property
    def idempotency_key(self) -> str:
        """``execution/task/visit/index`` ("-" without items): the same for every attempt at the same work."""
        index = "-" if self.index is None else self.index
        return f"{self.execution_id}/{self.task}/{self.visit}/{index}"


class OutcomeStatus(StrEnum):
    """How an attempt ended."""

    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an attempt: a JSON ``result``, or an ``error`` made by :func:`attune.exceptions.task_error`."""

    status: OutcomeStatus
    result: Any = None
    error: dict[str, Any] | None = None
