"""How hard the fuzz tests try.

``make test`` tries a few examples, the same ones each time; ``make fuzz`` tries many, other ones each time, and
prints how to repeat what failed.
"""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

MORE = int(os.environ.get("ATTUNE_TEST_EXAMPLES", "0"))
_CALM = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


def tries(count: int) -> Any:
    """So many examples in ``make test``; in ``make fuzz`` as many as ``ATTUNE_TEST_EXAMPLES`` says, in proportion."""
    return settings(
        max_examples=max(2, count * MORE // 100 if MORE else count),
        derandomize=not MORE,
        database=None,
        deadline=None,
        suppress_health_check=_CALM,
        print_blob=bool(MORE),
    )
