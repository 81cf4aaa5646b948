"""The outbox: short references to the effects of the last fold, and the way back from them to the effects.

A state carries these references, not the effects themselves, which hold whole inputs. Rendering is pure, so what
is rebuilt is what was asked for (promise 2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from typing import Any

from attune.engine import chunk_fold, chunk_owner
from attune.engine.attempt_effects import run_task, start_child
from attune.engine.effects import (
    Announce,
    Control,
    Effect,
    NotifyParent,
    RunTask,
    SeekEvent,
    SetTimer,
    StartChild,
    StartChunks,
    TellChild,
    TellChunks,
    TellHome,
)
from attune.engine.facts import OUTPUT, Facts, Key
from attune.engine.ids import AttemptId
from attune.engine.messages import ChunkEnded, TimerKind
from attune.engine.ranges import compress, expand
from attune.engine.state import Active, State, Visit
from attune.engine.turn import Turn
from attune.engine.wire import decode, encode
from attune.model.built_ins import WaitKind
from attune.model.graph import Graph, Task
from attune.model.status import ExecutionStatus, TaskStatus


def references(graph: Graph, asked: Iterable[Effect]) -> list[list[Any]]:
    """The effects as short rows; attempts of one task's items share a row."""
    rows: list[list[Any]] = []
    items: dict[tuple[int, int, int], list[int]] = {}
    for effect in asked:
        if isinstance(effect, RunTask) and effect.attempt.index is not None:
            attempt, task = effect.attempt, graph.by_name[effect.attempt.task]
            items.setdefault((task.index, attempt.visit, attempt.number), []).append(effect.attempt.index)
        else:
            rows.append(_ROWS[type(effect)](graph, effect))
    return rows + [["i", *key, compress(indexes)] for key, indexes in items.items()]


def _run_row(graph: Graph, effect: RunTask) -> list[Any]:
    return ["r", graph.by_name[effect.attempt.task].index, effect.attempt.visit, effect.attempt.number]


def _timer_row(_: Graph, effect: SetTimer) -> list[Any]:
    return ["t", str(effect.kind), effect.due, effect.attempt.to_list() if effect.attempt else None]


def _chunks_row(graph: Graph, effect: StartChunks) -> list[Any]:
    return ["k", graph.by_name[effect.task].index, effect.visit, compress(start.number for start in effect.starts)]


def _chunk_controls_row(graph: Graph, effect: TellChunks) -> list[Any]:
    del graph
    numbers = compress(effect.numbers)
    return ["y", effect.task, effect.visit, numbers, effect.reason, effect.request_id, str(effect.control)]


def _home_row(graph: Graph, effect: TellHome) -> list[Any]:
    """A report is made from the state again; anything else is rare, and stands here whole."""
    del graph
    return ["h"] if isinstance(effect.message, ChunkEnded) else ["h", encode(effect.message)]


_ROWS: dict[type, Callable[[Graph, Any], list[Any]]] = {
    RunTask: _run_row,
    SetTimer: _timer_row,
    StartChild: lambda graph, effect: ["c", effect.child, effect.parent.attempt.to_list()],
    TellChild: lambda graph, effect: ["x", effect.child, effect.reason, effect.request_id, str(effect.control)],
    NotifyParent: lambda graph, effect: ["p"],
    StartChunks: _chunks_row,
    TellChunks: _chunk_controls_row,
    TellHome: _home_row,
    Announce: lambda graph, effect: ["a", str(effect.status)],
    SeekEvent: lambda graph, effect: ["e", effect.attempt.to_list()],
}


def rebuild(graph: Graph, state: State, known: Mapping[Key, Any]) -> list[Effect]:
    """The effects of the fold that made ``state``, again; raises MissingFacts."""
    turn = Turn(graph, state, Facts(known), state.updated_at)
    return [effect for row in state.outbox for effect in _BUILDERS[row[0]](turn, *row[1:])]


def _runs(turn: Turn, task: int, visit: int, number: int) -> Iterator[Effect]:
    node = turn.graph.tasks[task]
    yield run_task(turn, node, AttemptId(node.name, visit, None, number))


def _item_runs(turn: Turn, task: int, visit: int, number: int, indexes: list[list[int]]) -> Iterator[Effect]:
    node = turn.graph.tasks[task]
    for index in expand(indexes):
        yield run_task(turn, node, AttemptId(node.name, visit, index, number))


def _timers(turn: Turn, kind: str, due: float, attempt: list[Any] | None) -> Iterator[Effect]:
    named = AttemptId.from_list(attempt) if attempt else None
    yield SetTimer(TimerKind(kind), due, named, turn.state.resend_id)


