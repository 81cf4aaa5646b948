"""Keeps the states that this process saved last. The next fold of one of them need not load it.

Such a state is a guess: another process may have saved a newer one. The conditional save proves a guess right or
wrong. :class:`attune.execution.advancer.Advancer` knows what a fold may do before that.
"""

from __future__ import annotations

from attune.engine.state import State

LIMIT = 200_000
"""Tasks and awaited attempts in all states that are kept: some 20 MB at most."""


class WarmStates:
    """Holds states up to a total size of ``limit``; beyond it, those saved longest ago go first."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit, self._held = limit, 0
        self._states: dict[str, tuple[State, int]] = {}

    def take(self, execution: str) -> State | None:
        """The state saved last, which is forgotten hereby: only a save brings it back."""
        state, weight = self._states.pop(execution, (None, 0))
        self._held -= weight
        return state

    def put(self, state: State) -> None:
        """Remember what has just been saved; of an ended execution nothing more is expected."""
        self.take(state.execution)
        weight = _weight(state)
        if state.status.ended or weight > self._limit:
            return
        self._states[state.execution] = (state, weight)
        self._held += weight
        while self._held > self._limit:
            self.take(next(iter(self._states)))


def _weight(state: State) -> int:
    awaited = sum(len(visit.items.active) + len(visit.items.failed) for visit in state.active.values() if visit.items)
    return 50 + state.size + len(state.active) + awaited
