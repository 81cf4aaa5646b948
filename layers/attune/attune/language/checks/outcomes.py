"""Ways in which a task can end, and what each of them brings about; what can therefore never happen together.

A task ends as completed, failed, timed out or skipped; a completed decision takes one of its branches. Conditions of
``next`` are not evaluated here: an entry *may* fire if its condition doesn't contradict the end, and *must* if it has
none. So "cannot" is certain, while "can" is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, reduce
from operator import or_
from typing import Final

from attune.language.draft import Draft
from attune.language.task_draft import FAIL, Arrow
from attune.model.graph import JoinKind
from attune.model.reachability import bits, components, predecessors, reached
from attune.model.status import TaskStatus

ENDS: Final = (TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.TIMED_OUT, TaskStatus.SKIPPED)
_FAILED: Final = frozenset({TaskStatus.FAILED, TaskStatus.TIMED_OUT})
_ASKED: Final = {
    "succeeded": frozenset({TaskStatus.COMPLETED}),
    "failed": _FAILED,
    "timed_out": frozenset({TaskStatus.TIMED_OUT}),
}
_ASKS: Final = re.compile(r"\{\{\s*(succeeded|failed|timed_out)\(\)(\s+and\s(?!.*\bor\b).*)?\s*\}\}", re.DOTALL)
_TRUE: Final = re.compile(r"\s*(\{\{\s*true\s*\}\}|true)\s*", re.IGNORECASE)
_FALSE: Final = re.compile(r"\s*(\{\{\s*false\s*\}\}|false)\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One end of a task: the tasks it may fire, those among them it surely fires, and whether it may lead to ``fail``.

    ``handled``: if it is a failure, some transition may handle it.
    """

    end: TaskStatus
    _: KW_ONLY
    may: int
    must: int
    stops: bool
    handled: bool


def is_always(when: str | None) -> bool:
    """Whether a condition holds whatever happens."""
    return when is None or _TRUE.fullmatch(when) is not None


def is_never(when: str | None) -> bool:
    """Whether a condition can't hold."""
    return when is not None and _FALSE.fullmatch(when) is not None


def fires_at(arrow: Arrow, end: TaskStatus) -> bool:
    """Whether the transition may fire at this end."""
    asked = _ASKS.fullmatch(arrow.when.strip()) if arrow.when else None
    return end in arrow.ends and not is_never(arrow.when) and (asked is None or end in _ASKED[asked[1]])


def _surely_fires(arrow: Arrow) -> bool:
    """Whether a transition that may fire at an end must."""
    asked = _ASKS.fullmatch(arrow.when.strip()) if arrow.when else None
    return is_always(arrow.when) or (asked is not None and asked[2] is None)


def can_fail(draft: Draft, number: int) -> bool:
    """False for a task without any template that does nothing: there is nothing in it that could go wrong."""
    task, spec = draft.tasks[number], draft.specs[number]
    if spec is None or spec.traits is None or spec.traits.can_fail or task.with_items is not None:
        return True
    conditions = [task.when, *(arrow.when for arrow in task.arrows)]
    return bool(task.published()) or not all(is_always(c) or is_never(c) for c in conditions)


def ends_of(draft: Draft, number: int) -> Iterator[TaskStatus]:
    """The ends that a task can come to."""
    for end in ENDS:
        if end in _FAILED and not can_fail(draft, number):
            continue
        if end is TaskStatus.SKIPPED and is_always(draft.tasks[number].when):
            continue
        yield end


def beside_fail(draft: Draft, number: int) -> int:
    """The tasks that a task names beside ``fail``, as a bit set: they begin at once, whatever their join says."""
    rows = [arrow for arrow in draft.tasks[number].arrows if any(target.name == FAIL for target in arrow.targets)]
    return draft.goals(number, rows)


def outcomes(draft: Draft, number: int) -> list[Outcome]:
    """All that the end of a task can bring about."""
    return [outcome for end in ends_of(draft, number) for outcome in _at(draft, number, end)]


def _at(draft: Draft, number: int, end: TaskStatus) -> Iterator[Outcome]:
    rows = [arrow for arrow in draft.tasks[number].arrows if fires_at(arrow, end)]
    plain, branches = [a for a in rows if not a.decision], [a for a in rows if a.decision]
    choices: list[list[Arrow]] = [[branch] for branch in branches]
    if not any(is_always(branch.when) for branch in branches):
        choices.append([])
    for choice in choices:
        fired = [*plain, *choice]
        yield Outcome(
            end,
            may=draft.goals(number, fired),
            must=draft.goals(number, [arrow for arrow in fired if arrow in choice or _surely_fires(arrow)]),
            stops=any(target.name == FAIL for arrow in fired for target in arrow.targets),
            handled=any(arrow.handles for arrow in fired),
        )


