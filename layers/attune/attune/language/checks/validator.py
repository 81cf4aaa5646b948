"""What can only be judged by looking at the whole workflow: names, targets, loops, joins, options that need others."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from attune.expressions.values import nearest
from attune.language.checks import calls, cycles_check, joins_check, never_check, outputs_check, races, scopes
from attune.language.dialects.native import task_types
from attune.language.dialects.native.models import TaskModel
from attune.language.dialects.native.sugar import RESERVED, Target, branch_problem, targets
from attune.language.draft import Draft, Node
from attune.language.findings import Findings
from attune.model.reachability import bits, cycle, reached
from attune.model.status import TaskStatus

NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
"""Names of tasks and variables."""
MAX_NAME: Final = 128
"""Characters of a name."""
MAX_TASKS: Final = 1_000
"""Tasks of one workflow."""


def check(draft: Draft) -> None:
    """Everything that is wrong or doubtful, into the draft's findings."""
    for number, task in enumerate(draft.tasks):
        _check_name(draft, number, task)
        task_types.check(draft, number, task)
        _check_targets(draft, number, task)
        _check_decision(draft, number, task)
        never_check.check(draft, number, task)
        _check_skip(draft, number, task)
    _check_start(draft)
    joins_check.check(draft)
    cycles_check.check(draft)
    races.check(draft)
    calls.check_inputs(draft)
    outputs_check.check(draft)
    scopes.check(draft)


def check_size(nodes: Sequence[Node], findings: Findings) -> bool:
    """False, with an error, for a workflow of too many tasks to look at any further."""
    count = len(nodes)
    if count > MAX_TASKS:
        findings.error("too-many-tasks", ("tasks",), f"{count:,} tasks; {MAX_TASKS:,} are allowed")
    return count <= MAX_TASKS


def _check_name(draft: Draft, number: int, task: TaskModel) -> None:
    if not draft.writes(number, "name"):
        return
    path = (*draft.path(number), "name")
    first = draft.index[task.name]
    if first != number:
        line = draft.findings.source.locate(draft.path(first)).line
        draft.findings.error("duplicate-name", path, f"there already is a task {task.name!r}, on line {line}")
    elif task.name in RESERVED:
        draft.findings.error("reserved-name", path, f"{task.name!r} is a reserved target; a task cannot have that name")
    elif not NAME.fullmatch(task.name) or len(task.name) > MAX_NAME:
        hint = f"letters, digits, _ and -, not beginning with a digit or -, at most {MAX_NAME}"
        draft.findings.error("bad-name", path, f"{task.name[:MAX_NAME]!r} cannot be the name of a task", hint)


def _check_targets(draft: Draft, number: int, task: TaskModel) -> None:
    level = draft.levels[draft.nodes[number].group]
    for target in _all_targets(draft, number, task):
        found = draft.index.get(target.name)
        if target.name in RESERVED or (found is not None and level >> found & 1):
            continue
        if found is None:
            hint = nearest(target.name, [*draft.names(level), *sorted(RESERVED)])
            draft.findings.error("unknown-target", target.path, f"there is no task {target.name!r}", hint)
        elif not _is_in_parallel(draft, number):
            draft.findings.error("crosses-border", target.path, *_border(draft, number, found))


def _is_in_parallel(draft: Draft, number: int) -> bool:
    """Such a task has no transitions at all, which is said already."""
    group = draft.nodes[number].group
    return group is not None and draft.tasks[group].type == "parallel"


def _border(draft: Draft, number: int, target: int) -> tuple[str, str | None]:
    """Why a transition to a task of another level is wrong, and what to do."""
    name, group, own = draft.tasks[target].name, draft.nodes[target].group, draft.nodes[number].group
    where = "outside of the group" if group is None else f"inside of the group {draft.tasks[group].name!r}"
    message = f"{name!r} is {where}; transitions do not cross the border of a group"
    if own is not None and own in draft.groups_of(number) and draft.nodes[own].group == group:
        return message, f"let {draft.tasks[own].name!r} lead there"
    return message, None if group is None else f"lead to {draft.tasks[group].name!r}"


def _all_targets(draft: Draft, number: int, task: TaskModel) -> Iterator[Target]:
    """Targets of transitions, and of the ``on_success`` that a decision replaces."""
    for arrow in draft.arrows[number]:
        yield from arrow.targets
    if task.decision is not None and task.on_success:
        yield from targets(task.on_success, (*draft.path(number), "on_success"))


def _check_decision(draft: Draft, number: int, task: TaskModel) -> None:
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
    chosen = {target.name for arrow in draft.arrows[number] if arrow.decision for target in arrow.targets}
    if set(task.on_success or ()) - chosen:
        message = f"task {task.name!r} has a decision, which takes the place of its on_success"
        path = (*draft.path(number), "on_success")
        draft.findings.warning("replaced-on-success", path, message, "make it a branch of the decision", key=True)


def _check_skip(draft: Draft, number: int, task: TaskModel) -> None:
    followed = any(arrow.targets and TaskStatus.SKIPPED not in arrow.ends for arrow in draft.arrows[number])
    if task.when is not None and followed and not draft.writes(number, "on_skip"):
        message, path = f"when task {task.name!r} is skipped, nothing after it runs", (*draft.path(number), "when")
        draft.findings.warning("no-on-skip", path, message, "say what follows with 'on_skip'", key=True)


def _check_start(draft: Draft) -> None:
    """Each level must begin somewhere, and its beginnings lead to all of it."""
    for group, level in draft.levels.items():
        path = ("tasks",) if group is None else (*draft.path(group), "tasks")
        entries = draft.entries if group is None else draft.starts(group)
        if not entries:
            message = f"no task can start, since each follows another: {_round(draft, level)}"
            draft.findings.error("no-entry", path, message, "add a task that leads into the loop", key=True)
            continue
        lost = level & ~reached(draft.successors, entries)
        for number in bits(lost):
            message = f"no task that can start leads to {draft.tasks[number].name!r}"
            hint = f"it is only reached from the loop {_round(draft, lost)}"
            draft.findings.error("unreachable-task", (*draft.path(number), "name"), message, hint)


def _round(draft: Draft, within: int) -> str:
    numbers = cycle(draft.successors, within)
    return " → ".join(draft.tasks[number].name for number in [*numbers, *numbers[:1]])
