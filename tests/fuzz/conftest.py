"""The deployed functions, as the integration tests have them."""

from __future__ import annotations

from tests.integration.conftest import aws, bucket, clients, ledger, queues, stack, table

__all__ = ["aws", "bucket", "clients", "ledger", "queues", "stack", "table"]
