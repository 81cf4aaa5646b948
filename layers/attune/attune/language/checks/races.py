"""What depends on which of two tasks is done first: published names, ``fail``, ``fail_fast``."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from attune.language.checks.concurrency import side_by_side
from attune.language.checks.outcomes import Choices, Outcome, outcomes, singles
from attune.language.draft import Draft
from attune.language.source import Path
from attune.language.task_draft import FAIL, Aspect
from attune.model.reachability import bits
from attune.model.status import TaskStatus


def check(draft: Draft) -> None:
    """Races between tasks that may run at the same time."""
    publishers = dict(_publishers(draft))
    stops = dict(_stops(draft))
    once = singles(draft)
    if all(len(places) == 1 and once >> next(iter(places)) & 1 for places in publishers.values()):
        publishers = {}
    if publishers or stops or draft.workflow.fail_fast:
        races = _Races(draft)
        races.check_publishers(publishers)
        races.check_fail(stops)
        races.check_fail_fast()


def _publishers(draft: Draft) -> Iterator[tuple[str, dict[int, Path]]]:
    """Who publishes each name, and where."""
    found: dict[str, dict[int, Path]] = {}
    for number, task in enumerate(draft.tasks):
        for entry in task.published():
            found.setdefault(entry.name, {}).setdefault(number, entry.path)
    yield from found.items()


def _stops(draft: Draft) -> Iterator[tuple[int, Path]]:
    """The tasks that lead to ``fail``, and where they say so."""
    for number, task in enumerate(draft.tasks):
        paths = [target.path for arrow in task.arrows for target in arrow.targets if target.name == FAIL]
        if paths and any(outcome.stops for outcome in outcomes(draft, number)):
            yield number, paths[0]


class _Races:
    def __init__(self, draft: Draft) -> None:
        self._draft, self._choices = draft, Choices(draft)
        self._beside = side_by_side(draft)

    def _race(self, first: int, second: int) -> bool:
        return bool(self._beside[first] >> second & 1) and not self._choices.exclusive(first, second)

    def check_publishers(self, publishers: dict[str, dict[int, Path]]) -> None:
        """One warning for each place that races with one above it."""
        for name, places in publishers.items():
            warned = set[int]()
            for number in places:
                if self._beside[number] >> number & 1:
                    self._warn_of_itself(name, number, places[number])
                    warned.add(number)
            for first, second in combinations(places, 2):
                if second not in warned and self._race(first, second):
                    self._warn_of_publishers(name, first, second, places[second])
                    warned.add(second)

    def _warn_of_publishers(self, variable: str, first: int, second: int, path: Path) -> None:
        one, other = (self._draft.tasks[number].name for number in (first, second))
        message = f"{one!r} and {other!r} may run side by side, and both publish {variable!r}: the last to end wins"
        self._draft.findings.warning("publish-race", path, message, "give them names of their own", key=True)

    def _warn_of_itself(self, variable: str, number: int, path: Path) -> None:
        name = self._draft.tasks[number].name
        message = f"visits of {name!r} may run side by side, and each publishes {variable!r}: the last to end wins"
        self._draft.findings.warning("publish-race", path, message, key=True)

    def check_fail(self, stops: dict[int, Path]) -> None:
        """A task that ends the execution while others run."""
        for number, path in stops.items():
            beside = [other for other in bits(self._beside[number]) if self._race(number, other)]
            if beside:
                name, others = self._draft.tasks[number].name, _listed([self._draft.tasks[o].name for o in beside])
                message = f"when {name!r} leads to 'fail', what becomes of {others} beside it depends on timing"
                self._draft.findings.warning("fail-race", path, message, "join the branches first")

    def check_fail_fast(self) -> None:
        """A failure that cancels what runs beside it."""
        if not self._draft.workflow.fail_fast:
            return
        for number in range(len(self._draft.tasks)):
            others = self._beside[number]
            if self._may_fail_unhandled(number) and any(self._race(number, other) for other in bits(others)):
                beside = _listed([self._draft.tasks[o].name for o in bits(others) if self._race(number, o)])
                name = self._draft.tasks[number].name
                message = f"when {name!r} fails, what becomes of {beside} beside it depends on timing"
                path = self._draft.workflow.place(Aspect.FAIL_FAST)
                self._draft.findings.warning("fail-race", path, message, key=True)
                return

    def _may_fail_unhandled(self, number: int) -> bool:
        if self._draft.is_in_parallel(number):
            return False
        return any(not self._handles(number, outcome) for outcome in outcomes(self._draft, number))

    def _handles(self, number: int, outcome: Outcome) -> bool:
        """Whether a failure is surely handled; other ends need not be."""
        if outcome.end not in (TaskStatus.FAILED, TaskStatus.TIMED_OUT):
            return True
        rows = [arrow for arrow in self._draft.tasks[number].arrows if outcome.end in arrow.ends and arrow.when is None]
        return any(arrow.handles for arrow in rows)


def _listed(names: list[str]) -> str:
    """``'a'``, ``'a' and 'b'``, or ``'a' and 4 others``."""
    if len(names) > 2:
        return f"{names[0]!r} and {len(names) - 1} others"
    return " and ".join(map(repr, names))
