"""Sensor files: ``sensors/<name>.yaml``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from attune.exceptions import Problem
from attune.expressions.values import nearest
from attune.language.checks.calls import check_input
from attune.language.checks.scopes import Place, check_place
from attune.language.compiler import Compiled, compile_workflow
from attune.language.files.models import SensorModel
from attune.language.files.rule_file import check_schedule
from attune.language.findings import Findings
from attune.language.parsing import parse
from attune.language.refs import ref_of
from attune.language.source import Source, load
from attune.model.action import ActionSpec
from attune.model.sensor import Sensor

CURSOR: Final = frozenset({"cursor"})
RESULT: Final = frozenset({"result"})
ITEM: Final = frozenset({"result", "item"})


def compile_sensor(source: Source, *, pack: str) -> Sensor:
    """The sensor of a file; raises InvalidDefinition with all problems."""
    findings = Findings(source)
    ref = ref_of(findings, pack)
    model = parse(SensorModel, findings)
    if model is not None:
        check_schedule(model.schedule, model.timezone, (), findings)
        _check_templates(model, findings)
    findings.raise_errors()
    assert model is not None, "a file without errors has a model"  # noqa: S101
    return Sensor(
        ref=ref,
        pack=pack,
        action=model.action,
        schedule=model.schedule,
        event_type=model.event_type,
        label=model.label or ref,
        description=model.description or "",
        enabled=model.enabled,
        timezone=model.timezone or "UTC",
        parameters=model.parameters,
        items=model.items,
        key=model.key,
        cursor=model.cursor,
    )


def check_sensor(source: Source, sensor: Sensor, actions: Mapping[str, ActionSpec]) -> list[Problem]:
    """What is wrong with the action that a sensor asks, or with what it hands over."""
    findings = Findings(source)
    spec = actions.get(sensor.action)
    if spec is None:
        message = f"there is no action {sensor.action!r}"
        findings.error("unknown-action", ("action",), message, nearest(sensor.action, actions))
    else:
        check_input(findings, ("parameters",), sensor.parameters, spec)
    return findings.sorted()


def compile_polling(
    source: Source, sensor: Sensor, actions: Mapping[str, ActionSpec], config: Mapping[str, Any]
) -> Compiled:
    """The workflow that polls for a sensor that :func:`check_sensor` finds nothing wrong with."""
    made = load(json.dumps(sensor.workflow()), source.file)
    return compile_workflow(made, pack=sensor.pack, actions=actions, pack_config=config)


def _check_templates(model: SensorModel, findings: Findings) -> None:
    places = (
        Place(model.parameters, ("parameters",), CURSOR),
        Place(model.items, ("items",), RESULT),
        Place(model.key, ("key",), ITEM),
        Place(model.cursor, ("cursor",), RESULT),
    )
    for place in places:
        for _ in check_place(findings, place):
            pass
