"""How much one rendering may use up: loops, data produced, CPU time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from time import thread_time
from typing import Any, Final

from jinja2 import Environment
from jinja2.runtime import Context
from jinja2.utils import missing

from attune.expressions.values import refuse

MAX_LOOPS: Final = 100_000
"""Passes through loops in one rendering, all loops together."""
MAX_SECONDS: Final = 2.0
"""CPU seconds of one rendering; waiting (for a secret, say) does not count."""
MAX_VOLUME: Final = 8 << 20
"""What filters, operators and calls may produce in one rendering: a character counts 1, an element more."""

ELEMENT_VOLUME: Final = 8
"""What one element of a list or mapping counts, in characters."""


class Meter:
    """What one rendering may still use up. Raises when a limit is passed."""

    __slots__ = ("deadline", "loops", "volume")

    def __init__(self) -> None:
        self.loops, self.volume = MAX_LOOPS, MAX_VOLUME
        self.deadline = thread_time() + MAX_SECONDS

    def tick(self) -> None:
        """Note one operation; each is short, so looking at the clock here bounds them all."""
        if thread_time() > self.deadline:
            refuse(f"the template takes longer than {MAX_SECONDS:g} seconds")

    def loop(self, passes: int) -> None:
        """Note that a loop begins."""
        self.loops -= passes
        if self.loops < 0:
            refuse(f"the template loops more than {MAX_LOOPS:,} times")

    def produced(self, value: Any) -> Any:
        """``value``, its size noted; generators become lists."""
        if isinstance(value, Iterator):
            value = list(self._collect(value))
        elif isinstance(value, str):
            self._spend(len(value))
        elif isinstance(value, (list, tuple, dict)):
            self._spend(len(value) * ELEMENT_VOLUME)
        return value

    def _collect(self, elements: Iterator[Any]) -> Iterator[Any]:
        for element in elements:
            self._spend(ELEMENT_VOLUME)
            self.tick()
            yield element

    def _spend(self, volume: int) -> None:
        self.volume -= volume
        if self.volume < 0:
            refuse("the template produces too much data")


class MeteredContext(Context):
    """A context that reads names from any Mapping (which may compute them) and carries the meter."""

    meter: Meter

    def __init__(self, environment: Environment, scope: Mapping[str, Any], meter: Meter) -> None:
        super().__init__(environment, scope, None, {})  # type: ignore[arg-type]
        self.meter = meter

    def resolve_or_missing(self, key: str) -> Any:
        """A name set by the template, else of the scope, else a global function."""
        if key in self.vars:
            return self.vars[key]
        try:
            return self.parent[key]
        except KeyError:
            return self.environment.globals.get(key, missing)
