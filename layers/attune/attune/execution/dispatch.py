"""Sending what a fold asked for. Every effect can be sent any number of times (promise 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar, assert_never

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
from attune.engine.ids import chunk_id, home_of
from attune.engine.messages import Cancel, Message, Parent, Pause, Resume, Start, TaskEnded
from attune.engine.state import State
from attune.exceptions import AttuneError, Unavailable, task_error
from attune.execution.execution_start import prepare
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import ExecutionStore, Record
from attune.execution.ports.queues import Envelope, EventBus, Mailbox, TaskMessage, TaskQueue, Timers
from attune.execution.ports.triggers import Events
from attune.execution.reporting import ended_message
from attune.execution.waits import LookBack
from attune.model.status import ExecutionStatus, TaskStatus

_TASK_STATUS = {
    ExecutionStatus.COMPLETED: TaskStatus.COMPLETED,
    ExecutionStatus.TIMED_OUT: TaskStatus.TIMED_OUT,
}
"""How a child execution's end looks to its parent's task; anything else is a failure."""

T = TypeVar("T")

_CONTROLS: dict[Control, Callable[[State, TellChild | TellChunks], Message]] = {
    Control.CANCEL: lambda state, effect: Cancel(effect.reason, effect.request_id),
    Control.PAUSE: lambda state, effect: Pause(effect.reason, effect.request_id, by=state.execution),
    Control.RESUME: lambda state, effect: Resume(effect.request_id, by=state.execution),
}


class Dispatcher:
    """Turns effects into calls of the ports, as few as possible."""

    def __init__(
        self,
        *,
        store: ExecutionStore,
        catalog: Catalog,
        mailbox: Mailbox,
        tasks: TaskQueue,
        timers: Timers,
        bus: EventBus,
        clock: Clock,
        events: Events,
    ) -> None:
        self._store, self._catalog, self._clock = store, catalog, clock
        self._mailbox, self._tasks, self._timers, self._bus = mailbox, tasks, timers, bus
        self._look_back = LookBack(store, events)

    def send(self, state: State, effects: Iterable[Effect]) -> None:
        """Send them all, those of a kind together."""
        by_kind: dict[type, list[Effect]] = {}
        for effect in effects:
            by_kind.setdefault(type(effect), []).append(effect)
        for same in by_kind.values():
            self._send(state, same)

    def _send(self, state: State, same: Sequence[Effect]) -> None:  # noqa: C901 - one case for each kind
        """Send effects of one kind."""
        match same[0]:
            case RunTask():
                self._run(state, _all(RunTask, same))
            case SetTimer():
                self._set_timers(state, _all(SetTimer, same))
            case StartChild():
                self._start_children(state, _all(StartChild, same))
            case TellChild():
                self._tell_children(state, _all(TellChild, same))
            case NotifyParent():
                self._notify(state, _all(NotifyParent, same))
            case StartChunks():
                self._start_chunks(state, _all(StartChunks, same))
            case TellChunks():
                self._tell_chunks(state, _all(TellChunks, same))
            case TellHome():
                self._tell_home(state, _all(TellHome, same))
            case Announce():
                self._announce(state, _all(Announce, same))
            case SeekEvent():
                self._seek(state, _all(SeekEvent, same))
            case _ as never:
                assert_never(never)

    def _run(self, state: State, effects: Sequence[RunTask]) -> None:
        self._tasks.send([TaskMessage.of(state, effect) for effect in effects])

    def _set_timers(self, state: State, effects: Sequence[SetTimer]) -> None:
        self._timers.set(state.execution, effects, self._clock.now())

    def _start_children(self, state: State, effects: Sequence[StartChild]) -> None:
        self._mailbox.post([self._child_envelope(state, effect) for effect in effects])

    def _child_envelope(self, state: State, effect: StartChild) -> Envelope:
        """The child's start; or, if it cannot start at all, the parent's news of that."""
        try:
            start = self._child_start(state, effect)
        except Unavailable:
            raise
        except AttuneError as error:
            existing = self._store.load_start(effect.child)
            if existing is not None:
                return Envelope(effect.child, existing)
            failure = task_error(error.code, error.message, retryable=False, details=error.details)
            record = Record(str(TaskStatus.FAILED), None, failure)
            return self._report(effect.parent, record, effect.resend_id, effect.child)
        if not self._store.create(start):
            start = self._store.load_start(effect.child) or start
        return Envelope(effect.child, start)

    def _child_start(self, state: State, effect: StartChild) -> Start:
        mine = self._store.load_start(state.execution)
        return prepare(
            self._catalog,
            effect.workflow,
            effect.parameters,
            execution=effect.child,
            now=state.updated_at,
            trigger={"type": "workflow", "execution": home_of(state.execution), "task": effect.parent.attempt.task},
            identity=mine.identity if mine else "anonymous",
            parent=effect.parent,
        ).start

    def _tell_children(self, state: State, effects: Sequence[TellChild]) -> None:
        envelopes = [Envelope(effect.child, _CONTROLS[effect.control](state, effect)) for effect in effects]
        self._mailbox.post(envelopes)

    def _seek(self, state: State, effects: Sequence[SeekEvent]) -> None:
        self._mailbox.post(self._look_back.envelopes(state, [effect.attempt for effect in effects]))

    def _start_chunks(self, state: State, effects: Sequence[StartChunks]) -> None:
        self._mailbox.post(
            [
                Envelope(chunk_id(state.execution, start.task, start.visit, start.number), start)
                for effect in effects
                for start in effect.starts
            ]
        )

    def _tell_chunks(self, state: State, effects: Sequence[TellChunks]) -> None:
        self._mailbox.post(
            [
                Envelope(
                    chunk_id(state.execution, effect.task, effect.visit, number),
                    _CONTROLS[effect.control](state, effect),
                )
                for effect in effects
                for number in effect.numbers
            ]
        )

    def _tell_home(self, state: State, effects: Sequence[TellHome]) -> None:
        self._mailbox.post([Envelope(home_of(state.execution), effect.message) for effect in effects])

    def _notify(self, state: State, effects: Sequence[NotifyParent]) -> None:
        for effect in effects:
            status = _TASK_STATUS.get(effect.status, TaskStatus.FAILED)
            record = Record(str(status), effect.output, effect.error)
            self._mailbox.post([self._report(effect.parent, record, effect.resend_id, state.execution)])

    def _report(self, parent: Parent, record: Record, resend_id: str, child: str) -> Envelope:
        """Record a child's end as its parent's attempt, as a worker does, and tell the parent."""
        recorded = self._store.finish(parent.execution, parent.attempt, record, self._clock.now(), child)
        message: TaskEnded = ended_message(parent.attempt, recorded, resend_id)
        return Envelope(parent.execution, message)

    def _announce(self, state: State, effects: Sequence[Announce]) -> None:
        self._bus.announce(state, effects)


def _all(kind: type[T], effects: Sequence[Effect]) -> list[T]:
    return [effect for effect in effects if isinstance(effect, kind)]
