"""The fold of a chunk: part of the items of one visit, with a state and a mailbox of its own.

Its state is the home's state as it was when the visit began (see ``chunk_owner``), and the items under way. A chunk
takes no transition, publishes no variables and announces nothing. After its last item it tells its home how many
failed, and is over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine import codec, ending, item_summary, items
from attune.engine.effects import TellHome
from attune.engine.messages import ChunkEnded, StartChunk
from attune.engine.state import State
from attune.engine.task_start import start_attempt
from attune.engine.turn import Turn
from attune.engine.visits import Chunk, Items, Visit
from attune.model.graph import Graph
from attune.model.status import ExecutionStatus


def initial_state(
    execution: str, start: StartChunk, scope: Mapping[str, Any], graph: Graph, before: State | None = None
) -> State:
    """The state of a chunk of which nothing has been folded yet; ``execution`` is the chunk's id.

    ``before`` is how it stood when its execution ended, if a retry begins it again.
    """
    kept = {name: scope[name] for name in ("workflow", "workflow_version", "created_at")}
    state = codec.decode(scope["state"], execution=execution, status=ExecutionStatus.REQUESTED, **kept)
    task = graph.by_name[start.task].index
    state.chunk = Chunk(
        task=task,
        visit=start.visit,
        number=start.number,
        first=start.first,
        window=start.window,
        attempt_base=start.attempt_base,
    )
    under_way = Items(total=start.stop, elements=scope["elements"], next=start.first)
    visit = Visit(task, start.visit, items=under_way, attempt_base=start.attempt_base)
    if before is not None and before.chunk is not None:
        _go_on(visit, under_way, before, start)
    state.open(visit)
    return state


def _go_on(visit: Visit, under_way: Items, before: State, start: StartChunk) -> None:
    """Skip the items that succeeded, unless all are wanted again; count attempts on from the last one."""
    chunk, done = _mine(before)
    under_way.next = done.next
    left = range(start.first, done.next) if start.whole else {*done.failed, *done.active, *done.again}
    under_way.again = sorted(left, reverse=True)
    visit.attempt_base = max(start.attempt_base, before.active[chunk.task, chunk.visit].attempted)


def start(turn: Turn) -> None:
    """Begin, unless it has begun."""
    chunk, _ = _mine(turn.state)
    if turn.state.status is ExecutionStatus.REQUESTED:
        turn.state.status = ExecutionStatus.RUNNING
        items.refill(turn, turn.graph.tasks[chunk.task], chunk.visit)


def cancel(turn: Turn, reason: str) -> None:
    """Stop at once; nobody waits for a report."""
    state = turn.state
    chunk, _ = _mine(state)
    visit = state.own(chunk.task, chunk.visit)
    if visit is not None and visit.items is not None:
        ending.release(turn, visit, reason)
        visit.items.failed |= visit.items.active.keys()
        visit.items.active.clear()
    turn.ready.clear()
    state.status, state.ended_at = ExecutionStatus.CANCELLED, turn.now


def settle(turn: Turn) -> None:
    """Start what is ready; then see whether the chunk is over."""
    state = turn.state
    while turn.ready and not state.status.ended:
        attempt = turn.ready.popleft()
        start_attempt(turn, turn.graph.by_name[attempt.task], attempt.visit, attempt.index, attempt.number)
    if state.status is ExecutionStatus.RUNNING and _mine(state)[1].done:
        state.status, state.ended_at = ExecutionStatus.COMPLETED, turn.now
        turn.ask(report(turn))


def report(turn: Turn) -> TellHome:
    """What a chunk that is over tells its home."""
    chunk, under_way = _mine(turn.state)
    task = turn.graph.tasks[chunk.task]
    failed = item_summary.elements_of(under_way.failed, under_way.elements, task.batch_size)
    indexes = item_summary.first(under_way.failed)
    return TellHome(
        ChunkEnded(
            task=task.name,
            visit=chunk.visit,
            number=chunk.number,
            failed=failed,
            indexes=indexes,
            resend_id=turn.state.resend_id,
            attempt_base=chunk.attempt_base,
        )
    )


def _mine(state: State) -> tuple[Chunk, Items]:
    """Which chunk this is, and its items; they stay when it is over, for they say which have failed."""
    chunk = state.chunk
    visit = state.active.get((chunk.task, chunk.visit)) if chunk else None
    if chunk is None or visit is None or visit.items is None:
        raise TypeError(f"{state.execution} is not the state of a chunk")
    return chunk, visit.items
