"""The many ways to write what follows a task, as the one thing they all mean: transitions.

=============  =============================  =========  ===========================================================
key            fires when the task            handles    leads on by success
=============  =============================  =========  ===========================================================
on_success     completed                      yes        yes; a ``decision`` takes its place
decision       completed                      yes        yes; only the first branch that holds fires
on_failure     failed or timed out            yes        no; only failed where there is an ``on_timeout``
on_timeout     timed out                      yes        no
on_complete    completed, failed, timed out   yes        no
on_skip        was skipped                    –          no
next           completed, failed, timed out   if ``do``  if its ``when`` asks for neither failure, time-out nor end
=============  =============================  =========  ===========================================================
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from attune.exceptions import TemplateError
from attune.expressions.templates import references
from attune.language.dialects.native.models import BranchModel, NextModel, TaskModel
from attune.language.source import Path
from attune.language.task_draft import Arrow, Published, Target
from attune.model.status import TaskStatus

WHOLE_RESULT = "{{ result }}"
"""What a bare name publishes."""

_SUCCESS = (TaskStatus.COMPLETED,)
_FAILURE = (TaskStatus.FAILED, TaskStatus.TIMED_OUT)
_TIMEOUT = (TaskStatus.TIMED_OUT,)
_ANY_END = (*_SUCCESS, *_FAILURE)
_SKIP = (TaskStatus.SKIPPED,)
_END_FUNCTIONS = frozenset({"failed", "timed_out", "completed"})


def arrows(task: TaskModel, path: Path) -> list[Arrow]:
    """All transitions of the task at ``path``, in the order in which they are considered."""
    failure = (TaskStatus.FAILED,) if task.on_timeout is not None else _FAILURE
    plain = (
        ("on_success", _SUCCESS if task.decision is None else (), True),
        ("on_failure", failure, False),
        ("on_timeout", _TIMEOUT, False),
        ("on_complete", _ANY_END, False),
        ("on_skip", _SKIP, False),
    )
    found = list(_decision(task.decision or [], (*path, "decision")))
    for key, ends, by_success in plain:
        names = getattr(task, key)
        if names and ends:
            here = (*path, key)
            found.append(Arrow(ends=ends, targets=targets(names, here), by_success=by_success))
    found += [_next(entry, (*path, "next", number)) for number, entry in enumerate(task.next)]
    return found


def targets(names: list[str], path: Path) -> tuple[Target, ...]:
    """The names with their places; a single name stands at ``path`` itself, which is the nearest place known."""
    return tuple(Target(name, (*path, number)) for number, name in enumerate(names))


def published(written: Any, path: Path) -> tuple[Published, ...]:
    """Both forms of ``publish``: mappings of names to templates, and bare names for the whole result."""
    if isinstance(written, str):
        return (Published(written, WHOLE_RESULT, path),)
    if isinstance(written, dict):
        return tuple(Published(name, value, (*path, name)) for name, value in written.items())
    parts = (published(entry, (*path, number)) for number, entry in enumerate(written))
    return tuple(entry for part in parts for entry in part)


def branch_problem(branch: BranchModel) -> str | None:
    """Why a branch is none of the three spellings of one, or None."""
    if branch.default is None:
        return None if branch.when is not None and branch.next else "a branch needs 'when' and 'next', or 'default'"
    if branch.when is not None:
        return "a branch has 'when' or 'default', not both"
    if branch.default is True:
        return None if branch.next else "'default: true' needs 'next'"
    if not isinstance(branch.default, str):
        return "'default' must be the name of a task, or true beside 'next'"
    return "a branch has 'default: task' or 'next', not both" if branch.next else None


def _decision(branches: list[BranchModel], path: Path) -> Iterator[Arrow]:
    """The branches that are well formed, the default last."""
    numbered = [(number, branch) for number, branch in enumerate(branches) if branch_problem(branch) is None]
    for number, branch in sorted(numbered, key=lambda row: row[1].default is not None):
        here = (*path, number)
        if isinstance(branch.default, str):
            goals: tuple[Target, ...] = (Target(branch.default, (*here, "default")),)
        else:
            goals = targets(branch.next or [], (*here, "next"))
        when_path = (*here, "when")
        yield Arrow(ends=_SUCCESS, targets=goals, when=branch.when, when_path=when_path, decision=True, by_success=True)


def _next(entry: NextModel, path: Path) -> Arrow:
    return Arrow(
        ends=_ANY_END,
        targets=targets(entry.do, (*path, "do")),
        when=entry.when,
        when_path=(*path, "when"),
        publish=published(entry.publish, (*path, "publish")),
        handles=bool(entry.do),
        by_success=entry.when is not None and not _asks_for_the_end(entry.when),
    )


def _asks_for_the_end(condition: str) -> bool:
    try:
        return any(reference.root in _END_FUNCTIONS for reference in references(condition))
    except TemplateError:
        return False
