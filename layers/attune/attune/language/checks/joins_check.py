"""Joins that cannot be satisfied, mean nothing, or wait longer than one might think."""

from __future__ import annotations

from attune.language.checks.outcomes import Choices, beside_fail, outcomes
from attune.language.draft import Draft
from attune.language.task_draft import Arrow, Aspect, TaskDraft
from attune.model.graph import JoinKind
from attune.model.reachability import bits


def check(draft: Draft) -> None:
    """All joins of the workflow."""
    choices = Choices(draft)
    for number, task in enumerate(draft.tasks):
        if task.join.kind is JoinKind.ROUND:
            _check_early_arrivals(draft, number)
        elif not draft.is_in_parallel(number):
            _check_written(draft, number, task, choices)


def _check_written(draft: Draft, number: int, task: TaskDraft, choices: Choices) -> None:
    count, path = draft.reach[number].sources.bit_count(), draft.place(number, Aspect.JOIN)
    if task.join.count > count:
        message = f"task {task.name!r} waits for {task.join.count} source tasks, but has {count}"
        draft.findings.error("join-too-large", path, message)
    elif count < 2:
        message = f"task {task.name!r} has fewer than two sources, so its join means nothing"
        draft.findings.warning("needless-join", path, message, key=True)
    elif task.join.kind is JoinKind.EACH:
        _check_rounds(draft, number)
    elif draft.behind_each >> number & 1:
        message = f"task {task.name!r} stands behind a 'join: each', whose runs it pairs in the order they arrive"
        draft.findings.warning("join-after-each", path, message, "leave the join out to wait for all of them", key=True)
    else:
        _check_satisfiable(draft, number, task.join.count or count, choices)


def _check_rounds(draft: Draft, number: int) -> None:
    """A loop that forks and whose head runs for each arrival: its rounds overlap, so its joins depend on timing."""
    body = draft.reach[number].cycle_body
    loop = body | 1 << number
    joins = [other for other in bits(body) if draft.is_default_join(other)]
    if joins and any(_forks(draft, other, loop) for other in bits(loop)):
        name, join = draft.tasks[number].name, draft.tasks[joins[0]].name
        message = f"rounds of the loop that {name!r} heads may overlap, so how often {join!r} runs depends on timing"
        path = draft.place(number, Aspect.JOIN)
        hint = "leave the join out, so that a round begins when the one before is over"
        draft.findings.warning("overlapping-rounds", path, message, hint, key=True)


def _forks(draft: Draft, number: int, within: int) -> bool:
    return any((outcome.may & within).bit_count() > 1 for outcome in outcomes(draft, number))


def _check_satisfiable(draft: Draft, number: int, needed: int, choices: Choices) -> None:
    most, sources = choices.most_sources(number), draft.reach[number].sources
    if most >= needed or any(beside_fail(draft, source) >> number & 1 for source in bits(sources)):
        return
    names = ", ".join(draft.names(sources))
    message = (
        f"task {draft.tasks[number].name!r} waits for {needed} of its sources ({names}), of which no execution "
        f"has more than {most} lead here"
    )
    path = draft.place(number, Aspect.JOIN)
    draft.findings.warning("unsatisfiable-join", path, message, "leave the join out to run after whichever it is")


def _check_early_arrivals(draft: Draft, number: int) -> None:
    """A source that fires this task and, beside it, what leads to another of its sources."""
    here = draft.reach[number]
    if here.sources.bit_count() < 2:
        return
    for early in bits(here.sources & ~here.back_sources & ~(1 << number)):
        beside = _fired_beside(draft, early, number)
        others = bits(here.sources & here.blockers & ~(1 << early)) if beside else ()
        late = next((other for other in others if beside & (draft.reach[other].blockers | 1 << other)), None)
        if late is not None:
            _warn_of_early_arrival(draft, number, early, late)
            return


def _fired_beside(draft: Draft, source: int, target: int) -> int:
    """What else ``source`` surely can fire when it fires ``target``."""
    rows, beside = draft.tasks[source].arrows, 0
    for direct in (arrow for arrow in rows if draft.goals(source, [arrow]) >> target & 1):
        beside |= draft.goals(source, [arrow for arrow in rows if _together(direct, arrow)])
    return beside & ~(1 << target)


def _together(first: Arrow, second: Arrow) -> bool:
    """Whether two transitions surely can fire at one end; conditions may exclude each other."""
    if first is second:
        return True
    apart = (first.decision and second.decision) or (first.when is not None and second.when is not None)
    return not apart and bool(set(first.ends) & set(second.ends))


def _warn_of_early_arrival(draft: Draft, number: int, early: int, late: int) -> None:
    name, first, last = (draft.tasks[task].name for task in (number, early, late))
    message = f"task {name!r} is fired early by {first!r}, which also leads to its other source {last!r}"
    path = draft.place(number, Aspect.NAME)
    hint = "it will run once, at the end; say 'join: each' to run it each time"
    draft.findings.warning("early-arrival", path, message, hint)
