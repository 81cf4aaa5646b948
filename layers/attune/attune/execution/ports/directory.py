"""Listings of executions, attempts and inquiries, and who may ask for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from attune.engine.ids import AttemptId
from attune.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a listing, newest first; ``cursor`` (opaque) continues it, None at its end."""

    executions: Sequence[str]
    cursor: str | None = None


class Directory(Protocol):
    """Listings, and the requests that must not be done twice."""

    def executions(
        self, *, workflow: str | None = None, status: ExecutionStatus | None = None, limit: int = 50, cursor: str = ""
    ) -> Page:
        """Execution ids, newest first; raises InvalidRequest for a cursor that is none of ours."""
        ...

    def attempts(
        self, execution: str, *, limit: int = 100, cursor: str = ""
    ) -> tuple[list[dict[str, Any]], str | None]:
        """The records of an execution's attempts, by task, visit, item and number. A page may be short."""
        ...

    def stored(self, execution: str) -> dict[str, str]:
        """Where ``parameters`` and ``output`` of an execution lie, if they lie in objects of their own."""
        ...

    def inquiries(self, *, limit: int = 50, cursor: str = "") -> Page:
        """Ids of open inquiries, newest execution first."""
        ...

    def inquiry(self, execution: str, attempt: AttemptId) -> dict[str, Any] | None:
        """``{prompt, schema, assignees, since, limit, closed}`` of an inquiry; ``closed`` is None while it is open."""
        ...

    def remember(self, key: str, execution: str, digest: str) -> tuple[str, str]:
        """Bind an idempotency key to an execution and a digest of its request; the first binding wins and is
        returned.
        """
        ...

    def token_name(self, token: str) -> str | None:
        """Whose bearer token this is; None if it is not known."""
        ...

    def put_token(self, token: str, name: str) -> None:
        """Let this token in."""
        ...
