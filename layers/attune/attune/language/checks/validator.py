"""What can only be judged by looking at the whole workflow: names, targets, loops, joins, options that need others."""

from __future__ import annotations

import re
from typing import Final

from attune.language.checks import calls, cycles_check, joins_check, outputs_check, races, scopes, targets
from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.task_draft import RESERVED, Aspect, TaskDraft, WorkflowDraft
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
        targets.check(draft, number)
        _check_skip(draft, number, task)
    _check_start(draft)
    joins_check.check(draft)
    cycles_check.check(draft)
    races.check(draft)
    calls.check_inputs(draft)
    outputs_check.check(draft)
    scopes.check(draft)


def check_size(workflow: WorkflowDraft, findings: Findings) -> bool:
    """False, with an error, for a workflow of too many tasks to look at any further."""
    count = len(workflow.tasks)
    if count > MAX_TASKS:
        findings.error("too-many-tasks", workflow.place(Aspect.TASKS), f"{count:,} tasks; {MAX_TASKS:,} are allowed")
    return count <= MAX_TASKS


def _check_name(draft: Draft, number: int, task: TaskDraft) -> None:
    if not draft.writes(number, Aspect.NAME):
        return
    path = draft.place(number, Aspect.NAME)
    first = draft.index[task.name]
    if first != number:
        line = draft.findings.source.locate(draft.path(first)).line
        draft.findings.error("duplicate-name", path, f"there already is a task {task.name!r}, on line {line}")
    elif task.name in RESERVED:
        draft.findings.error("reserved-name", path, f"{task.name!r} is a reserved target; a task cannot have that name")
    elif not NAME.fullmatch(task.name) or len(task.name) > MAX_NAME:
        hint = f"letters, digits, _ and -, not beginning with a digit or -, at most {MAX_NAME}"
        draft.findings.error("bad-name", path, f"{task.name[:MAX_NAME]!r} cannot be the name of a task", hint)


def _check_skip(draft: Draft, number: int, task: TaskDraft) -> None:
    followed = any(arrow.targets and TaskStatus.SKIPPED not in arrow.ends for arrow in task.arrows)
    if task.when is not None and followed and not draft.writes(number, Aspect.ON_SKIP):
        message, path = f"when task {task.name!r} is skipped, nothing after it runs", draft.place(number, Aspect.WHEN)
        draft.findings.warning("no-on-skip", path, message, "say what follows with 'on_skip'", key=True)


def _check_start(draft: Draft) -> None:
    """Each level must begin somewhere, and its beginnings lead to all of it."""
    for group, level in draft.levels.items():
        path = draft.workflow.place(Aspect.TASKS) if group is None else draft.place(group, Aspect.TASKS)
        entries = draft.entries if group is None else draft.starts(group)
        if not entries:
            message = f"no task can start, since each follows another: {_round(draft, level)}"
            draft.findings.error("no-entry", path, message, "add a task that leads into the loop", key=True)
            continue
        lost = level & ~reached(draft.successors, entries)
        for number in bits(lost):
            message = f"no task that can start leads to {draft.tasks[number].name!r}"
            hint = f"it is only reached from the loop {_round(draft, lost)}"
            draft.findings.error("unreachable-task", draft.place(number, Aspect.NAME), message, hint)


def _round(draft: Draft, within: int) -> str:
    numbers = cycle(draft.successors, within)
    return " → ".join(draft.tasks[number].name for number in [*numbers, *numbers[:1]])
