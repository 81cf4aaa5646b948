"""What a batch is folded into: the saved state, or the initial one of an execution or a chunk that has none yet.

An execution's initial state comes from its start; a chunk's from its start and from the scope that its home wrote down.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from attune.engine import chunk_fold
from attune.engine.advance import TOMBSTONE, initial_state
from attune.engine.facts import START, Fact, scope_fact
from attune.engine.ids import is_chunk
from attune.engine.messages import Cancel, Dead, Message, Start, StartChunk
from attune.engine.state import State
from attune.engine.wire import decode
from attune.execution.ports.execution_store import ExecutionStore
from attune.model.graph import Graph
from attune.model.status import ExecutionStatus

Graphs = Callable[[str, int], Graph]
"""Loads the graph of a workflow's version."""


@dataclass(frozen=True, slots=True)
class FoldInput:
    """A state, the messages to fold into it, and the facts that are known already."""

    state: State
    batch: list[Message]
    known: dict[Fact, Any] = field(default_factory=dict)


def input_for(
    store: ExecutionStore, graphs: Graphs, execution: str, state: State | None, batch: list[Message]
) -> FoldInput | None:
    """What to fold; None for messages to what was never started."""
    if state is not None and state.workflow != TOMBSTONE and not _begins_again(state, batch):
        return FoldInput(state, batch)
    if is_chunk(execution):
        return _of_chunk(store, graphs, execution, state, batch)
    if state is not None:
        return _of_cancelled(graphs, state, batch)
    first = _start_among(batch)
    start = first or store.load_start(execution)
    if start is None:
        return None
    # A mailbox begins with its start; if it does not, the start was lost, and this mends it.
    return FoldInput(initial_state(start, _graph_of(graphs, start)), batch if first else [start, *batch], _known(start))


def _graph_of(graphs: Graphs, start: Start) -> Graph:
    return graphs(start.workflow, start.workflow_version)


def _known(start: Start) -> dict[Fact, Any]:
    return {START: asdict(start)}


def _of_cancelled(graphs: Graphs, tombstone: State, batch: list[Message]) -> FoldInput | None:
    """A start that comes after its cancellation: the execution has existed, and was cancelled."""
    start = _start_among(batch)
    if start is None:
        return None
    state = initial_state(start, _graph_of(graphs, start))
    running = replace(state, version=tombstone.version, status=ExecutionStatus.RUNNING)
    return FoldInput(running, [Cancel("cancelled before it started")], _known(start))


def _of_chunk(
    store: ExecutionStore, graphs: Graphs, execution: str, state: State | None, batch: list[Message]
) -> FoldInput | None:
    """A tombstone stops the start that it was left for; a retry's start comes later, and begins the chunk after all."""
    start = next(filter(None, map(_chunk_start, batch)), None)
    if start is None or (state is not None and not start.attempt_base):
        return None
    fact = scope_fact(start.task, start.visit, start.attempt_base)
    scope = store.facts(execution, [fact])[fact]
    if scope is None:
        return None
    graph = graphs(scope["workflow"], scope["workflow_version"])
    return FoldInput(chunk_fold.initial_state(execution, start, scope, graph, state), batch)


def _start_among(batch: Sequence[Message]) -> Start | None:
    return next((message for message in batch if isinstance(message, Start)), None)


def _begins_again(state: State, batch: Sequence[Message]) -> bool:
    """Whether a retry of its execution begins a chunk again."""
    starts = (start for message in batch if (start := _chunk_start(message)) is not None)
    return state.chunk is not None and any(start.attempt_base > state.chunk.attempt_base for start in starts)


def _chunk_start(message: Message) -> StartChunk | None:
    """The start of a chunk that the message is, or that died and is told of by it."""
    inner = message.message if isinstance(message, Dead) else None
    found = decode(inner) if inner is not None and inner.get("type") == "start_chunk" else message
    return found if isinstance(found, StartChunk) else None
