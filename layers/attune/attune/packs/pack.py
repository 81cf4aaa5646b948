"""A pack as it was read; and the checks of it that need to know the other packs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any

from attune.exceptions import InvalidDefinition, Problem
from attune.language.compiler import Compiled, compile_workflow
from attune.language.files.rule_file import check_rule
from attune.language.files.sensor_file import check_sensor
from attune.language.source import Source
from attune.model.action import ActionSpec
from attune.model.rule import Rule
from attune.model.sensor import Sensor


@dataclass(frozen=True, slots=True)
class Pack:
    """A pack as it was read; ``problems`` are those that show without knowing other packs."""

    ref: str
    label: str
    version: str
    _: KW_ONLY
    directory: Path
    description: str = ""
    enabled: bool = True
    config: Mapping[str, Any] = field(default_factory=dict)
    actions: Mapping[str, ActionSpec] = field(default_factory=dict)
    workflows: Mapping[str, Source] = field(default_factory=dict)
    interfaces: Mapping[str, ActionSpec] = field(default_factory=dict)
    """The workflows as actions."""
    rules: tuple[Rule, ...] = ()
    rule_sources: Mapping[str, Source] = field(default_factory=dict)
    sensors: tuple[Sensor, ...] = ()
    sensor_sources: Mapping[str, Source] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def catalogue(packs: Iterable[Pack]) -> dict[str, ActionSpec]:
    """All that a task may call, by ref: actions, and workflows as actions."""
    found: dict[str, ActionSpec] = {}
    for pack in packs:
        found |= {**pack.actions, **pack.interfaces}
    return found


def compile_pack(pack: Pack, actions: Mapping[str, ActionSpec]) -> list[tuple[str, Compiled | InvalidDefinition]]:
    """Each workflow of the pack by ref: its graph, or all that is wrong with it."""
    found: list[tuple[str, Compiled | InvalidDefinition]] = []
    for ref, source in pack.workflows.items():
        try:
            compiled = compile_workflow(source, pack=pack.ref, actions=actions, pack_config=pack.config)
        except InvalidDefinition as error:
            found.append((ref, error))
        else:
            found.append((ref, compiled))
    return found


def check_rules(pack: Pack, actions: Mapping[str, ActionSpec]) -> list[Problem]:
    """What is wrong with the pack's rules, now that it is known what they can start."""
    return [problem for rule in pack.rules for problem in check_rule(pack.rule_sources[rule.ref], rule, actions)]


def check_sensors(pack: Pack, actions: Mapping[str, ActionSpec]) -> list[Problem]:
    """The same of its sensors, and of what they can ask."""
    sources = pack.sensor_sources
    return [problem for sensor in pack.sensors for problem in check_sensor(sources[sensor.ref], sensor, actions)]
