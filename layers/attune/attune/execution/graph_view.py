"""A graph as it is drawn: nodes, each with where its task stands, and edges."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from attune.engine.state import State
from attune.engine.visits import Chunks, Items
from attune.model.graph import Graph, Task, Transition
from attune.model.status import TaskStatus


@dataclass(frozen=True, kw_only=True, slots=True)
class ItemProgress:
    """How far the items of a list have come; those that failed are done too."""

    total: int
    done: int
    failed: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A task. ``type`` is what runs it, ``items`` null without a list, ``group`` the name of the group it is in."""

    name: str
    action: str
    type: str
    status: TaskStatus
    visits: int
    items: ItemProgress | None
    group: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """Where a task leads to, ``on`` which end of it, and ``when`` (a template, null: always)."""

    from_: str
    to: str
    on: str
    when: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class GraphView:
    """A workflow's tasks, in their order, and where each leads to."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def nodes_and_edges(graph: Graph, state: State | None = None) -> GraphView:
    """The graph, each node with where it stands (pending without a state)."""
    nodes = tuple(_node(graph, task, state) for task in graph.tasks)
    return GraphView(nodes=nodes, edges=tuple(edge for task in graph.tasks for edge in _edges(graph, task)))


def task_status(state: State | None, index: int) -> TaskStatus:
    """Where a task stands: what it is doing now, else how its latest visit ended."""
    if state is None:
        return TaskStatus.PENDING
    doing = [visit for (task, _), visit in state.active.items() if task == index]
    if not doing:
        return state.latest(index)
    attempts = [active.status for visit in doing for _, active in visit.attempts()]
    if any(visit.round for visit in doing):
        return TaskStatus.RUNNING
    return attempts[0] if attempts else TaskStatus.RUNNING


def kind(transition: Transition) -> str:
    """On what it fires, in a word: decision, success, failure, timeout, skip or complete."""
    return "decision" if transition.decision else _WORDS.get(frozenset(transition.ends), "complete")


_WORDS = {
    frozenset({TaskStatus.COMPLETED}): "success",
    frozenset({TaskStatus.FAILED, TaskStatus.TIMED_OUT}): "failure",
    frozenset({TaskStatus.FAILED}): "failure",
    frozenset({TaskStatus.TIMED_OUT}): "timeout",
    frozenset({TaskStatus.SKIPPED}): "skip",
}
"""By the ends of a task on which a transition fires."""


def _node(graph: Graph, task: Task, state: State | None) -> Node:
    return Node(
        name=task.name,
        action=task.action,
        type=_type(task),
        status=task_status(state, task.index),
        visits=state.visits_of(task.index) if state else 0,
        items=_items(task, state),
        group=None if task.group is None else graph.tasks[task.group].name,
    )


def _type(task: Task) -> str:
    if task.members:
        return "loop" if task.loop else "parallel"
    return str(task.spec.runner) if task.spec else "action"


def _items(task: Task, state: State | None) -> ItemProgress | None:
    if state is None or task.with_items is None:
        return None
    parts = (visit.items or visit.chunks for (index, _), visit in state.active.items() if index == task.index)
    under_way = [part for part in parts if part]
    if under_way:
        return _progress(under_way[-1])
    total, failed = state.item_counts.get(task.index, (0, 0))
    return ItemProgress(total=total, done=total, failed=failed)


def _progress(under_way: Items | Chunks) -> ItemProgress:
    """Of a list in chunks, what is in chunks that have ended."""
    if isinstance(under_way, Chunks):
        return ItemProgress(total=under_way.total, done=under_way.ended_items(), failed=under_way.failed)
    done = under_way.next - len(under_way.active) - len(under_way.again)
    return ItemProgress(total=under_way.total, done=done, failed=len(under_way.failed))


def _edges(graph: Graph, task: Task) -> Iterator[Edge]:
    for transition in task.transitions:
        targets = [graph.tasks[index].name for index in transition.targets] + (["fail"] if transition.fail else [])
        for target in targets:
            yield Edge(from_=task.name, to=target, on=kind(transition), when=transition.when)
