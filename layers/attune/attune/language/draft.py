"""A workflow between model and graph: names resolved, groups laid flat, transitions spelled out, nothing judged yet.

Tasks are numbered in the order they are written, a group before its members. Transitions stay within a *level*: the
workflow itself, or the members of one group. What leads out of its level is no edge of the graph; the validator
reports it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from attune.language.dialects.native.models import TaskModel, WorkflowModel
from attune.language.dialects.native.sugar import Arrow, Published, arrows, published
from attune.language.findings import Findings
from attune.language.source import Path
from attune.model import reachability
from attune.model.graph import ActionSpec, JoinKind
from attune.model.reachability import bits


@dataclass(frozen=True, slots=True)
class Node:
    """A task, where it is written, and the number of the group it is a member of."""

    task: TaskModel
    path: Path
    group: int | None = None


def flatten(workflow: WorkflowModel) -> list[Node]:
    """All tasks of the workflow, members of groups included."""
    nodes: list[Node] = []
    _append(nodes, workflow.tasks, ("tasks",), None)
    return nodes


def _append(nodes: list[Node], tasks: Sequence[TaskModel], path: Path, group: int | None) -> None:
    for position, task in enumerate(tasks):
        number, here = len(nodes), (*path, position)
        nodes.append(Node(task, here, group))
        _append(nodes, (task.tasks or []) if task.is_group else [], (*here, "tasks"), number)


@dataclass(frozen=True)
class Draft:
    """``specs[i]`` is the action of task *i*, None if it has none that is known."""

    ref: str
    workflow: WorkflowModel
    findings: Findings
    parameters: Mapping[str, Any]
    output: Mapping[str, Any] | None
    nodes: Sequence[Node]
    specs: tuple[ActionSpec | None, ...]
    pack_config: Mapping[str, Any]

    @cached_property
    def tasks(self) -> list[TaskModel]:
        """The tasks as they were written."""
        return [node.task for node in self.nodes]

    @cached_property
    def index(self) -> dict[str, int]:
        """The number of each name; of several tasks with one name, that of the first."""
        found: dict[str, int] = {}
        for number, task in enumerate(self.tasks):
            found.setdefault(task.name, number)
        return found

    @cached_property
    def arrows(self) -> list[list[Arrow]]:
        """The transitions of each task."""
        return [arrows(node.task, node.path) for node in self.nodes]

    @cached_property
    def levels(self) -> dict[int | None, int]:
        """The members of each group, as a bit set; under None the tasks that are in no group."""
        found: dict[int | None, int] = {None: 0}
        for number, node in enumerate(self.nodes):
            found[node.group] = found.get(node.group, 0) | 1 << number
        return found

    @cached_property
    def inside(self) -> list[int]:
        """All tasks within each group, at any depth, as bit sets; 0 for a task that is none."""
        found = [0] * len(self.nodes)
        for number in reversed(range(len(self.nodes))):
            group = self.nodes[number].group
            if group is not None:
                found[group] |= found[number] | 1 << number
        return found

    @cached_property
    def successors(self) -> list[int]:
        """The tasks of the same level that each task leads to, as bit sets."""
        return [self.goals(number, row) for number, row in enumerate(self.arrows)]

    @cached_property
    def success_successors(self) -> list[int]:
        """Those it leads to by success."""
        return [self.goals(number, [a for a in row if a.by_success]) for number, row in enumerate(self.arrows)]

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
        return members if self.tasks[number].type == "parallel" else members & self.unled

    def goals(self, number: int, row: Sequence[Arrow]) -> int:
        """The tasks of its level that these transitions of a task lead to, as a bit set; other names are left out."""
        found = 0
        for arrow in row:
            for target in arrow.targets:
                found |= 1 << self.index[target.name] if target.name in self.index else 0
        return found & self.levels[self.nodes[number].group]

    def path(self, number: int) -> Path:
        """Where the task is written."""
        return self.nodes[number].path

    def groups_of(self, number: int) -> Iterator[int]:
        """The groups a task is in, the innermost first."""
        group = self.nodes[number].group
        while group is not None:
            yield group
            group = self.nodes[group].group

    def is_repeated(self, number: int) -> bool:
        """Whether a task is on a cycle, in a loop, or in a group that is."""
        if any(self.tasks[group].type == "loop" for group in self.groups_of(number)):
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
            starts |= self.steps[number] if task.join == JoinKind.EACH else 0
        return reachability.reached(self.steps, starts)

    def writes(self, number: int, key: str) -> bool:
        """Whether the key has a value at all, be it a wrong one."""
        return writes(self.findings, self.path(number), key)

    def published(self, number: int) -> list[Published]:
        """Everything that the task may publish."""
        task, path = self.tasks[number], self.path(number)
        found = [*published(task.publish, (*path, "publish"))]
        found += published(task.publish_on_failure, (*path, "publish_on_failure"))
        return found + [entry for arrow in self.arrows[number] for entry in arrow.publish]

    def names(self, members: int) -> list[str]:
        """The names of a set of tasks, in the order they are written."""
        return [self.tasks[number].name for number in bits(members)]


def writes(findings: Findings, path: Path, key: str) -> bool:
    """Whether the mapping at ``path`` of the file has a value for the key, be it a wrong one."""
    return written(findings, path, key) is not None


def written(findings: Findings, path: Path, key: str) -> Any:
    """What the mapping at ``path`` of the file has under the key, be it wrong; None if it has nothing."""
    data: Any = findings.source.data
    for step in path:
        data = data[step]
    return data.get(key) if isinstance(data, dict) else None


def has_wrong_type(findings: Findings, node: Node) -> bool:
    """Whether the task's ``type`` is none: that has been said, and nothing can be concluded from it."""
    return (written(findings, node.path, "type") or "action") != node.task.type