def _children(turn: Turn, child: str, row: list[Any]) -> Iterator[Effect]:
    attempt = AttemptId.from_list(row)
    yield start_child(turn, turn.graph.by_name[attempt.task], attempt, child)


def _controls(turn: Turn, child: str, reason: str, request_id: str, control: str) -> Iterator[Effect]:
    del turn
    yield TellChild(child, reason, request_id, Control(control))


def _chunk_starts(turn: Turn, task: int, visit: int, numbers: list[list[int]]) -> Iterator[Effect]:
    begun = turn.state.active[task, visit]
    if begun.chunks is not None:
        yield chunk_owner.start_chunks(turn, begun, begun.chunks, list(expand(numbers)))


def _chunk_controls(
    turn: Turn, task: str, visit: int, numbers: list[list[int]], reason: str, request_id: str, control: str
) -> Iterator[Effect]:
    del turn
    yield TellChunks(task, visit, list(expand(numbers)), reason, request_id, Control(control))


def _words_home(turn: Turn, message: Mapping[str, Any] | None = None) -> Iterator[Effect]:
    yield chunk_fold.report(turn) if message is None else TellHome(decode(message))


def _notices(turn: Turn) -> Iterator[Effect]:
    if turn.state.parent is not None and not turn.state.retried:
        ended = turn.facts.get(OUTPUT)
        state = turn.state
        yield NotifyParent(turn.state.parent, state.status, ended["output"], ended["error"], state.resend_id)


def _announcements(turn: Turn, status: str) -> Iterator[Effect]:
    announced = ExecutionStatus(status)
    tells = announced.ended or announced is ExecutionStatus.PAUSED
    yield Announce(announced, turn.state.error if tells else None)


def _seeks(turn: Turn, attempt: list[Any]) -> Iterator[Effect]:
    del turn
    yield SeekEvent(AttemptId.from_list(attempt))


_BUILDERS: dict[str, Callable[..., Iterator[Effect]]] = {
    "r": _runs,
    "i": _item_runs,
    "t": _timers,
    "c": _children,
    "x": _controls,
    "p": _notices,
    "k": _chunk_starts,
    "y": _chunk_controls,
    "h": _words_home,
    "a": _announcements,
    "e": _seeks,
}


_CONTROLS = frozenset({"x", "y"})
"""Rows that nothing else in the state tells of."""


def repeat(turn: Turn, only: Set[AttemptId] = frozenset(), announce: bool = True) -> None:
    """Ask again for everything that the execution still waits for, or ``only`` for these attempts.

    ``announce``: tell the bus of an end again, too; rules may then fire a second time.
    """
    state = turn.state
    for row in state.outbox:
        if row[0] in _CONTROLS:
            turn.effects.extend(_BUILDERS[row[0]](turn, *row[1:]))
    if state.status.ended:
        turn.effects.extend(_last_words(turn, announce))
        return
    if state.deadline is not None and state.chunk is None and not only:
        turn.ask(SetTimer(TimerKind.WORKFLOW_TIMEOUT, state.deadline, None, state.resend_id))
    for visit in state.active.values():
        turn.effects.extend(_of_visit(turn, visit, only))


def _of_visit(turn: Turn, visit: Visit, only: Set[AttemptId]) -> Iterator[Effect]:
    task = turn.graph.tasks[visit.task]
    if visit.chunks is not None and visit.chunks.running and not only:
        yield chunk_owner.start_chunks(turn, visit, visit.chunks, sorted(visit.chunks.running))
    for index, active in visit.attempts():
        attempt = AttemptId(task.name, visit.number, index, active.number)
        if not only or attempt in only:
            yield from _awaited(turn, task, attempt, active)


def _last_words(turn: Turn, announce: bool) -> Iterator[Effect]:
    """Whom an execution that has ended tells of it; a chunk tells its home, unless that has cancelled it."""
    if turn.state.chunk is None:
        yield from _notices(turn)
        yield from _announcements(turn, turn.state.status) if announce else ()
    elif turn.state.status is ExecutionStatus.COMPLETED:
        yield from _words_home(turn)


def _awaited(turn: Turn, task: Task, attempt: AttemptId, active: Active) -> Iterator[Effect]:
    resend_id = turn.state.resend_id
    if active.status is TaskStatus.SCHEDULED:
        yield run_task(turn, task, attempt)
    if active.child is not None:
        yield start_child(turn, task, attempt, active.child)
    if active.limit is not None:
        yield SetTimer(TimerKind.TASK_TIMEOUT, active.limit, attempt, resend_id)
    if active.wait is WaitKind.EVENT:
        yield SeekEvent(attempt)
    if active.due is not None:
        kind = TimerKind.RETRY if active.status is TaskStatus.RETRYING else TimerKind.SLEEP
        yield SetTimer(kind, active.due, attempt, resend_id)
