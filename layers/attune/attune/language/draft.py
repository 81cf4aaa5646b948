"""A workflow between model and graph: names resolved, transitions spelled out, nothing judged yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from attune.language import reachability
from attune.language.findings import Findings
from attune.language.graph import ActionSpec
from attune.language.models import TaskModel, WorkflowModel
from attune.language.sugar import Arrow, Published, arrows, published


@dataclass(frozen=True)
class Draft:
    """``specs[i]`` is the action of task *i*, None if it has none that is known."""

    ref: str
    workflow: WorkflowModel
    findings: Findings
    parameters: Mapping[str, Any]
    output: Mapping[str, Any] | None
    specs: tuple[ActionSpec | None, ...]
    pack_config: Mapping[str, Any]

    @property
    def tasks(self) -> list[TaskModel]:
        """The tasks as they were written."""
        return self.workflow.tasks

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
        return [arrows(task, self.path(number)) for number, task in enumerate(self.tasks)]

    @cached_property
    def successors(self) -> list[int]:
        """The tasks each task leads to, as bit sets."""
        return [self.goals(row) for row in self.arrows]

    @cached_property
    def success_successors(self) -> list[int]:
        """Those it leads to by success."""
        return [self.goals([arrow for arrow in row if arrow.by_success]) for row in self.arrows]

    @cached_property
    def reach(self) -> list[reachability.Reach]:
        """Who can reach whom."""
        return reachability.analyse(self.successors)

    @cached_property
    def entries(self) -> int:
        """The tasks that no other task leads to, as a bit set."""
        return reachability.entries(self.successors)

    def goals(self, row: list[Arrow]) -> int:
        """The tasks these transitions lead to, as a bit set; names that are none are left out."""
        bits = 0
        for arrow in row:
            for target in arrow.targets:
                bits |= 1 << self.index[target.name] if target.name in self.index else 0
        return bits

    @staticmethod
    def path(number: int) -> tuple[str | int, ...]:
        """Where the task is written."""
        return ("tasks", number)

    def writes(self, number: int, key: str) -> bool:
        """Whether the key has a value at all, be it a wrong one."""
        task = self.findings.source.data["tasks"][number]
        return isinstance(task, dict) and task.get(key) is not None

    def published(self, number: int) -> list[Published]:
        """Everything that the task may publish."""
        task, path = self.tasks[number], self.path(number)
        found = [*published(task.publish, (*path, "publish"))]
        found += published(task.publish_on_failure, (*path, "publish_on_failure"))
        return found + [entry for arrow in self.arrows[number] for entry in arrow.publish]
