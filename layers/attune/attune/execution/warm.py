"""States that this process saved last, so that a fold which follows need not load what it wrote itself.

A guess, never the truth: another process may have saved meanwhile. What a fold on such a state may do before the
conditional save has proven it right, :class:`attune.execution.advancer.Advancer` knows.
"""

from __future__ import annotations

from attune.engine.state import State

LIMIT = 200_000
"""Tasks and awaited attempts in all states that are kept: some 20 MB at most."""


class WarmStates:
    """Forgets what was saved longest ago when the sum of what the states hold would pass ``limit``."""

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
