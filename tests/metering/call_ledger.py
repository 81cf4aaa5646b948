"""Counts the calls that boto3 makes, by service and operation: what a task costs is measured, not guessed."""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import Any

Call = tuple[str, str]
"""Service and operation, as botocore names them: ``("dynamodb", "UpdateItem")``."""


class CallLedger:
    """Listens to botocore's own events; a call that botocore retries counts once."""

    def __init__(self) -> None:
        self.counts: Counter[Call] = Counter()
        self.request_bytes: Counter[Call] = Counter()
        self._lock = Lock()

    def attach(self, target: Any) -> None:
        """Count the calls of a client, or of every client that a boto3 session makes from now on."""
        events = target.meta.events if hasattr(target, "meta") else target.events
        events.register("before-call.*.*", self._note, unique_id=f"attune-ledger-{id(self)}")

    def _note(self, model: Any, params: Any, **_: Any) -> None:
        call = (str(model.service_model.service_name), str(model.name))
        body = params.get("body") or b""
        with self._lock:
            self.counts[call] += 1
            self.request_bytes[call] += len(body) if isinstance(body, str | bytes | bytearray) else 0

    def of(self, service: str) -> dict[str, int]:
        """The calls of one service, by operation."""
        return {operation: count for (name, operation), count in sorted(self.counts.items()) if name == service}

    def total(self) -> int:
        """All calls."""
        return self.counts.total()

    def reset(self) -> None:
        """Begin again at nothing."""
        with self._lock:
            self.counts.clear()
            self.request_bytes.clear()
