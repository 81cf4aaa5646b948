"""Standing still, and going on: a whole execution, its children and the chunks of its lists."""

from __future__ import annotations

from attune.engine import chunk_owner, ending, items
from attune.engine.effects import Control, TellChild
from attune.engine.ids import AttemptId
from attune.engine.messages import Pause, Resume
from attune.engine.state import State
from attune.engine.turn import Turn
from attune.model.status import TaskStatus

MOST_SEEN_CONTROLS = 8
"""Pauses and resumptions that are remembered."""
SEEN_CONTROL_NAME = 16
"""Characters of each (64 bits): it stands in every state that is saved from then on."""


def pause(turn: Turn, message: Pause) -> None:
    """Nothing more is begun; what runs, ends."""
    if _is_new(turn.state, message) and not turn.state.paused:
        stop(turn, message.by, message.reason)
        _tell_children(turn, Control.PAUSE, message.reason, message.request_id)


def resume(turn: Turn, message: Resume) -> None:
    """Go on, with what came due meanwhile."""
    state = turn.state
    if not _is_new(state, message) or not state.paused:
        return
    _tell_children(turn, Control.RESUME, "", message.request_id)
    over = {"until": turn.now, "resumed_by": message.by}
    state.paused, state.pause_note = False, {**(state.pause_note or {}), **over}
    state.error = None if not state.ever_unhandled and not state.is_failing else state.error
    for visit in list(state.active.values()):
        task = turn.graph.tasks[visit.task]
        for index, active in visit.attempts():
            if active.status is TaskStatus.RETRYING and active.due is None:
                turn.ready.append(AttemptId(task.name, visit.number, index, active.number))
        items.refill(turn, task, visit.number)
        chunk_owner.refill(turn, task, visit.number)


def _is_new(state: State, message: Pause | Resume) -> bool:
    """Not a copy: the queue drops those for five minutes only, and a later one would undo what was asked for since."""
    name = message.dedup[:SEEN_CONTROL_NAME]
    if state.status.ended or name in state.seen_controls:
        return False
    state.seen_controls = [*state.seen_controls, name][-MOST_SEEN_CONTROLS:]
    return True


def stop(turn: Turn, by: str, reason: str) -> None:
    """Stand still; the note says who wanted it, why and since when."""
    turn.state.paused, turn.state.pause_note = True, {"by": by, "reason": reason, "at": turn.now}


def _tell_children(turn: Turn, control: Control, reason: str, request_id: str) -> None:
    """Children and chunks are told under the parent's request id, so that pausing twice is two messages."""
    passed = f"{turn.state.execution}.{request_id}"
    for visit in turn.state.active.values():
        ending.tell_chunks(turn, visit, control, reason, passed)
        for _, active in visit.attempts():
            if active.child is not None:
                turn.ask(TellChild(active.child, reason, passed, control))
