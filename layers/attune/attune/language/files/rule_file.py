"""Rule files: ``rules/<name>.yaml``."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from zoneinfo import available_timezones

from attune.exceptions import Problem
from attune.expressions.values import nearest
from attune.language.checks.built_in_check import check_pattern
from attune.language.checks.calls import check_input
from attune.language.checks.scopes import Place, check_place
from attune.language.files.models import RuleModel, TriggerModel
from attune.language.findings import Findings
from attune.language.parsing import parse
from attune.language.refs import ref_of
from attune.language.source import Path, Source
from attune.model.action import ActionSpec, Runner
from attune.model.rule import Rule, TriggerType

SCOPE: Final = frozenset({"event"})
"""What the templates of a rule see."""

_SCHEDULE: Final = re.compile(
    r"rate\([1-9]\d* (minute|hour|day)s?\)|cron\(\S+( \S+){5}\)|at\(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\)"
)
_DAYS: Final = re.compile(r"cron\(\S+ \S+ (\? \S+ [^? ]\S*|[^? ]\S* \S+ \?) \S+\)")
"""A cron with a ``?`` for its day of the month or its day of the week, not for both (Scheduler User Guide)."""
_KEYS: Final[dict[TriggerType, tuple[str, frozenset[str]]]] = {
    TriggerType.EVENT: ("pattern", frozenset({"pattern"})),
    TriggerType.SCHEDULE: ("schedule", frozenset({"schedule", "timezone"})),
}
"""The key that a type of trigger needs, and those it may have."""


def compile_rule(source: Source, *, pack: str) -> Rule:
    """The rule of a file.

    Raises:
        InvalidDefinition: With all problems.

    """
    findings = Findings(source)
    ref = ref_of(findings, pack)
    model = parse(RuleModel, findings)
    if model is not None:
        _check_trigger(model.trigger, findings)
        _check_templates(model, findings)
    findings.raise_errors()
    assert model is not None, "a file without errors has a model"  # noqa: S101
    return Rule(
        ref=ref,
        pack=pack,
        trigger=model.trigger.type,
        action=model.action,
        label=model.label or ref,
        enabled=model.enabled,
        pattern=model.trigger.pattern or {},
        schedule=model.trigger.schedule or "",
        timezone=model.trigger.timezone or "UTC",
        criteria=model.criteria,
        parameters=model.parameters,
    )


def check_rule(source: Source, rule: Rule, actions: Mapping[str, ActionSpec]) -> list[Problem]:
    """What is wrong with the workflow that a rule starts, or with what it hands over."""
    findings = Findings(source)
    spec = actions.get(rule.action)
    if spec is None:
        hint = nearest(rule.action, (ref for ref, known in actions.items() if known.runner is Runner.WORKFLOW))
        findings.error("unknown-action", ("action",), f"there is no workflow {rule.action!r}", hint)
    elif spec.runner is not Runner.WORKFLOW:
        findings.error("not-a-workflow", ("action",), f"{rule.action!r} is an action; a rule starts a workflow")
    else:
        check_input(findings, ("parameters",), rule.parameters, spec)
    return findings.sorted()


def _check_trigger(trigger: TriggerModel, findings: Findings) -> None:
    needed, allowed = _KEYS[trigger.type]
    for key in ("pattern", "schedule", "timezone"):
        if getattr(trigger, key) is not None and key not in allowed:
            message = f"a trigger of type {str(trigger.type)!r} has no {key!r}"
            findings.error("unknown-key", ("trigger", key), message, key=True)
    if not getattr(trigger, needed):
        written = findings.source.data.get("trigger")
        if not isinstance(written, dict) or not written.get(needed):
            message = f"a trigger of type {str(trigger.type)!r} needs a {needed!r}"
            findings.error("missing-key", ("trigger",), message)
    check_pattern(trigger.pattern or {}, ("trigger", "pattern"), findings)
    check_schedule(trigger.schedule, trigger.timezone, ("trigger",), findings)


def check_schedule(schedule: str | None, timezone: str | None, path: Path, findings: Findings) -> None:
    """Whether these, written at ``path``, are what EventBridge Scheduler takes."""
    if schedule and not _SCHEDULE.fullmatch(schedule):
        hint = "write rate(5 minutes), cron(0 2 * * ? *) or at(2030-01-31T08:00:00)"
        findings.error("bad-schedule", (*path, "schedule"), f"{schedule!r} is no schedule", hint)
    elif schedule and schedule.startswith("cron") and not _DAYS.fullmatch(schedule):
        message = f"{schedule!r} is no schedule: of the day of the month and the day of the week one is '?'"
        findings.error("bad-schedule", (*path, "schedule"), message, "write cron(0 2 * * ? *) for each day")
    known = available_timezones()
    if timezone and known and timezone not in known:
        message = f"there is no time zone {timezone!r}"
        findings.error("bad-timezone", (*path, "timezone"), message, nearest(timezone, sorted(known)))


def _check_templates(model: RuleModel, findings: Findings) -> None:
    places = (
        Place(model.criteria, ("criteria",), SCOPE, condition=True),
        Place(model.parameters, ("parameters",), SCOPE),
    )
    for place in places:
        for _ in check_place(findings, place):
            pass
