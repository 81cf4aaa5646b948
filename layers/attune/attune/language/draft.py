"""A workflow between its file and its graph: what a dialect has read, and who leads to whom in it.

Nothing is judged yet.

Tasks are numbered in the order they are written, a group before its members. Transitions stay within a *level*: the
workflow itself, or the members of one group. What leads out of its level is no edge of the graph; the validator
reports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from attune.language.findings import Findings
from attune.language.source import Path
from attune.language.task_draft import Arrow, Aspect, TaskDraft, TaskKind, WorkflowDraft
from attune.model import reachability
from attune.model.action import ActionSpec
from attune.model.graph import JoinKind
from attune.model.reachability import bits
from attune.model.scope_names import ScopeNames


@dataclass(frozen=True)
class Draft:
    """``specs[i]`` is the action of task *i*, None if it has none that is known."""

    workflow: WorkflowDraft
    findings: Findings
    specs: tuple[ActionSpec | None, ...]
    pack_config: Mapping[str, Any]

    @property
    def tasks(self) -> Sequence[TaskDraft]:
        """The tasks, in the order they are written."""
        return self.workflow.tasks

    @cached_property
    def names_in_templates(self) -> ScopeNames:
        """What templates call what."""
        return ScopeNames(self.workflow.scope)

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each name; of several tasks with one name, that of the first."""
        found: dict[str, int] = {}
        for number, task in enumerate(self.tasks):
            found.setdefault(task.name, number)
        return found

    @cached_property
    def levels(self) -> dict[int | None, int]:
        """The members of each group, as a bit set; under None the tasks that are in no group."""
        found: dict[int | None, int] = {None: 0}
        for number, task in enumerate(self.tasks):
            found[task.group] = found.get(task.group, 0) | 1 << number
        return found

    @cached_property
    def inside(self) -> list[int]:
        """All tasks within each group, at any depth, as bit sets; 0 for a task that is none."""
        found = [0] * len(self.tasks)
        for number in reversed(range(len(self.tasks))):
            group = self.tasks[number].group
            if group is not None:
                found[group] |= found[number] | 1 << number
        return found

    @cached_property
    def successors(self) -> list[int]:
        """The tasks of the same level that each task leads to, as bit sets."""
        return [self.goals(number, task.arrows) for number, task in enumerate(self.tasks)]

    @cached_property
    def success_successors(self) -> list[int]:
        """Those it leads to by success."""
        by_success = ([arrow for arrow in task.arrows if arrow.by_success] for task in self.tasks)
        return [self.goals(number, row) for number, row in enumerate(by_success)]

    @cached_property
    def steps(self) -> list[int]:
        """What each task may bring about: its successors, and what it starts if it is a group."""
        return [after | self.starts(number) for number, after in enumerate(self.successors)]

    @cached_property
    def reach(self) -> list[reachability.Reach]:
        """Who can reach whom, level by level."""
        return reachability.analyse(self.successors)

    @cached_property
    def unled(self) -> int:
        """The tasks that no other task of their level leads to, as a bit set."""
        return reachability.entries(self.successors)

    @property
    def entries(self) -> int:
        """The tasks that the workflow begins with, as a bit set."""
        return self.unled & self.levels[None]

    def starts(self, number: int) -> int:
        """The members that a group begins with, as a bit set."""
        members = self.levels.get(number, 0)
        return members if self.tasks[number].kind is TaskKind.PARALLEL else members & self.unled

    def goals(self, number: int, row: Sequence[Arrow]) -> int:
        """The tasks of its level that these transitions of a task lead to, as a bit set; other names are left out."""
        found = 0
        for arrow in row:
            for target in arrow.targets:
                found |= 1 << self.index[target.name] if target.name in self.index else 0
        return found & self.levels[self.tasks[number].group]

    def path(self, number: int) -> Path:
        """Where the task is written."""
        return self.tasks[number].path

    def groups_of(self, number: int) -> Iterator[int]:
        """The groups a task is in, the innermost first."""
        group = self.tasks[number].group
        while group is not None:
            yield group
            group = self.tasks[group].group

    def is_repeated(self, number: int) -> bool:
        """Whether a task is on a cycle, in a loop, or in a group that is."""
        if any(self.tasks[group].kind is TaskKind.LOOP for group in self.groups_of(number)):
            return True
        return any(self._cycles >> here & 1 for here in (number, *self.groups_of(number)))

    @cached_property
    def _cycles(self) -> int:
        """The tasks that are on a cycle of transitions, as a bit set."""
        return sum(reachability.components(self.successors))

    @cached_property
    def behind_each(self) -> int:
        """The tasks that stand behind a ``join: each``, as a bit set."""
        starts = 0
        for number, task in enumerate(self.tasks):
            starts |= self.steps[number] if task.join.kind is JoinKind.EACH else 0
        return reachability.reached(self.steps, starts)

    def place(self, number: int, aspect: Aspect) -> Path:
        """Where an aspect of the task is written, or would be."""
        return self.tasks[number].place(aspect)

    def writes(self, number: int, aspect: Aspect) -> bool:
        """Whether the file has a value for the aspect at all, be it a wrong one."""
        return aspect in self.tasks[number].written

    def is_in_parallel(self, number: int) -> bool:
        """Whether the task is a member of a parallel group: such a task has no transitions, and nothing to join."""
        group = self.tasks[number].group
        return group is not None and self.tasks[group].kind is TaskKind.PARALLEL

    def is_default_join(self, number: int) -> bool:
        """Whether the task has several sources and doesn't say how it waits for them."""
        return self.tasks[number].join.kind is JoinKind.ROUND and self.reach[number].sources.bit_count() > 1

    def names(self, members: int) -> list[str]:
        """The names of a set of tasks, in the order they are written."""
        return [self.tasks[number].name for number in bits(members)]
