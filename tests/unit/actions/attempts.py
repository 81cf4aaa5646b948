"""Runs attempts as a worker does, and takes their outcomes."""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

from attune.actions.attempt import Attempt, OutcomeStatus
from attune.actions.runner import ActionRunner
from attune.model.action import ActionSpec, Runner

PACKS = Path(__file__).parents[2] / "fixtures" / "packs"


class Records:
    """A logger that keeps what it is given."""

    def __init__(self):
        self.records = []

    def info(self, msg, *args, extra=None):
        self.records.append((msg % args if args else msg, dict(extra or {})))

    def lines(self, stream=None):
        return [msg for msg, extra in self.records if stream is None or extra.get("stream") == stream]


def attempt(entry, given=None, *, file="faults.py", timeout=20.0, index=None, number=1, visit=1, config=None, **spec):
    spec.setdefault("runner", Runner.PYTHON)
    spec.setdefault("entry_point", f"{file}:{entry}")
    action = ActionSpec(ref=f"faults.{entry}", pack="faults", **spec)
    return Attempt(
        execution_id="exec-1",
        workflow="w.x",
        task="my_task",
        index=index,
        visit=visit,
        number=number,
        action=action,
        input=given or {},
        timeout=timeout,
        pack_config=config or {},
    )


def run(*attempts, seconds=30.0, logger=None, packs=PACKS):
    runner = ActionRunner(packs, logger=logger or Records())
    outcomes = list(runner.run(attempts, deadline=time.monotonic() + seconds))
    assert sorted(position for position, _ in outcomes) == list(range(len(attempts)))
    return [outcome for _, outcome in sorted(outcomes, key=lambda pair: pair[0])]


def result(*args, **options):
    (outcome,) = run(attempt(*args, **options))
    assert outcome.status is OutcomeStatus.COMPLETED, outcome.error
    return outcome.result


def error(*args, seconds=30.0, **options):
    (outcome,) = run(attempt(*args, **options), seconds=seconds)
    assert outcome.status is not OutcomeStatus.COMPLETED and outcome.result is None
    assert outcome.error.keys() == {"type", "message", "details", "retryable"}
    json.dumps(outcome.error, allow_nan=False)
    return outcome.error


def with_own_timeout(made, seconds):
    """The attempt without a timeout, of an action that has one."""
    return replace(made, timeout=None, action=replace(made.action, timeout=seconds))


def alive(pid):
    """False for a process that is gone, or only waits to be collected by init."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def gone(pid, seconds=5.0):
    """A killed process takes a moment to end."""
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:
        os.sched_yield()
    return not alive(pid)


# What an action returns
