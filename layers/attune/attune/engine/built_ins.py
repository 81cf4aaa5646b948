"""How each built-in starts; ``model/built_ins.py`` says which there are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from attune.engine import attempts
from attune.engine.attempt_effects import limit, render_input
from attune.engine.effects import SeekEvent, SetTimer, WriteWait
from attune.engine.ids import AttemptId
from attune.engine.messages import TimerKind
from attune.engine.turn import Turn
from attune.engine.visits import Active
from attune.exceptions import AttuneError
from attune.model.built_ins import BuiltIn, WaitKind
from attune.model.durations import seconds
from attune.model.graph import Task
from attune.model.status import TaskStatus

Start = Callable[[Turn, Task, AttemptId], None]
"""Begins one attempt; raises TemplateError, and AttuneError for an input that cannot be used."""


class _InvalidInput(AttuneError):
    code = "invalid_input"


def _noop(turn: Turn, task: Task, attempt: AttemptId) -> None:
    attempts.done(turn, attempt)
    attempts.ended(turn, task, attempt, TaskStatus.COMPLETED, None)


def _sleep(turn: Turn, task: Task, attempt: AttemptId) -> None:
    values = render_input(turn, task, attempt)
    pause = _seconds("core.sleep", values.get("seconds", values.get("duration")))
    due = turn.now + pause
    turn.ask(SetTimer(TimerKind.SLEEP, due, attempt, turn.state.resend_id))
    until = limit(turn, task, attempt)
    attempts.track(turn, task, attempt, Active(TaskStatus.WAITING, attempt.number, due=due, limit=until))


def _seconds(action: str, value: Any) -> float:
    try:
        return seconds(value)
    except ValueError as error:
        raise _InvalidInput(f"{action}: {error}") from None


def _inquiry(turn: Turn, task: Task, attempt: AttemptId) -> None:
    values = render_input(turn, task, attempt)
    schema = values.get("schema")
    if schema is not None and not isinstance(schema, dict):
        raise _InvalidInput("core.inquiry: schema must be a JSON Schema, a mapping")
    assignees = values.get("assignees") or []
    if not isinstance(assignees, list) or not all(isinstance(name, str) and name for name in assignees):
        raise _InvalidInput("core.inquiry: assignees must be a list of names")
    terms = {"prompt": str(values.get("prompt", "")), "schema": schema, "assignees": assignees}
    _wait(turn, task, attempt, WaitKind.INQUIRY, terms)


def _wait_for_event(turn: Turn, task: Task, attempt: AttemptId) -> None:
    values = render_input(turn, task, attempt)
    pattern = dict(values.get("pattern") or {})
    if values.get("event_type"):
        pattern["detail-type"] = [values["event_type"]]
    if values.get("filter"):
        pattern["detail"] = {**pattern.get("detail", {}), **{k: [v] for k, v in dict(values["filter"]).items()}}
    if not pattern:
        raise _InvalidInput("core.wait_for_event: give an event_type, a filter or a pattern")
    within = _seconds("core.wait_for_event", values["within"]) if values.get("within") else 0.0
    _wait(turn, task, attempt, WaitKind.EVENT, {"pattern": pattern, "within": within})
    if within:
        turn.ask(SeekEvent(attempt))


def _wait(turn: Turn, task: Task, attempt: AttemptId, kind: WaitKind, terms: dict[str, Any]) -> None:
    until = limit(turn, task, attempt)
    turn.open_wait(WriteWait(attempt, kind, terms=terms, since=turn.now, limit=until))
    attempts.track(turn, task, attempt, Active(TaskStatus.WAITING, attempt.number, limit=until, wait=kind))


STARTS: Final[Mapping[BuiltIn, Start]] = MappingProxyType(
    {
        BuiltIn.NOOP: _noop,
        BuiltIn.SLEEP: _sleep,
        BuiltIn.INQUIRY: _inquiry,
        BuiltIn.WAIT_FOR_EVENT: _wait_for_event,
    }
)
