"""Fuzzing: random input against everything that takes input from outside.

``make test`` tries a few fixed examples (derandomized, so that a failure is the same everywhere); ``make fuzz`` tries
many more, other ones each time, and prints how to repeat what failed.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

from tests.integration.conftest import aws, bucket, clients, ledger, queues, stack, table

__all__ = ["aws", "bucket", "clients", "ledger", "queues", "stack", "table"]

CALM = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

settings.register_profile("quick", max_examples=60, deadline=None, derandomize=True, suppress_health_check=CALM)
settings.register_profile("long", max_examples=3_000, deadline=None, suppress_health_check=CALM, print_blob=True)
