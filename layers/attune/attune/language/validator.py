"""What can only be judged by looking at the whole workflow: names, targets, loops, joins, options that need others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from attune.language import calls, scopes
from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.graph import JoinKind
from attune.language.models import TaskModel, WorkflowModel
from attune.language.reachability import bits, cycle, reached
from attune.language.status import TaskStatus
from attune.language.sugar import RESERVED, Arrow, Target, branch_problem, targets
from attune.language.values import nearest

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
        _check_targets(draft, number, task)
        _check_decision(draft, number, task)
        _check_options(draft, number, task)
        _check_join(draft, number, task)
    _check_start(draft)
    calls.check_inputs(draft)
    scopes.check(draft)


def check_size(workflow: WorkflowModel, findings: Findings) -> bool:
    """False, with an error, for a workflow of too many tasks to look at any further."""
    count = len(workflow.tasks)
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
    known = [*draft.index, *sorted(RESERVED)]
    for target in _all_targets(draft, number, task):
        if target.name not in draft.index and target.name not in RESERVED:
            hint = nearest(target.name, known)
            draft.findings.error("unknown-target", target.path, f"there is no task {target.name!r}", hint)


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


def _check_options(draft: Draft, number: int, task: TaskModel) -> None:
    path, findings = draft.path(number), draft.findings
    for key in ("batch_size", "concurrency", "tolerate_failures"):
        if getattr(task, key) is not None and not draft.writes(number, "with_items"):
            findings.error("needs-with-items", (*path, key), f"{key!r} means nothing without 'with_items'", key=True)
    if task.tasks is not None and task.type != "parallel":
        findings.error("unknown-key", (*path, "tasks"), "only a task of type 'parallel' has 'tasks'", key=True)
    spec = draft.specs[number]
    limited = draft.writes(number, "timeout") or spec is None or spec.timeout is not None
    if task.on_timeout is not None and not limited:
        message = f"task {task.name!r} has no timeout, so its on_timeout never fires"
        findings.warning("no-timeout", (*path, "on_timeout"), message, "give it a 'timeout'", key=True)
    followed = any(arrow.targets and TaskStatus.SKIPPED not in arrow.ends for arrow in draft.arrows[number])
    if task.when is not None and followed and not draft.writes(number, "on_skip"):
        message = f"when task {task.name!r} is skipped, nothing after it runs"
        findings.warning("no-on-skip", (*path, "when"), message, "say what follows with 'on_skip'", key=True)


def _check_join(draft: Draft, number: int, task: TaskModel) -> None:
    sources = draft.reach[number].sources
    count, path = sources.bit_count(), (*draft.path(number), "join")
    if task.join is None:
        _check_early_arrivals(draft, number)
    elif isinstance(task.join, int) and task.join > count:
        message = f"task {task.name!r} waits for {task.join} source tasks, but has {count}"
        draft.findings.error("join-too-large", path, message)
    elif count < 2:
        message = f"task {task.name!r} has fewer than two sources, so its join means nothing"
        draft.findings.warning("needless-join", path, message, key=True)
    elif task.join != JoinKind.EACH and _behind_each(draft) >> number & 1:
        message = f"task {task.name!r} stands behind a 'join: each', whose runs it pairs in the order they arrive"
        draft.findings.warning("join-after-each", path, message, "leave the join out to wait for all of them", key=True)


def _behind_each(draft: Draft) -> int:
    each = (number for number, task in enumerate(draft.tasks) if task.join == JoinKind.EACH)
    starts = 0
    for number in each:
        starts |= draft.successors[number]
    return reached(draft.successors, starts)


def _check_early_arrivals(draft: Draft, number: int) -> None:
    """A source that fires this task and, beside it, what leads to another of its sources."""
    here = draft.reach[number]
    if here.sources.bit_count() < 2:
        return
    for early in bits(here.sources & ~here.back_sources & ~(1 << number)):
        beside = _fired_beside(draft, early, number)
        others = bits(here.sources & here.blockers & ~(1 << early)) if beside else ()
        late = next((other for other in others if beside & (draft.reach[other].blockers | 1 << other)), None)
        if late is not None:
            _warn_of_early_arrival(draft, number, early, late)
            return


def _fired_beside(draft: Draft, source: int, target: int) -> int:
    """What else ``source`` surely can fire when it fires ``target``."""
    rows, beside = draft.arrows[source], 0
    for direct in (arrow for arrow in rows if draft.goals([arrow]) >> target & 1):
        beside |= draft.goals([arrow for arrow in rows if _together(direct, arrow)])
    return beside & ~(1 << target)


def _warn_of_early_arrival(draft: Draft, number: int, early: int, late: int) -> None:
    name, first, last = (draft.tasks[task].name for task in (number, early, late))
    message = f"task {name!r} is fired early by {first!r}, which also leads to its other source {last!r}"
    path = (*draft.path(number), "name")
    hint = "it will run once, at the end; say 'join: each' to run it each time"
    draft.findings.warning("early-arrival", path, message, hint)


def _together(first: Arrow, second: Arrow) -> bool:
    """Whether two transitions surely can fire at one end; conditions may exclude each other."""
    if first is second:
        return True
    apart = (first.decision and second.decision) or (first.when is not None and second.when is not None)
    return not apart and bool(set(first.ends) & set(second.ends))


def _check_start(draft: Draft) -> None:
    everything = (1 << len(draft.tasks)) - 1
    if not draft.entries:
        message = f"no task can start, since each follows another: {_round(draft, everything)}"
        draft.findings.error("no-entry", ("tasks",), message, "add a task that leads into the loop", key=True)
        return
    lost = everything & ~reached(draft.successors, draft.entries)
    for number in bits(lost):
        message = f"no task that can start leads to {draft.tasks[number].name!r}"
        hint = f"it is only reached from the loop {_round(draft, lost)}"
        draft.findings.error("unreachable-task", (*draft.path(number), "name"), message, hint)


def _round(draft: Draft, within: int) -> str:
    numbers = cycle(draft.successors, within)
    return " → ".join(draft.tasks[number].name for number in [*numbers, *numbers[:1]])
