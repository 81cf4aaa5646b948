"""What others would charge for the orchestration of the same work, at their list prices.

Two choices are in their favour. Their figures leave out the functions that do the tasks; ours include them. And only
the work's own steps are counted, no helper states.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

from attune.cost import prices

EXPRESS_STEP_SECONDS = 0.1
"""Assumed of an Express workflow: each step that waits for the one before it takes this long."""
EXPRESS_LIMIT = 300.0
"""Seconds that an Express workflow may run; more is beyond it."""
_EXPRESS_MB = 64
GB = 1024**3


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """The work to compare by.

    ``executions``: how many; ``steps``: all attempts and waits in them; ``depth``: the steps of one execution that
    follow one another; ``written``: bytes of results; ``waits``: whether it waits for a person or an event.
    """

    executions: int
    steps: int
    depth: int
    written: int = 0
    waits: bool = False


def standard(work: Work) -> float:
    """Step Functions Standard, in dollars: a transition per step."""
    return prices.TRANSITION.of(work.steps)


def express(work: Work) -> float | None:
    """Step Functions Express, in dollars; None for what it cannot do: wait for a person, run for over five minutes."""
    seconds = ceil(work.depth * EXPRESS_STEP_SECONDS * 10) / 10
    if work.waits or seconds > EXPRESS_LIMIT:
        return None
    gb_seconds = work.executions * seconds * _EXPRESS_MB / 1024
    return prices.EXPRESS_REQUEST.of(work.executions) + prices.EXPRESS_TIME.of(gb_seconds)


def durable(work: Work) -> float:
    """Lambda durable functions, in dollars: an operation per step and per start, and the bytes written."""
    operations = prices.DURABLE_OPERATION.of(work.steps + work.executions)
    return operations + prices.DURABLE_GB_WRITTEN.of(work.written / GB)
