"""The outbox: short references to the effects of the last fold, and the way back from them to the effects.

**Rules.**

1. A state carries references to what its last fold asked for, not the effects themselves, which hold whole inputs.
2. A reference holds what cannot be found in the state: which attempt, until when. Rendering is pure, so what
   :func:`rebuild` makes from it, at the time of that fold, is what was asked for (promise 2).
3. Nothing is ever taken out of an outbox. The next fold writes its own; and a message that comes after a batch proves
   that the batch was deleted, hence sent. Only when old messages come back is their outbox sent again.
4. That does not help where what was sent has been lost for good: a message died, a queue was purged. For that there is
   :func:`repeat`: it asks for everything that the state still waits for, under fresh ids (``resend_id``), whichever
   fold asked for it first. Only what the state does not tell of by itself, controls for children and chunks, it takes
   from the outbox.

**An example.** A list, and a task beside it::

    tasks:
      - {name: a, action: t.do, with_items: [x, y, z], input: {x: "{{ item }}"}}
      - {name: b, action: t.do, timeout: 60, retry: {count: 1, delay: 5}}

``Start`` asks for four attempts: ``outbox = [["r", 1, 1, 1], ["i", 0, 1, 1, [[0, 2]]]]``. The first row is attempt 1 of
visit 1 of the task with index 1; the second the same of the task with index 0, for its items 0 to 2. Rebuilt, the items
have their inputs again: ``x``, ``y`` and ``z``. When ``b`` has failed, the outbox is
``[["t", "retry", <in 5 seconds>, ["b", 1, null, 2]]]``. The rows of the items are gone, since they were sent. If their
messages are then lost, ``repeat`` finds them in ``state.active``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from enum import StrEnum
from typing import Any, assert_never

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
from attune.engine.facts import Fact, Facts, OutputFact
from attune.engine.ids import AttemptId
from attune.engine.messages import ChunkEnded, TimerKind
from attune.engine.ranges import compress, expand
from attune.engine.state import State
from attune.engine.turn import Turn
from attune.engine.visits import Active, Visit
from attune.engine.wire import decode, encode
from attune.model.built_ins import WaitKind
from attune.model.graph import Graph, Task, TaskIndex
from attune.model.status import ExecutionStatus, TaskStatus


class Row(StrEnum):
    """What the first column of a reference says: how the others are read (stored: these never change)."""

    RUN = "r"
    ITEM_RUNS = "i"
    TIMER = "t"
    CHILD = "c"
    CHILD_CONTROL = "x"
    NOTICE = "p"
    CHUNK_STARTS = "k"
    CHUNK_CONTROL = "y"
    HOME = "h"
    ANNOUNCEMENT = "a"
    SEEK = "e"


def references(graph: Graph, asked: Iterable[Effect]) -> list[list[Any]]:
    """The effects as short rows; attempts of one task's items share a row."""
    rows: list[list[Any]] = []
    items: dict[tuple[TaskIndex, int, int], list[int]] = {}
    for effect in asked:
        if isinstance(effect, RunTask) and effect.attempt.index is not None:
            attempt, task = effect.attempt, graph.by_name[effect.attempt.task]
            items.setdefault((task.index, attempt.visit, attempt.number), []).append(effect.attempt.index)
        else:
            rows.append(_row(graph, effect))
    return rows + [[Row.ITEM_RUNS, *key, compress(indexes)] for key, indexes in items.items()]


def _row(graph: Graph, effect: Effect) -> list[Any]:  # noqa: C901 - one case for each kind
    match effect:
        case RunTask(attempt=attempt):
            return [Row.RUN, graph.by_name[attempt.task].index, attempt.visit, attempt.number]
        case SetTimer(attempt=attempt):
            return [Row.TIMER, str(effect.kind), effect.due, attempt.to_list() if attempt else None]
        case StartChild():
            return [Row.CHILD, effect.child, effect.parent.attempt.to_list()]
        case TellChild():
            return [Row.CHILD_CONTROL, effect.child, effect.reason, effect.request_id, str(effect.control)]
        case NotifyParent():
            return [Row.NOTICE]
        case StartChunks():
            numbers = compress(start.number for start in effect.starts)
            return [Row.CHUNK_STARTS, graph.by_name[effect.task].index, effect.visit, numbers]
        case TellChunks():
            return _chunk_control_row(effect)
        case TellHome():
            # A report is made from the state again; anything else is rare, and stands here whole.
            return [Row.HOME] if isinstance(effect.message, ChunkEnded) else [Row.HOME, encode(effect.message)]
        case Announce():
            return [Row.ANNOUNCEMENT, str(effect.status)]
        case SeekEvent():
            return [Row.SEEK, effect.attempt.to_list()]
        case _ as never:
            assert_never(never)


