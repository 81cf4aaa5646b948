"""The schedules of rules: implements :class:`attune.execution.ports.triggers.Schedules`.

A schedule sends ``{"rule", "time"}`` to the timer queue, and ``on_timer`` starts what the rule names. (The event bus
would do as a target, but then the schedules' role could put any event on it, and local clouds lose its source.)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from attune.adapters.aws.blobs import to_text
from attune.adapters.aws.scheduler import Scheduler
from attune.adapters.aws.timers import SCHEDULED_TIME
from attune.exceptions import InvalidRequest
from attune.model.rule import Rule, TriggerType

MAX_NAME = 64
"""Characters of a schedule's name at most (Scheduler's limit)."""


class AwsSchedules:
    """Keeps one recurring schedule per rule of type ``schedule``."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def sync(self, pack: str, rules: Sequence[Rule]) -> list[str]:
        """See the port. A disabled rule's schedule stays, disabled."""
        wanted = {_name(rule): rule for rule in rules if rule.trigger is TriggerType.SCHEDULE}
        present, refused = set(self._scheduler.names(_prefix(pack))), list[str]()
        for name, rule in wanted.items():
            try:
                self._put(name, rule)
            except InvalidRequest as error:
                refused.append(f"{rule.ref} has no schedule now: {error.message}")
        for name in present - wanted.keys():
            self._scheduler.delete(name)
        return refused

    def _put(self, name: str, rule: Rule) -> None:
        body = to_text({"rule": rule.ref, "time": SCHEDULED_TIME})
        more = {
            "ScheduleExpressionTimezone": rule.timezone,
            "State": "ENABLED" if rule.enabled else "DISABLED",
            "Description": f"Rule {rule.ref} of Attune",
        }
        if not self._scheduler.update(name, rule.schedule, body, **more):
            self._scheduler.create(name, rule.schedule, body, **more)


def _prefix(pack: str) -> str:
    """Begins the names of a pack's schedules, and of no other's."""
    return f"attune-rule-{_short_hash(pack)}-"


def _name(rule: Rule) -> str:
    """The same for the same rule; its readable end is for whoever looks at the list."""
    readable = re.sub(r"[^0-9a-zA-Z_.-]", "_", rule.ref)
    return f"{_prefix(rule.pack)}{_short_hash(rule.ref)}-{readable}"[:MAX_NAME]


def _short_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]
