"""Listings in memory. What goes through an index may be a moment behind, as it is in DynamoDB."""

from __future__ import annotations

from typing import Any

from attune.adapters.memory.clock import VirtualClock
from attune.adapters.memory.disorder import Order
from attune.adapters.memory.execution_store import MemoryStore
from attune.engine.ids import AttemptId, wait_id
from attune.execution.ports.directory import Page
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus


class MemoryDirectory:
    """Implements :class:`attune.execution.ports.directory.Directory`; everything fits on one page."""

    def __init__(self, store: MemoryStore, clock: VirtualClock, order: Order) -> None:
        self._store, self._clock, self._order = store, clock, order
        self._bound: dict[str, tuple[str, str]] = {}
        self._tokens: dict[str, str] = {}

    def executions(
        self,
        *,
        workflow: str | None = None,
        status: ExecutionStatus | None = None,
        limit: int = 50,
        cursor: str = "",
    ) -> Page:
        """See the port."""
        del cursor
        found = [e for e in sorted(self._store.executions(), reverse=True) if self._fits(e, workflow, status)]
        return Page(found[:limit])

    def _fits(self, execution: str, workflow: str | None, status: ExecutionStatus | None) -> bool:
        start, state = self._store.load_start(execution), self._store.load(execution)
        ref = start.workflow if start else None
        return workflow in (None, ref) and (status is None or (state is not None and state.status is status))

    def attempts(
        self, execution: str, *, limit: int = 100, cursor: str = ""
    ) -> tuple[list[dict[str, Any]], str | None]:
        """See the port; all of them."""
        del limit, cursor
        records = sorted(self._store.records(execution), key=lambda row: _order(row[0]))
        return [_named(attempt) | record for attempt, record in records], None

    def stored(self, execution: str) -> dict[str, str]:
        """See the port; nothing does."""
        del execution
        return {}

    def inquiries(self, *, limit: int = 50, cursor: str = "") -> Page:
        """See the port."""
        del cursor
        seen = self._clock.now() - self._order.lag()
        waits = [row for row in self._store.waits() if row[2]["kind"] == WaitKind.INQUIRY and row[2]["since"] <= seen]
        found = [wait_id(execution, attempt) for execution, attempt, _ in waits]
        return Page(sorted(found, reverse=True)[:limit])

    def inquiry(self, execution: str, attempt: AttemptId) -> dict[str, Any] | None:
        """See the port."""
        wait = self._store.wait(execution, attempt)
        if wait is None or wait["kind"] != WaitKind.INQUIRY:
            return None
        return {**wait["terms"], "since": wait["since"], "limit": wait["limit"], "closed": wait["closed"]}

    def remember(self, key: str, execution: str, digest: str) -> tuple[str, str]:
        """See the port."""
        return self._bound.setdefault(key, (execution, digest))

    def token_name(self, token: str) -> str | None:
        """See the port."""
        return self._tokens.get(token)

    def put_token(self, token: str, name: str) -> None:
        """See the port."""
        self._tokens[token] = name


def _order(attempt: AttemptId) -> tuple[str, int, int, int]:
    return attempt.task, attempt.visit, -1 if attempt.index is None else attempt.index, attempt.number


def _named(attempt: AttemptId) -> dict[str, Any]:
    return {"task": attempt.task, "visit": attempt.visit, "index": attempt.index, "attempt": attempt.number}
