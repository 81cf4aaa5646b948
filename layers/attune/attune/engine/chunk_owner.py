"""Chunks: a long ``with_items`` is cut into parts that have a mailbox and a state of their own (promise 6).

Here is the part of the execution itself, which is the chunks' *home*. It stores the list in parts. It starts chunks
until their windows add up to the task's ``concurrency``. It sums up their reports, and ends the visit like any other.
The part of a chunk is in ``chunk_fold``.

Templates of a chunk may name parts of the home's state. The home stores these parts once, as they are when the visit
begins. So every item sees the same values, whenever its chunk begins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from attune.engine import codec, item_summary
from attune.engine.effects import StartChunks, WriteScope
from attune.engine.messages import ChunkEnded, StartChunk
from attune.engine.state import State
from attune.engine.turn import Turn
from attune.engine.visits import Chunks, Visit
from attune.model.graph import Task
from attune.model.status import TaskStatus

ITEMS_AT_A_TIME = 10
"""How many items of a chunk should run at a time, at least: messages to one mailbox come in batches of up to ten, and
each batch costs a load and a save."""
MOST_BOUNDED = 20
"""How many chunks run at a time at most where the task has a ``concurrency``."""
MOST = 100
"""How many chunks run at a time at most: what runs stands in the home's state."""


def begin(turn: Turn, task: Task, visit: int, batches: Sequence[Any], elements: int) -> None:
    """Write the list down in parts, and start as many chunks as may run."""
    count = -(-len(batches) // turn.graph.chunk_size)
    chunks = Chunks(len(batches), elements, count)
    for number in range(count):
        first, stop = chunks.bounds(number)
        turn.write_list(task, visit, batches[first:stop], number)
    _go(turn, task, visit, chunks, attempt_base=0)


def restart(turn: Turn, task: Task, visit: int, last: int, scope: Mapping[str, Any], *, whole: bool) -> None:
    """Begin all chunks again; each knows which of its items have not succeeded. ``scope`` is that of the first time.

    If all have, none of them runs, or all do if the ``whole`` is wanted. ``last`` is the highest number of an attempt.
    """
    state = turn.state
    counted = state.item_counts.get(task.index)
    succeeded = state.latest(task.index) is not TaskStatus.CANCELLED and counted is not None and not counted[1]
    chunks = Chunks(scope["total"], scope["elements"], scope["chunks"], whole=whole and succeeded)
    _go(turn, task, visit, chunks, attempt_base=last)


def _go(turn: Turn, task: Task, visit: int, chunks: Chunks, *, attempt_base: int) -> None:
    turn.write_scope(WriteScope(task.name, visit, scope_of(turn.state, chunks), attempt_base))
    turn.state.open(Visit(task.index, visit, chunks=chunks, attempt_base=attempt_base))
    refill(turn, task, visit)


def scope_of(state: State, chunks: Chunks) -> dict[str, Any]:
    """Where the execution stands: all that the templates of the items may name, and how the list is cut.

    Of the visits under way it says only that they are.
    """
    shown = state.copy()
    shown.active = {key: Visit(*key, attempt_base=visit.attempt_base) for key, visit in state.active.items()}
    shown.fired, shown.join_runs, shown.outbox = {}, {}, []
    shown.deadline = shown.error = None
    shown.resumable, shown.dropped, shown.retried, shown.resend_id = {}, {}, [], ""
    kept = {"workflow": state.workflow, "workflow_version": state.workflow_version, "created_at": state.created_at}
    cut = {"total": chunks.total, "elements": chunks.elements, "chunks": chunks.count}
    return {**kept, **cut, "state": codec.encode(shown)}


def refill(turn: Turn, task: Task, visit: int) -> None:
    """Start as many chunks as there is room for."""
    owned = turn.state.own(task.index, visit)
    if owned is None or owned.chunks is None or turn.state.paused:
        return
    chunks, fresh = owned.chunks, []
    room = _at_a_time(task.concurrency, chunks.count)
    while chunks.next < chunks.count and len(chunks.running) < room:
        chunks.running[chunks.next] = _share(task.concurrency, chunks.running, room)
        fresh.append(chunks.next)
        chunks.next += 1
    if fresh:
        turn.ask(start_chunks(turn, owned, chunks, fresh))


def _at_a_time(concurrency: int | None, count: int) -> int:
    bounded = MOST if concurrency is None else max(1, min(concurrency // ITEMS_AT_A_TIME, MOST_BOUNDED))
    return min(bounded, count)


def _share(concurrency: int | None, running: Mapping[int, int], room: int) -> int:
    """The window of the next chunk: the rest of the bound, divided evenly among the chunks that may begin now."""
    if concurrency is None:
        return 0
    return -(-(concurrency - sum(running.values())) // (room - len(running)))


def start_chunks(turn: Turn, visit: Visit, chunks: Chunks, numbers: Sequence[int]) -> StartChunks:
    """The effect that starts these chunks of a visit."""
    name, bounds = turn.graph.tasks[visit.task].name, {number: chunks.bounds(number) for number in numbers}
    starts = [
        StartChunk(
            task=name,
            visit=visit.number,
            number=number,
            first=first,
            stop=stop,
            window=chunks.running[number],
            resend_id=turn.state.resend_id,
            attempt_base=visit.attempt_base,
            whole=chunks.whole,
        )
        for number, (first, stop) in bounds.items()
    ]
    return StartChunks(name, visit.number, starts)


def ended(turn: Turn, message: ChunkEnded) -> None:
    """A chunk reports: go on with the next; when it was the last, so is the visit. What nobody waits for is ignored."""
    task = turn.graph.by_name.get(message.task)
    owned = turn.state.own(task.index, message.visit) if task is not None else None
    if task is None or owned is None or owned.chunks is None or message.number not in owned.chunks.running:
        return
    if message.attempt_base != owned.attempt_base:
        return
    chunks = owned.chunks
    del chunks.running[message.number]
    chunks.failed += message.failed
    chunks.indexes = item_summary.first([*chunks.indexes, *message.indexes])
    if chunks.done:
        item_summary.finish(turn, task, message.visit, chunks.elements, chunks.failed, chunks.indexes)
    else:
        refill(turn, task, message.visit)
