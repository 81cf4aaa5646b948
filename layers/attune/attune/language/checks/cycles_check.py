"""Cycles that nothing but a failure or ``max_visits`` can end."""

from __future__ import annotations

from attune.language.checks.outcomes import outcomes
from attune.language.draft import Draft
from attune.language.task_draft import Aspect
from attune.model.reachability import bits, components, cycle, reached
from attune.model.status import TaskStatus


def check(draft: Draft) -> None:
    """Warn of every cycle with no way out."""
    alive = reached(draft.steps, draft.entries)
    for body in components(draft.successors):
        if body & alive and not any(_leaves(draft, number, body) for number in bits(body)):
            numbers = cycle(draft.successors, body)
            way = " → ".join(draft.tasks[number].name for number in [*numbers, *numbers[:1]])
            message = f"the cycle {way} has no way out: only a failure or max_visits ends it"
            hint = "leave it by a decision, or by a 'next' with a 'when'"
            path = draft.place(numbers[0], Aspect.NAME)
            draft.findings.warning("endless-cycle", path, message, hint)


def _leaves(draft: Draft, number: int, body: int) -> bool:
    """Whether the task can end without going on in the cycle, other than by a failure that nothing handles."""
    for outcome in outcomes(draft, number):
        failed = outcome.end in (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
        if outcome.stops or (not outcome.must & body and (outcome.handled or not failed)):
            return True
    return False
