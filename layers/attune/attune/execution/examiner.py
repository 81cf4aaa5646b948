"""Gathers what there is to know of executions into cases."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from attune.engine.ids import AttemptId, home_of, is_chunk
from attune.engine.state import State
from attune.engine.visits import Active
from attune.execution.cases import Case, Child, awaited, chunks_of
from attune.execution.diagnosis import LATE
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.inspector import Inspector, Marks
from attune.execution.ports.queues import Envelope
from attune.execution.waits import LookBack
from attune.model.built_ins import WaitKind
from attune.model.graph import Graph
from attune.model.status import TaskStatus

MOST_RECORDS = 200
"""Attempts of one execution whose records are looked at in one go: what was lost comes to the front in time, since
the others end."""


class _Look:
    """What one look at many executions is about, and what it has gathered for all of them."""

    def __init__(self, now: float, request_id: str, marks: Marks, look_back: LookBack) -> None:
        self.now, self.request_id, self.marks = now, request_id, marks
        self.look_back = look_back.round(now)
        self.waiting: dict[str, dict[AttemptId, Active]] = {}
        self.relatives: dict[str, State] = {}


def _moves(execution: str, state: State | None, look: _Look) -> bool:
    """A chunk that was saved lately: it ends or stands still before long, and then it is looked at."""
    return is_chunk(execution) and state is not None and look.now - state.updated_at <= LATE


class Examiner:
    """Reads as little as it can: what stands in the states decides what else is looked at."""

    def __init__(
        self,
        *,
        inspector: Inspector,
        store: ExecutionStore,
        catalog: Catalog,
        look_back: LookBack,
        backlog: Callable[[], int],
    ) -> None:
        self._inspector, self._store, self._catalog = inspector, store, catalog
        self._look_back, self._backlog = look_back, backlog

    def cases(self, executions: Iterable[str], now: float, request_id: str, marks: Marks) -> Iterator[Case]:
        """Cases of those that have begun and not ended, each followed by those of its chunks.

        States are read for all of them at once: first their own, then those of their relatives.
        """
        look = _Look(now, request_id, marks, self._look_back)
        own = {e: s for e, s in self._inspector.states(executions).items() if not s.status.ended and s.workflow}
        chunks = {e: dict(chunks_of(state, self._names(state))) for e, state in own.items()}
        parts = self._inspector.states(chunk for starts in chunks.values() for chunk in starts)
        live = own | {e: state for e, state in parts.items() if not state.status.ended}
        look.waiting = {e: self._awaited(state) for e, state in live.items()}
        wanted = {active.child for actives in look.waiting.values() for active in actives.values() if active.child}
        wanted |= {state.parent.execution for state in own.values() if state.parent}
        look.relatives = own | parts
        look.relatives |= self._inspector.states(wanted - look.relatives.keys())
        for execution, state in own.items():
            parent = look.relatives.get(state.parent.execution) if state.parent else None
            yield replace(self._case(execution, state, look), parent=parent, wanted=self._is_wanted(state, parent))
            for chunk, start in chunks[execution].items():
                yield replace(self._case(chunk, parts.get(chunk), look), parent=state, chunk=start)

    def strays(self, chunks: Sequence[str], now: float, request_id: str, marks: Marks) -> Iterator[Case]:
        """Cases of those of the chunks that their homes do not wait for."""
        homes = self._inspector.states({home_of(chunk) for chunk in chunks})
        live = (state for state in homes.values() if not state.status.ended)
        wanted = {chunk for state in live for chunk, _ in chunks_of(state, self._names(state))}
        for chunk, state in self._inspector.states(c for c in chunks if c not in wanted).items():
            if not state.status.ended:
                yield Case(
                    execution=chunk,
                    now=now,
                    request_id=request_id,
                    state=state,
                    parent=homes.get(home_of(chunk)),
                    wanted=False,
                    marks=marks,
                )

    def _case(self, execution: str, state: State | None, look: _Look) -> Case:
        waiting = look.waiting.get(execution, {})
        looked = {a: active for a, active in waiting.items() if active.status is not TaskStatus.SCHEDULED}
        worked = [a for a in waiting if a not in looked and not _moves(execution, state, look)][:MOST_RECORDS]
        records = self._inspector.records(execution, worked) if worked else {}
        return Case(
            execution=execution,
            now=look.now,
            request_id=look.request_id,
            state=state,
            awaited=looked | {attempt: waiting[attempt] for attempt in worked},
            records=records,
            children={a.child: self._child(a.child, look.relatives) for a in looked.values() if a.child},
            arrived=self._arrived(state, looked, look) if state is not None else {},
            marks=look.marks,
            backlog=self._backlog() if any(attempt not in records for attempt in worked) else 0,
        )

    def _arrived(self, state: State, waiting: Mapping[AttemptId, Active], look: _Look) -> dict[AttemptId, Envelope]:
        """Events that came for what has stood still since."""
        events = [attempt for attempt, active in waiting.items() if active.wait is WaitKind.EVENT]
        if not events or look.now - state.updated_at <= LATE:
            return {}
        tasks = self._graph(state).by_name
        looking = [attempt for attempt in events if look.look_back.may_find(tasks[attempt.task].input or {})]
        return dict(look.look_back.found(state, looking[:MOST_RECORDS]))

    def _awaited(self, state: State) -> dict[AttemptId, Active]:
        return dict(awaited(state, self._names(state))) if state.active else {}

    def _names(self, state: State) -> Sequence[str]:
        return [task.name for task in self._graph(state).tasks]

    def _graph(self, state: State) -> Graph:
        return self._catalog.workflow(state.workflow, state.workflow_version).graph

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
