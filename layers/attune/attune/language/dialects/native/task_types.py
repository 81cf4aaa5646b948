"""Which keys go with which type of task."""

from __future__ import annotations

from typing import Final

from attune.language.dialects.native.models import TaskModel
from attune.language.dialects.native.written import writes
from attune.language.draft import Draft
from attune.language.task_draft import TaskKind

_ACTIONS: Final = ("action", "workflow")
_GROUPS: Final = ("parallel", "loop")
_ITEMS: Final = ("with_items", "batch_size", "concurrency", "tolerate_failures")
_TYPES_WITH: Final[dict[str, tuple[str, ...]]] = {
    "action": _ACTIONS,
    "input": _ACTIONS,
    **dict.fromkeys(_ITEMS, _ACTIONS),
    "workflow": ("workflow",),
    "tasks": _GROUPS,
    "while": ("loop",),
    "until": ("loop",),
    "max_iterations": ("loop",),
}
"""Keys that not every type of task has."""
_OF_THE_GRAPH: Final = ("on_success", "on_failure", "on_timeout", "on_complete", "on_skip", "decision", "next", "join")
"""Keys that place a task among others."""


def check(draft: Draft, number: int, task: TaskModel) -> None:
    """Keys that the task's type doesn't have, or needs."""
    _check_keys(draft, number, task)
    _check_items_options(draft, number, task)
    if task.type == "workflow" and task.action and task.workflow:
        _wrong_key(draft, number, "workflow", "a task has 'workflow' or 'action', not both")
    if task.is_group and not writes(draft.findings, draft.path(number), "tasks"):
        path = draft.path(number)
        draft.findings.error("missing-key", path, f"a task of type {task.type!r} needs 'tasks'")
    if task.type == "loop":
        _check_conditions(draft, number)
    group = draft.tasks[number].group
    if group is not None and draft.tasks[group].kind is TaskKind.PARALLEL:
        _check_child(draft, number, draft.tasks[group].name)


def _wrong_key(draft: Draft, number: int, key: str, message: str, hint: str | None = None) -> None:
    draft.findings.error("unknown-key", (*draft.path(number), key), message, hint, key=True)


def _check_keys(draft: Draft, number: int, task: TaskModel) -> None:
    if draft.tasks[number].undecided:
        return
    for key, types in _TYPES_WITH.items():
        given = task.while_ if key == "while" else getattr(task, key)
        if task.type not in types and given:
            known = " or ".join(repr(name) for name in types)
            _wrong_key(draft, number, key, f"a task of type {task.type!r} has no {key!r}", f"tasks of type {known} do")


def _check_items_options(draft: Draft, number: int, task: TaskModel) -> None:
    for key in _ITEMS[1:] if not task.is_group else ():
        if getattr(task, key) is not None and not writes(draft.findings, draft.path(number), "with_items"):
            path = (*draft.path(number), key)
            draft.findings.error("needs-with-items", path, f"{key!r} means nothing without 'with_items'", key=True)


def _check_conditions(draft: Draft, number: int) -> None:
    written = [key for key in ("while", "until") if writes(draft.findings, draft.path(number), key)]
    if len(written) != 1:
        found = "both" if written else "neither"
        message = f"a loop needs 'while' or 'until', and has {found}"
        hint = "'while' is looked at before each round, 'until' after it"
        draft.findings.error("loop-condition", draft.path(number), message, hint)


def _check_child(draft: Draft, number: int, group: str) -> None:
    for key in _OF_THE_GRAPH:
        if writes(draft.findings, draft.path(number), key):
            message = f"the tasks of the parallel group {group!r} start together and lead nowhere: no {key!r} here"
            hint = f"say at {group!r} what follows"
            draft.findings.error("transition-in-parallel", (*draft.path(number), key), message, hint, key=True)
