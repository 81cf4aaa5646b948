"""What is written and can never happen: transitions that nothing brings about, branches that others stand before."""

from __future__ import annotations

from attune.language.checks.outcomes import can_fail, is_always, is_never
from attune.language.dialects.native.models import BranchModel, TaskModel
from attune.language.dialects.native.sugar import branch_problem
from attune.language.dialects.native.written import writes
from attune.language.draft import Draft
from attune.language.source import Path
from attune.model.action import Runner


def check(draft: Draft, number: int, task: TaskModel) -> None:
    """What the task says in vain."""
    path = draft.path(number)
    if not can_fail(draft, number):
        _check_harmless(draft, number, task)
    elif task.on_timeout is not None and not _may_time_out(draft, number, task):
        message = f"task {task.name!r} has no timeout, so its on_timeout never fires"
        draft.findings.warning("no-timeout", (*path, "on_timeout"), message, "give it a 'timeout'", key=True)
    if task.on_skip and is_always(task.when) and not (task.when is None and writes(draft.findings, path, "when")):
        message = f"task {task.name!r} is never skipped, so its on_skip never fires"
        _never(draft, (*path, "on_skip"), message, "give it a 'when'")
    for position, entry in enumerate(task.next):
        if is_never(entry.when):
            _never(draft, (*path, "next", position, "when"), "this entry never fires")
    _check_branches(draft, task, (*path, "decision"))


def _never(draft: Draft, path: Path, message: str, hint: str | None = None) -> None:
    draft.findings.warning("never-taken", path, message, hint, key=True)


def _may_time_out(draft: Draft, number: int, task: TaskModel) -> bool:
    """An action or workflow may bring its own limit; so may one whose name is a template."""
    spec = draft.specs[number]
    has_timeout = writes(draft.findings, draft.path(number), "timeout")
    if has_timeout or task.is_group:
        return has_timeout
    return spec is None or spec.timeout is not None or spec.runner is Runner.WORKFLOW


def _check_harmless(draft: Draft, number: int, task: TaskModel) -> None:
    for key in ("on_failure", "on_timeout", "publish_on_failure"):
        if getattr(task, key):
            message = f"task {task.name!r} does nothing and cannot fail, so its {key!r} means nothing"
            _never(draft, (*draft.path(number), key), message)


def _check_branches(draft: Draft, task: TaskModel, path: Path) -> None:
    """Branches behind one that always holds, or behind one with the same condition."""
    seen: dict[str, int] = {}
    always: int | None = None
    for position, branch in enumerate(task.decision or ()):
        if branch_problem(branch) is not None:
            continue
        here, line = (*path, position), _line(draft, (*path, position))
        if always is not None:
            _never(draft, here, f"this branch is never taken: the one on line {always} always holds")
        elif branch.when is not None and _plain(branch) in seen:
            first = seen[_plain(branch)]
            _never(draft, here, f"this branch is never taken: the one on line {first} has the same condition")
        elif is_never(branch.when):
            _never(draft, here, "this branch is never taken: its condition never holds")
        elif branch.when is not None and is_always(branch.when):
            always = line
        seen.setdefault(_plain(branch), line)
    _check_position_of_default(draft, task.decision or [], path)


def _check_position_of_default(draft: Draft, branches: list[BranchModel], path: Path) -> None:
    defaults = [position for position, branch in enumerate(branches) if branch.default is not None]
    sound = all(branch_problem(branch) is None for branch in branches)
    if sound and len(defaults) == 1 and defaults[0] < len(branches) - 1:
        message = "the default is not the last branch, though it is only taken if none of those below it holds"
        draft.findings.warning("default-not-last", (*path, defaults[0]), message, "write it last")


def _line(draft: Draft, path: Path) -> int:
    return draft.findings.source.locate(path).line


def _plain(branch: BranchModel) -> str:
    return " ".join((branch.when or "").split())
