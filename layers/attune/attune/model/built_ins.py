"""The built-ins: what the engine does itself, without a worker, a queue or a cost.

One row here per built-in. Beside it stand how it starts (``engine/built_ins.py``), what its literal inputs must mean
where their schema cannot say it (``language/checks/built_in_check.py``), and its action file in ``packs/core``; a test
holds them together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class WaitKind(StrEnum):
    """What comes from outside: a person's answer, or an event."""

    INQUIRY = "inquiry"
    EVENT = "event"


class BuiltIn(StrEnum):
    """The entry points of actions whose ``runner_type`` is ``engine``."""

    NOOP = "noop"
    SLEEP = "sleep"
    INQUIRY = "inquiry"
    WAIT_FOR_EVENT = "wait_for_event"


@dataclass(frozen=True, kw_only=True, slots=True)
class Traits:
    """``waits_for``: what comes from outside, and is then its result (in a record of its own); None: nothing does.

    ``can_fail`` is False for one in which nothing can go wrong but its templates.
    """

    waits_for: WaitKind | None = None
    can_fail: bool = True

    @property
    def leaves_record(self) -> bool:
        """Whether there is a record to read its result from; without one the result is null."""
        return self.waits_for is not None


TRAITS: Final[Mapping[BuiltIn, Traits]] = MappingProxyType(
    {
        BuiltIn.NOOP: Traits(can_fail=False),
        BuiltIn.SLEEP: Traits(),
        BuiltIn.INQUIRY: Traits(waits_for=WaitKind.INQUIRY),
        BuiltIn.WAIT_FOR_EVENT: Traits(waits_for=WaitKind.EVENT),
    }
)
