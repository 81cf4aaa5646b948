"""Gathers what there is to know of executions into cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from attune.engine.ids import AttemptId
from attune.engine.state import Active, State
from attune.execution.inspection import Case, Child, Inspector, awaited
from attune.execution.ports import Catalog, ExecutionStore
from attune.language.status import TaskStatus

MOST_RECORDS = 200
"""Attempts of one execution whose records are looked at in one go: what was lost comes to the front in time, since
the others end."""

Marks = Mapping[str, float]


def mark_of(execution: str, attempt: AttemptId) -> str:
    """The key of an attempt among the marks."""
    return f"{execution} {attempt}"


class Examiner:
    """Reads as little as it can: what stands in the states decides what else is looked at."""

    def __init__(
        self, inspector: Inspector, store: ExecutionStore, catalog: Catalog, backlog: Callable[[], int]
    ) -> None:
        self._inspector, self._store, self._catalog, self._backlog = inspector, store, catalog, backlog

    def cases(self, executions: Iterable[str], now: float, generation: str, marks: Marks) -> Iterator[Case]:
        """Cases of those that have begun and not ended; relatives are read for all of them at once."""
        states = {e: s for e, s in self._inspector.states(executions).items() if not s.status.ended and s.workflow}
        waiting = {e: self._awaited(state) for e, state in states.items()}
        wanted = {active.child for actives in waiting.values() for active in actives.values() if active.child}
        wanted |= {state.parent.execution for state in states.values() if state.parent}
        relatives = states | self._inspector.states(wanted - states.keys())
        for execution, state in states.items():
            yield self._case(state, waiting[execution], relatives, now, generation, marks)

    def _case(
        self,
        state: State,
        waiting: Mapping[AttemptId, Active],
        relatives: Mapping[str, State],
        now: float,
        generation: str,
        marks: Marks,
    ) -> Case:
        execution = state.execution
        worked = [a for a, active in waiting.items() if active.status is TaskStatus.SCHEDULED][:MOST_RECORDS]
        looked = {a: active for a, active in waiting.items() if active.status is not TaskStatus.SCHEDULED}
        records = self._inspector.records(execution, worked) if worked else {}
        parent = relatives.get(state.parent.execution) if state.parent else None
        return Case(
            execution,
            now,
            generation,
            state=state,
            awaited=looked | {attempt: waiting[attempt] for attempt in worked},
            records=records,
            children={a.child: self._child(a.child, relatives) for a in looked.values() if a.child},
            parent=parent,
            wanted=self._is_wanted(state, parent),
            marks={a: marks[mark_of(execution, a)] for a in worked if mark_of(execution, a) in marks},
            backlog=self._backlog() if any(attempt not in records for attempt in worked) else 0,
        )

    def _awaited(self, state: State) -> dict[AttemptId, Active]:
        return dict(awaited(state, self._names(state))) if state.active else {}

    def _names(self, state: State) -> Sequence[str]:
        graph = self._catalog.workflow(state.workflow, state.workflow_version).graph
        return [task.name for task in graph.tasks]

    def _child(self, execution: str, relatives: Mapping[str, State]) -> Child:
        state = relatives.get(execution)
        return Child(state is not None or self._store.load_start(execution) is not None, state)

    def _is_wanted(self, state: State, parent: State | None) -> bool:
        if state.parent is None:
            return True
        if parent is None or parent.status.ended:
            return False
        active = self._awaited(parent).get(state.parent.attempt)
        return active is not None and active.child == state.execution
