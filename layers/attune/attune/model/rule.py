"""Rules: what starts a workflow without anybody asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class TriggerType(StrEnum):
    """An event on the bus, or the clock."""

    EVENT = "event"
    SCHEDULE = "schedule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``pattern`` is an EventBridge pattern; ``schedule`` a ``cron(…)`` or ``rate(…)`` of EventBridge Scheduler.

    ``criteria`` and ``parameters`` are templates that see ``event`` (its whole envelope: source, detail-type,
    detail, time, id). ``action`` is the ref of the workflow to start.
    """

    ref: str
    pack: str
    trigger: TriggerType
    action: str
    label: str = ""
    enabled: bool = True
    pattern: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = ""
    timezone: str = "UTC"
    criteria: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Rule:
        """Inverse of :meth:`to_dict`."""
        return cls(**{**data, "trigger": TriggerType(data["trigger"])})
