"""What became of the rules and sensors that something set off."""

from __future__ import annotations

from typing import Any

from attune.execution.rules import Fired

RULE = "a rule could not start its workflow"
POLL = "a sensor's poll could not be started or read"


def report(fired: list[Fired], log: Any, wrong: str = RULE) -> dict[str, str]:
    """Log what went wrong; returns the executions started, by rule."""
    for one in fired:
        if one.error is not None:
            log.error(wrong, extra={"rule": one.rule, **one.error.to_dict()})
    return {one.rule: one.started.id for one in fired if one.started is not None}
