"""Executions: their states, their attempts and the claims on these."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from attune.engine.effects import Write
from attune.engine.facts import Fact, StoredFact
from attune.engine.ids import AttemptId
from attune.engine.messages import Start
from attune.engine.state import State
from attune.execution.ports.queues import TaskMessage


class ClaimStatus(StrEnum):
    """What a worker that wants to run an attempt learns."""

    GRANTED = "granted"
    RUNNING = "running"
    """Somebody else holds the lease until ``lease_until``."""
    LOST = "lost"
    """Somebody held it, the lease ran out, and the action must not be run twice."""
    ENDED = "ended"
    """It is over; ``record`` says how."""


@dataclass(frozen=True, slots=True)
class Record:
    """How an attempt ended (``status`` completed, failed or timed_out)."""

    status: str
    result: Any = None
    error: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The engine's fact."""
        return {"status": self.status, "result": self.result, "error": self.error}


@dataclass(frozen=True, slots=True)
class Claim:
    """The answer to a claim."""

    status: ClaimStatus
    lease_until: float = 0.0
    record: Record | None = None


class ExecutionStore(Protocol):
    """States, and the records that go with them. One execution's things live together."""

    def create(self, start: Start) -> bool:
        """Write what the execution was started with, unless it is there; True if it was written now."""
        ...

    def load_start(self, execution: str) -> Start | None:
        """What the execution was started with."""
        ...

    def load(self, execution: str) -> State | None:
        """The state, read consistently."""
        ...

    def load_all(self, executions: Sequence[str]) -> list[tuple[Start | None, State | None]]:
        """What each was started with, and its state, read consistently; with as few calls as can be."""
        ...

    def save(self, state: State, expected: int) -> bool:
        """Save as version ``expected + 1`` if the stored version is ``expected`` (0: none); False if refused."""
        ...

    def write(self, execution: str, writes: Iterable[Write]) -> None:
        """The records that go with a state, before it is saved."""
        ...

    def facts(self, execution: str, wanted: Iterable[StoredFact]) -> dict[Fact, Any]:
        """What the engine asked for; every fact is in the answer (None where nothing is stored)."""
        ...

    def claim(self, message: TaskMessage, token: str, now: float, lease_until: float) -> Claim:
        """Take the lease of an attempt with one conditional write; a refusal that carries ``token`` is a grant."""
        ...

    def finish(self, execution: str, attempt: AttemptId, record: Record, now: float, child: str = "") -> Record:
        """Record how an attempt ended; the first wins, and what is returned is what is recorded."""
        ...
