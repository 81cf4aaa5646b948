"""Looks at every single move of a status while a run lasts: within a fold, not only between two."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from attune.engine import ending, items, settle, transitions
from attune.engine.context import Own
from attune.engine.ids import AttemptId
from attune.engine.state import State
from attune.engine.turn import Turn
from attune.engine.visits import Active, Items, Visit
from attune.model.graph import Task
from attune.model.status import MOVES, TASK_MOVES, ExecutionStatus, TaskStatus

Moved = Callable[[TaskStatus, TaskStatus], None]
"""Told of each move of a task."""
Seen = set[tuple[type, Any, Any]]
"""Moves that happened: of an execution or of a task, from, to. (Words that both know are equal without the type.)"""


class Slot:
    """Stands in for a slot of a class: shows each value that takes the place of another before it does."""

    def __init__(self, owner: type, name: str, replaced: Callable[[Any, Any], Any]) -> None:
        self._slot, self._replaced = owner.__dict__[name], replaced

    def __get__(self, one: Any, owner: type | None = None) -> Any:
        return self if one is None else self._slot.__get__(one, owner)

    def __set__(self, one: Any, value: Any) -> None:
        try:
            before = self._slot.__get__(one)
        except AttributeError:
            before = value
        self._slot.__set__(one, self._replaced(before, value))


class ActiveItems(dict[int, Active]):
    """The items under way, each of whose moves is looked at."""

    def __init__(self, given: dict[int, Active], moved: Moved) -> None:
        super().__init__(given)
        self._moved = moved

    def __setitem__(self, index: int, active: Active) -> None:
        before = self.get(index)
        self._moved(before.status if before else TaskStatus.PENDING, active.status)
        super().__setitem__(index, active)


@contextmanager
def watched_moves() -> Iterator[Seen]:
    """While this lasts, every status moves as the tables say, or AssertionError; gives the moves that were seen."""
    seen: Seen = set()

    def execution(before: ExecutionStatus, after: ExecutionStatus) -> ExecutionStatus:
        if before != after:
            assert after in MOVES[before], f"an execution that is {before} becomes {after}"
            seen.add((type(after), before, after))
        return after

    def task(before: TaskStatus, after: TaskStatus) -> None:
        if before is not after:
            assert after in TASK_MOVES[before], f"a task that is {before} becomes {after}"
            seen.add((type(after), before, after))

    def single(before: Active | None, after: Active | None) -> Active | None:
        task(_status(before), _status(after))
        return after

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(State, "status", Slot(State, "status", execution))
        patch.setattr(Visit, "single", Slot(Visit, "single", single))
        patch.setattr(Items, "active", Slot(Items, "active", lambda _, given: ActiveItems(given, task)))
        for owner, name, look in _places(_Looks(task)):
            patch.setattr(owner, name, _looked_at(getattr(owner, name), look))
        yield seen


class _Looks:
    """Where a status is not set in a slot: the functions that begin, end or hold something."""

    def __init__(self, moved: Moved) -> None:
        self._moved = moved

    def opened(self, state: State, visit: Visit) -> None:
        """A list begins."""
        del state
        if visit.single is None:
            self._moved(TaskStatus.PENDING, _stands(visit))

    def ended(self, turn: Turn, task: Task, visit: int, status: TaskStatus, *_: Any, **__: Any) -> None:
        """A visit ends."""
        self._moved(_stands(turn.state.active.get((task.index, visit))), status)

    def overruled(self, turn: Turn, task: Task, visit: int, own: Own, *_: Any) -> None:
        """A visit has ended, and its templates fail."""
        del turn, task, visit
        if not own.status.failed:
            self._moved(own.status, TaskStatus.FAILED)

    def interrupted(self, turn: Turn, visits: Sequence[Visit], *_: Any) -> None:
        """Visits end unfinished."""
        del turn
        for visit in visits:
            self._moved(_stands(visit), TaskStatus.CANCELLED)
            for _, active in visit.attempts():
                self._moved(active.status, TaskStatus.CANCELLED)

    def item_ended(self, turn: Turn, task: Task, attempt: AttemptId, status: TaskStatus) -> None:
        """An item ends."""
        under_way = turn.state.active[task.index, attempt.visit].items
        if under_way is not None and attempt.index is not None:
            self._moved(under_way.active[attempt.index].status, status)

    def held(self, turn: Turn, task: Task) -> None:
        """A task is held back."""
        latest = turn.state.active.get((task.index, turn.state.visits_of(task.index)))
        self._moved(_stands(latest), TaskStatus.HELD)


def _places(looks: _Looks) -> list[tuple[Any, str, Callable[..., None]]]:
    return [
        (State, "open", looks.opened),
        (transitions, "end_visit", looks.ended),
        (transitions, "_overruled", looks.overruled),
        (ending, "interrupt", looks.interrupted),
        (items, "item_ended", looks.item_ended),
        (settle, "_hold", looks.held),
    ]


def _looked_at(real: Callable[..., Any], look: Callable[..., None]) -> Callable[..., Any]:
    def looked(*given: Any, **more: Any) -> Any:
        look(*given, **more)
        return real(*given, **more)

    return looked


def _status(active: Active | None) -> TaskStatus:
    return active.status if active else TaskStatus.PENDING


def _stands(visit: Visit | None) -> TaskStatus:
    """A visit that has not begun, or has not asked for its attempt, is pending; a list is running."""
    if visit is None or visit.single is not None:
        return _status(visit and visit.single)
    return TaskStatus.RUNNING if visit.items or visit.chunks else TaskStatus.PENDING
