"""Which transitions of a workflow its tests have taken, and which they have not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from attune.execution.graph_view import kind
from attune.model.graph import Graph, Task, Transition
from attune.testing.case import Taken


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition: from a task, on what (and under which condition), to which tasks."""

    task: str
    on: str
    when: str | None
    to: tuple[str, ...]

    def __str__(self) -> str:
        condition = f" when {self.when}" if self.when else ""
        otherwise = ", otherwise" if self.on == "decision" and not self.when else ""
        return f"{self.task} → {', '.join(self.to) or 'nothing'} ({self.on}{otherwise}{condition})"


@dataclass(frozen=True, slots=True)
class Coverage:
    """``count`` of the ``total`` transitions were taken; ``missing`` are the others."""

    workflow: str
    total: int
    missing: tuple[Edge, ...]

    @property
    def count(self) -> int:
        """How many were taken."""
        return self.total - len(self.missing)

    @property
    def share(self) -> float:
        """From 0 to 1; a workflow without transitions is covered."""
        return self.count / self.total if self.total else 1.0


def coverage(graphs: Sequence[Graph], taken: Taken) -> list[Coverage]:
    """The coverage of these workflows."""
    return [_coverage(graph, taken) for graph in graphs]


def _coverage(graph: Graph, taken: Mapping[tuple[str, int, int], int]) -> Coverage:
    places = [(task, number) for task in graph.tasks for number in range(len(task.transitions))]
    missing = [
        _edge(graph, task, task.transitions[number])
        for task, number in places
        if not taken.get((graph.ref, task.index, number))
    ]
    return Coverage(graph.ref, len(places), tuple(missing))


def _edge(graph: Graph, task: Task, transition: Transition) -> Edge:
    targets = tuple(graph.tasks[target].name for target in transition.targets)
    return Edge(task.name, kind(transition), transition.when, targets + (("fail",) if transition.fail else ()))
