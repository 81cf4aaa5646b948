"""Standing still, and going on: a whole execution, its children and the chunks of its lists."""

from __future__ import annotations

from attune.engine import chunks, ending, items
from attune.engine.effects import Control, TellChild
from attune.engine.ids import AttemptId
from attune.engine.messages import Pause, Resume
from attune.engine.turn import Turn
from attune.language.status import TaskStatus


def pause(turn: Turn, message: Pause) -> None:
    """Nothing more is begun; what runs, ends."""
    if not turn.state.status.ended and not turn.state.paused:
        stop(turn, message.by, message.reason)
        _tell_children(turn, Control.PAUSE, message.reason, message.generation)


def resume(turn: Turn, message: Resume) -> None:
    """Go on, with what came due meanwhile."""
    state = turn.state
    if state.status.ended or not state.paused:
        return
    _tell_children(turn, Control.RESUME, "", message.generation)
    state.paused, state.pause_note = False, {**(state.pause_note or {}), "until": turn.now}
    state.error = None if not state.failures and not state.failed else state.error
    for visit in list(state.active.values()):
        task = turn.graph.tasks[visit.task]
        for index, active in visit.attempts():
            if active.status is TaskStatus.RETRYING and active.due is None:
                turn.ready.append(AttemptId(task.name, visit.number, index, active.number))
        items.refill(turn, task, visit.number)
        chunks.refill(turn, task, visit.number)


def stop(turn: Turn, by: str, reason: str) -> None:
    """Stand still; the note says who wanted it, why and since when."""
    turn.state.paused, turn.state.pause_note = True, {"by": by, "reason": reason, "at": turn.now}


def _tell_children(turn: Turn, control: Control, reason: str, generation: str) -> None:
    """Children and chunks are told in the parent's generation, so that pausing twice is two messages."""
    passed = f"{turn.state.execution}.{generation}"
    for visit in turn.state.active.values():
        ending.tell_chunks(turn, visit, control, reason, passed)
        for _, active in visit.attempts():
            if active.child is not None:
                turn.ask(TellChild(active.child, reason, passed, control))
