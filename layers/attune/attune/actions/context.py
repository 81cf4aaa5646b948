"""What an action is told about the attempt it is."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attune.actions.attempt import Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Passed to a python action that names a ``context`` argument.

    ``attempt`` counts from 1; ``index`` is the item's number or None; ``expires`` is a ``time.monotonic()``
    value. ``idempotency_key`` is the same for every attempt at the same work: hand it to services that
    deduplicate, and a retry after a lost reply does no harm.
    """

    logger: logging.Logger
    execution_id: str
    workflow: str
    task: str
    index: int | None
    attempt: int
    idempotency_key: str
    pack_config: Mapping[str, Any]
    expires: float

    @classmethod
    def of(cls, attempt: Attempt, expires: float) -> Context:
        """The context of ``attempt``, which will be killed at ``expires``."""
        return cls(
            logger=logging.getLogger(f"action.{attempt.action.ref}"),
            execution_id=attempt.execution_id,
            workflow=attempt.workflow,
            task=attempt.task,
            index=attempt.index,
            attempt=attempt.number,
            idempotency_key=attempt.idempotency_key,
            pack_config=attempt.pack_config,
            expires=expires,
        )

    def remaining(self) -> float:
        """Seconds left before this attempt is killed; never negative."""
        return max(0.0, self.expires - time.monotonic())
