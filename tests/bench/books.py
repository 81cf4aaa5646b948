"""What handlers use in the process in which they run: units of what is billed, CPU time, and log lines."""

from __future__ import annotations

import contextlib
import logging
import resource
import time
from collections.abc import Iterator

from attune.cost.prices import Meter
from attune.wiring import process
from tests.metering.unit_ledger import UnitLedger

SERVICES = ("dynamodb", "sqs", "s3", "events", "scheduler")


def cpu() -> float:
    """Seconds of CPU time of this process and of the children that it has buried."""
    mine, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return mine.ru_utime + mine.ru_stime + children.ru_utime + children.ru_stime


class ShiftedClock:
    """The real time, moved on past waiting."""

    shift = 0.0

    def now(self) -> float:
        """Epoch seconds."""
        return time.time() + self.shift


class _LogSize:
    """Where log lines go: only their length matters."""

    size = 0

    def write(self, text: str) -> None:
        """Count it."""
        self.size += len(text)

    def flush(self) -> None:
        """Nothing is kept."""


class Books:
    """``units`` that were billed, and the CPU ``times`` of calls, by function and number of messages."""

    def __init__(self) -> None:
        self.units = UnitLedger()
        self.times: dict[tuple[str, int], list[float]] = {}

    def attach(self) -> None:
        """Begin counting."""
        for service in SERVICES:
            self.units.attach(process.client(service))

    def reset(self) -> None:
        """Forget what was counted so far."""
        self.units.reset()
        self.times = {}

    @contextlib.contextmanager
    def running(self, name: str, messages: int = 0) -> Iterator[None]:
        """A call of a function meanwhile."""
        log, begun = _LogSize(), cpu()
        for handler in logging.getLogger("service_undefined").handlers:
            handler.setStream(log)  # type: ignore[attr-defined]
        yield
        self.times.setdefault((name, messages), []).append(cpu() - begun)
        self.units.add(Meter.LAMBDA_REQUEST, 1)
        self.units.add(Meter.LOGS, log.size / 1024**3)
