"""The deployed functions, as the integration tests have them."""

from __future__ import annotations

from tests.integration.conftest import (
    aws,
    bare_stack,
    bucket,
    clients,
    known_to_all,
    ledger,
    queues,
    referee,
    stack,
    table,
)

__all__ = ["aws", "bare_stack", "bucket", "clients", "known_to_all", "ledger", "queues", "referee", "stack", "table"]
