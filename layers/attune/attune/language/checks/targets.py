"""Where transitions lead: to tasks of their own level, or to the reserved targets."""

from __future__ import annotations

from attune.expressions.values import nearest
from attune.language.draft import Draft
from attune.language.task_draft import RESERVED, Target


def check(draft: Draft, number: int) -> None:
    """All targets of a task's transitions."""
    for arrow in draft.tasks[number].arrows:
        for target in arrow.targets:
            check_target(draft, number, target)


def check_target(draft: Draft, number: int, target: Target) -> None:
    """One target that the task names."""
    level, found = draft.levels[draft.tasks[number].group], draft.index.get(target.name)
    if target.name in RESERVED or (found is not None and level >> found & 1):
        return
    if found is None:
        hint = nearest(target.name, [*draft.names(level), *sorted(RESERVED)])
        draft.findings.error("unknown-target", target.path, f"there is no task {target.name!r}", hint)
    elif not draft.is_in_parallel(number):
        draft.findings.error("crosses-border", target.path, *_border(draft, number, found))


def _border(draft: Draft, number: int, target: int) -> tuple[str, str | None]:
    """Why a transition to a task of another level is wrong, and what to do."""
    name, group, own = draft.tasks[target].name, draft.tasks[target].group, draft.tasks[number].group
    where = "outside of the group" if group is None else f"inside of the group {draft.tasks[group].name!r}"
    message = f"{name!r} is {where}; transitions do not cross the border of a group"
    if own is not None and own in draft.groups_of(number) and draft.tasks[own].group == group:
        return message, f"let {draft.tasks[own].name!r} lead there"
    return message, None if group is None else f"lead to {draft.tasks[group].name!r}"