def _chunk_control_row(effect: TellChunks) -> list[Any]:
    numbers = compress(effect.numbers)
    said = [effect.reason, effect.request_id, str(effect.control)]
    return [Row.CHUNK_CONTROL, effect.task, effect.visit, numbers, *said]


def rebuild(graph: Graph, state: State, known: Mapping[Fact, Any]) -> list[Effect]:
    """The effects of the fold that made ``state``, again; raises MissingFacts."""
    turn = Turn(graph, state, Facts(known), state.updated_at)
    return [effect for row in state.outbox for effect in _rebuilt(turn, row)]


def _runs(turn: Turn, task: TaskIndex, visit: int, number: int) -> Iterator[Effect]:
    node = turn.graph.tasks[task]
    yield run_task(turn, node, AttemptId(node.name, visit, None, number))


def _item_runs(turn: Turn, task: TaskIndex, visit: int, number: int, indexes: list[list[int]]) -> Iterator[Effect]:
    node = turn.graph.tasks[task]
    for index in expand(indexes):
        yield run_task(turn, node, AttemptId(node.name, visit, index, number))


def _timers(turn: Turn, kind: str, due: float, attempt: list[Any] | None) -> Iterator[Effect]:
    named = AttemptId.from_list(attempt) if attempt else None
    yield SetTimer(TimerKind(kind), due, named, turn.state.resend_id)


def _children(turn: Turn, child: str, row: list[Any]) -> Iterator[Effect]:
    attempt = AttemptId.from_list(row)
    yield start_child(turn, turn.graph.by_name[attempt.task], attempt, child)


def _controls(child: str, reason: str, request_id: str, control: str) -> Iterator[Effect]:
    yield TellChild(child, reason, request_id, Control(control))


def _chunk_starts(turn: Turn, task: TaskIndex, visit: int, numbers: list[list[int]]) -> Iterator[Effect]:
    begun = turn.state.active[task, visit]
    if begun.chunks is not None:
        yield chunk_owner.start_chunks(turn, begun, begun.chunks, list(expand(numbers)))


def _chunk_controls(
    task: str, visit: int, numbers: list[list[int]], reason: str, request_id: str, control: str
) -> Iterator[Effect]:
    yield TellChunks(
        task=task,
        visit=visit,
        numbers=list(expand(numbers)),
        reason=reason,
        request_id=request_id,
        control=Control(control),
    )


def _words_home(turn: Turn, message: Mapping[str, Any] | None = None) -> Iterator[Effect]:
    yield chunk_fold.report(turn) if message is None else TellHome(decode(message))


def _notices(turn: Turn) -> Iterator[Effect]:
    if turn.state.parent is not None and not turn.state.retried:
        ended = turn.facts.get(OutputFact())
        state = turn.state
        yield NotifyParent(
            parent=turn.state.parent,
            status=state.status,
            output=ended["output"],
            error=ended["error"],
            resend_id=state.resend_id,
        )


def _announcements(turn: Turn, status: str) -> Iterator[Effect]:
    announced = ExecutionStatus(status)
    tells = announced.ended or announced is ExecutionStatus.PAUSED
    yield Announce(announced, turn.state.error if tells else None)


def _seeks(attempt: list[Any]) -> Iterator[Effect]:
    yield SeekEvent(AttemptId.from_list(attempt))


def _rebuilt(turn: Turn, row: Sequence[Any]) -> Iterator[Effect]:  # noqa: C901 - one case for each kind
    rest = row[1:]
    match Row(row[0]):
        case Row.RUN:
            return _runs(turn, *rest)
        case Row.ITEM_RUNS:
            return _item_runs(turn, *rest)
        case Row.TIMER:
            return _timers(turn, *rest)
        case Row.CHILD:
            return _children(turn, *rest)
        case Row.CHILD_CONTROL:
            return _controls(*rest)
        case Row.NOTICE:
            return _notices(turn)
        case Row.CHUNK_STARTS:
            return _chunk_starts(turn, *rest)
        case Row.CHUNK_CONTROL:
            return _chunk_controls(*rest)
        case Row.HOME:
            return _words_home(turn, *rest)
        case Row.ANNOUNCEMENT:
            return _announcements(turn, *rest)
        case Row.SEEK:
            return _seeks(*rest)
        case _ as never:
            assert_never(never)


_CONTROLS = frozenset({Row.CHILD_CONTROL, Row.CHUNK_CONTROL})
"""Rows that nothing else in the state tells of."""


def repeat(turn: Turn, only: Set[AttemptId] = frozenset(), announce: bool = True) -> None:
    """Ask again for everything that the execution still waits for, or ``only`` for these attempts.

    ``announce``: tell the bus of an end again, too; rules may then fire a second time.
    """
    state = turn.state
    for row in state.outbox:
        if row[0] in _CONTROLS:
            turn.effects.extend(_rebuilt(turn, row))
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
