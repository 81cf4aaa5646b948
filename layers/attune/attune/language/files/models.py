"""What may be written in action, pack, rule and sensor files."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from attune.language.fields import Condition, Strict, Timeout
from attune.model.action import Runner
from attune.model.rule import TriggerType


class ActionModel(Strict):
    """An action file."""

    ref: str | None = None
    label: str | None = None
    description: str | None = None
    runner_type: Annotated[Runner, Field(strict=False)]
    entry_point: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    output_schema: dict[str, Any] | None = None
    idempotent: bool = True
    timeout: Timeout | None = None
    tags: list[str] = Field(default_factory=list)
    enabled: bool = True


class PackModel(Strict):
    """``pack.yaml``; ``config`` describes the pack's settings as an action's ``parameters`` are described."""

    ref: str | None = None
    label: str | None = None
    description: str | None = None
    version: str = ""
    author: str | None = None
    keywords: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    enabled: bool = True
    config: dict[str, Any] = Field(default_factory=dict)


class TriggerModel(Strict):
    """When a rule applies: on an event that fits ``pattern``, or as ``schedule`` says."""

    type: Annotated[TriggerType, Field(strict=False)]
    pattern: dict[str, Any] | None = None
    schedule: str | None = None
    timezone: str | None = None


class RuleModel(Strict):
    """A rule file."""

    ref: str | None = None
    label: str | None = None
    description: str | None = None
    enabled: bool = True
    trigger: TriggerModel
    criteria: Condition | None = None
    action: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    tags: list[str] = Field(default_factory=list)


class SensorModel(Strict):
    """A sensor file."""

    ref: str | None = None
    label: str | None = None
    description: str | None = None
    enabled: bool = True
    schedule: Annotated[str, Field(min_length=1)]
    timezone: str | None = None
    action: str
    parameters: dict[str, Any] = Field(default_factory=dict)
    items: str = "{{ result }}"
    key: str = "{{ item }}"
    cursor: Any = None
    event_type: Annotated[str, Field(min_length=1, max_length=128)]
    tags: list[str] = Field(default_factory=list)
