"""Decisions: their branches, and the ``on_success`` whose place they take."""

from __future__ import annotations

from attune.language.checks.targets import check_target
from attune.language.dialects.native.models import TaskModel
from attune.language.dialects.native.sugar import branch_problem, targets
from attune.language.draft import Draft


def check(draft: Draft, number: int, task: TaskModel) -> None:
    """A decision whose branches are malformed, or that takes the place of something."""
    if task.decision is None:
        return
    path = (*draft.path(number), "decision")
    for position, branch in enumerate(task.decision):
        problem = branch_problem(branch)
        if problem:
            draft.findings.error("bad-branch", (*path, position), problem)
    defaults = [position for position, branch in enumerate(task.decision) if branch.default is not None]
    for position in defaults[1:]:
        draft.findings.error("bad-branch", (*path, position), "a decision has one default")
    if not defaults:
        message = f"the decision of task {task.name!r} has no default: where no branch holds, nothing follows"
        draft.findings.warning("no-default", path, message, "add '- default: noop' if that is meant", key=True)
    _check_replaced(draft, number, task)


def _check_replaced(draft: Draft, number: int, task: TaskModel) -> None:
    chosen = {target.name for arrow in draft.tasks[number].arrows if arrow.decision for target in arrow.targets}
    for target in targets(task.on_success or [], (*draft.path(number), "on_success")):
        check_target(draft, number, target)
    if set(task.on_success or ()) - chosen:
        message = f"task {task.name!r} has a decision, which takes the place of its on_success"
        path = (*draft.path(number), "on_success")
        draft.findings.warning("replaced-on-success", path, message, "make it a branch of the decision", key=True)
