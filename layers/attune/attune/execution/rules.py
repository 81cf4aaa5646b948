"""From an event to the executions that rules start for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attune.exceptions import AttuneError
from attune.execution.event_names import SCHEDULE_SOURCE, SENSOR_SOURCE
from attune.execution.execution_start import Started, Starter
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.clock import Clock
from attune.execution.remembered import Remembered
from attune.expressions import templates
from attune.model.patterns import matches
from attune.model.rule import Rule, TriggerType


@dataclass(frozen=True, slots=True)
class Fired:
    """What came of a rule that an event fired: an execution, or why there is none."""

    rule: str
    started: Started | None = None
    error: AttuneError | None = None


class Rules:
    """Holds events against the registered rules."""

    def __init__(self, catalog: Catalog, starter: Starter, clock: Clock) -> None:
        self._starter, self._rules = starter, Remembered(catalog.rules, clock)

    def handle(self, event: Mapping[str, Any]) -> list[Fired]:
        """Start what the event asks for; the same event (by its id) starts nothing twice.

        A rule whose templates or parameters are wrong is reported and does not hinder the others.
        Raises Unavailable: the event must come again.
        """
        return [self._fire(rule, event) for rule in self._rules() if rule.enabled and _meant(rule, event)]

    def _fire(self, rule: Rule, event: Mapping[str, Any]) -> Fired:
        scope = {"event": event}
        try:
            if rule.criteria is not None and not templates.holds(rule.criteria, scope):
                return Fired(rule.ref)
            started = self._starter.start(
                rule.action,
                templates.render(dict(rule.parameters), scope),
                trigger={"type": str(rule.trigger), "rule": rule.ref, "event": str(event.get("id", ""))},
                identity=f"rule:{rule.ref}",
                idempotency_key=f"rule/{rule.ref}/{_occasion(event)}",
            )
        except AttuneError as error:
            if error.http_status >= 500:
                raise
            return Fired(rule.ref, error=error)
        return Fired(rule.ref, started)


def _meant(rule: Rule, event: Mapping[str, Any]) -> bool:
    detail = event.get("detail") or {}
    if event.get("source") == SCHEDULE_SOURCE:
        return rule.trigger is TriggerType.SCHEDULE and isinstance(detail, Mapping) and detail.get("rule") == rule.ref
    return rule.trigger is TriggerType.EVENT and matches(rule.pattern, event)


def _occasion(event: Mapping[str, Any]) -> str:
    """What makes two deliveries the same occasion: a schedule's time, a sensor's item, else the event's id."""
    detail, source = event.get("detail"), event.get("source")
    if source == SCHEDULE_SOURCE and isinstance(detail, Mapping):
        return str(detail.get("time"))
    if source == SENSOR_SOURCE and isinstance(detail, Mapping):
        return f"{detail.get('sensor')}/{detail.get('key')}"
    return str(event.get("id"))
