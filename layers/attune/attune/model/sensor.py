"""Sensors: what looks for news again and again, and sends an event for each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from attune.model.rule import Rule, TriggerType

POLL = "poll"
"""The only task of a sensor's workflow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """``action`` is asked as ``schedule`` says. ``parameters`` are templates that see ``cursor``.

    ``items`` (a list) and ``cursor`` are templates over the ``result`` of the action; ``key`` is one over ``item``,
    too: what tells one item from another. Each item not seen before becomes an event of the type ``event_type``.
    """

    ref: str
    pack: str
    action: str
    schedule: str
    event_type: str
    label: str = ""
    description: str = ""
    enabled: bool = True
    timezone: str = "UTC"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    items: Any = "{{ result }}"
    key: Any = "{{ item }}"
    cursor: Any = None

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Sensor:
        """Inverse of :meth:`to_dict`."""
        return cls(**data)

    def as_rule(self) -> Rule:
        """What has a schedule made for it."""
        when: dict[str, Any] = {"enabled": self.enabled, "schedule": self.schedule, "timezone": self.timezone}
        return Rule(ref=self.ref, pack=self.pack, trigger=TriggerType.SCHEDULE, action=self.ref, **when)

    def workflow(self) -> dict[str, Any]:
        """The workflow that polls, as its file would be: each poll is an execution like any other.

        The parameters are rendered when it is started, so that the execution shows what was asked.
        """
        names = {name: f"{{{{ parameters[{name!r}] }}}}" for name in self.parameters}
        return {
            "ref": self.ref,
            "label": self.label,
            "description": self.description or f"Polls for the sensor {self.ref}.",
            "parameters": {"type": "object", "properties": {name: {} for name in names}},
            "tasks": [{"name": POLL, "action": self.action, "input": names}],
            "output_map": {"result": f"{{{{ task.{POLL}.result }}}}"},
        }
