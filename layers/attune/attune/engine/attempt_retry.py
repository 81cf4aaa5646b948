"""When to try again, and after how long. Pure, and the same every time it is asked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from attune.model.graph import Backoff, RetryPolicy

_GROWTH: dict[Backoff, Callable[[int], int]] = {
    Backoff.CONSTANT: lambda failed: 1,
    Backoff.LINEAR: lambda failed: failed,
    Backoff.EXPONENTIAL: lambda failed: 1 << min(failed - 1, 60),
}


def delay(retry: RetryPolicy, failed: int, seed: str) -> float:
    """Seconds to wait after the ``failed``-th attempt (counted from 1).

    With ``jitter`` the delay is spread evenly over its upper half; ``seed`` decides where it falls, so that
    folding the same message twice sets the same timer.
    """
    seconds = retry.delay * _GROWTH[retry.backoff](failed)
    if retry.max_delay is not None:
        seconds = min(seconds, retry.max_delay)
    return seconds * (0.5 + _fraction(seed) / 2) if retry.jitter else seconds


def _fraction(seed: str) -> float:
    return int.from_bytes(hashlib.sha256(seed.encode()).digest()[:6], "big") / 2**48