def once_per_round(draft: Draft) -> int:
    """The tasks that run at most once each time their level runs (the workflow, or their group's round), as a bit set.

    Others are on a cycle, are a ``join: each``, or run each time that one of these fires them: a default join behind a
    cycle waits for its end, and an exit that ends the cycle is taken once.
    """
    several, cycles = sum(1 << n for n, task in enumerate(draft.tasks) if task.join.kind is JoinKind.EACH), 0
    for body in components(draft.successors):
        cycles |= body
        several |= _side_exits(draft, body)
    apart = sum(1 << number for number in range(len(draft.tasks)) if draft.is_default_join(number))
    return ~(cycles | reached(draft.successors, several & ~apart, ~apart)) & (1 << len(draft.tasks)) - 1


def singles(draft: Draft) -> int:
    """The tasks that run at most once in an execution, as a bit set: they and all groups around them do."""
    once = once_per_round(draft)
    numbers = range(len(draft.tasks))
    alone = (n for n in numbers if not draft.is_repeated(n) and all(once >> g & 1 for g in (n, *draft.groups_of(n))))
    return sum(1 << number for number in alone)


def _side_exits(draft: Draft, body: int) -> int:
    """What a cycle may fire while it goes on."""
    rows = [(number, outcome.may) for number in bits(body) for outcome in outcomes(draft, number)]
    ways_in = sum(1 for number in bits(body) if draft.reach[number].sources & ~body)
    forks = ways_in > 1 or any((may & body).bit_count() > 1 for _, may in rows)
    return reduce(or_, (may & ~body for _, may in rows if forks or may & body), 0)


class Choices:
    """What excludes each other in one execution, because one end of one task brings it about and another doesn't."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._before = predecessors(draft.steps)
        self._ancestors: dict[int, int] = {}
        self._worlds: dict[int, list[tuple[int, int]]] = {}

    def ancestors(self, number: int) -> int:
        """All tasks that can bring this one about, over any number of steps."""
        if number not in self._ancestors:
            self._ancestors[number] = reached(self._before, self._before[number])
        return self._ancestors[number]

    def exclusive(self, first: int, second: int) -> bool:
        """Whether no execution runs both: neither leads to the other, and some task leads to either or the other."""
        if (self.ancestors(first) | 1 << first) >> second & 1 or self.ancestors(second) >> first & 1:
            return False
        both = 1 << first | 1 << second
        shared = self.ancestors(first) & self.ancestors(second) & self._once
        return any(all(both & ~world for world, _ in self._of(choice)) for choice in bits(shared))

    def most_sources(self, number: int) -> int:
        """How many sources of a task can fire it in one execution, at most."""
        sources = self._draft.reach[number].sources
        least = sources.bit_count()
        for choice in bits((self.ancestors(number) | sources) & self._once):
            least = min(least, max(self._fire(number, choice, row) for row in self._of(choice)))
        return least

    def _fire(self, number: int, choice: int, row: tuple[int, int]) -> int:
        world, fired = row
        own = 1 << choice
        firing = world & self._draft.reach[number].sources
        return (firing & ~own | (firing & own if fired >> number & 1 else 0)).bit_count()

    @cached_property
    def _once(self) -> int:
        """The tasks that run at most once and can end in ways that bring about different things."""
        once = bits(singles(self._draft))
        several = (n for n in once if len({outcome.may for outcome in outcomes(self._draft, n)}) > 1)
        return sum(1 << number for number in several)

    def _of(self, choice: int) -> list[tuple[int, int]]:
        """For each outcome of a task: all tasks that can run then, and those that it fires."""
        if choice not in self._worlds:
            draft, steps = self._draft, list[int](self._draft.steps)
            rows: list[tuple[int, int]] = []
            for fired in {outcome.may for outcome in outcomes(draft, choice)}:
                steps[choice] = fired | draft.starts(choice) if draft.tasks[choice].is_group else fired
                rows.append((reached(steps, draft.entries), fired))
            self._worlds[choice] = rows
        return self._worlds[choice]
