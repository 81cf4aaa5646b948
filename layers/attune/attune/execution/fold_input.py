"""Where a state comes from when there is none: an execution's from its start, a chunk's from its start and scope."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from attune.engine import chunk_fold
from attune.engine.advance import VANISHED, born
from attune.engine.facts import START, Key, scope_key
from attune.engine.ids import is_chunk
from attune.engine.messages import Cancel, Dead, Message, Start, StartChunk
from attune.engine.state import State
from attune.engine.wire import decode
from attune.execution.ports.execution_store import ExecutionStore
from attune.model.graph import Graph
from attune.model.status import ExecutionStatus


@dataclass(frozen=True, slots=True)
class Beginning:
    """What a fold begins with: a state, the messages to fold into it, and the facts that are known already."""

    state: State
    batch: list[Message]
    known: dict[Key, Any] = field(default_factory=dict)


class Births:
    """Finds the state that a batch is folded into; ``graph(workflow, version)`` loads what it goes by."""

    def __init__(self, store: ExecutionStore, graph: Callable[[str, int], Graph]) -> None:
        self._store, self._graph = store, graph

    def beginning(self, execution: str, state: State | None, batch: list[Message]) -> Beginning | None:
        """The saved state, or a newborn one; None for messages to what was never started."""
        if state is not None and state.workflow != VANISHED and not _begins_again(state, batch):
            return Beginning(state, batch)
        if is_chunk(execution):
            return self._chunk(execution, state, batch)
        return self._execution(execution, batch) if state is None else self._cancelled(state, batch)

    def _execution(self, execution: str, batch: list[Message]) -> Beginning | None:
        first = _start_among(batch)
        start = first or self._store.load_start(execution)
        if start is None:
            return None
        # A mailbox begins with its start; if it does not, the start was lost, and this mends it.
        return self._begun(start, batch if first else [start, *batch])

    def _begun(self, start: Start, batch: list[Message], **more: Any) -> Beginning:
        graph = self._graph(start.workflow, start.workflow_version)
        return Beginning(replace(born(start, graph), **more), batch, {START: asdict(start)})

    def _cancelled(self, tombstone: State, batch: list[Message]) -> Beginning | None:
        """A start that comes after its cancellation: the execution has existed, and was cancelled."""
        start = _start_among(batch)
        if start is None:
            return None
        cancel = Cancel("cancelled before it started")
        return self._begun(start, [cancel], version=tombstone.version, status=ExecutionStatus.RUNNING)

    def _chunk(self, execution: str, state: State | None, batch: list[Message]) -> Beginning | None:
        """A chunk is born of its start, and of what its home has written down for all of its visit.

        A tombstone stops the start that it was left for; a retry's comes later, and begins it after all.
        """
        start = next(filter(None, map(_chunk_start, batch)), None)
        if start is None or (state is not None and not start.base):
            return None
        key = scope_key(start.task, start.visit, start.base)
        scope = self._store.facts(execution, [key])[key]
        if scope is None:
            return None
        graph = self._graph(scope["workflow"], scope["workflow_version"])
        return Beginning(chunk_fold.born(execution, start, scope, graph, state), batch)


def _start_among(batch: Sequence[Message]) -> Start | None:
    return next((message for message in batch if isinstance(message, Start)), None)


def _begins_again(state: State, batch: Sequence[Message]) -> bool:
    """Whether a retry of its execution begins a chunk again."""
    starts = (start for message in batch if (start := _chunk_start(message)) is not None)
    return state.chunk is not None and any(start.base > state.chunk.run for start in starts)


def _chunk_start(message: Message) -> StartChunk | None:
    """The start of a chunk that the message is, or that died and is told of by it."""
    inner = message.message if isinstance(message, Dead) else None
    found = decode(inner) if inner is not None and inner.get("type") == "start_chunk" else message
    return found if isinstance(found, StartChunk) else None
