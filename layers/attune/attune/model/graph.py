"""The compiled graph: what the engine runs, whichever dialect it was written in.

A graph is plain data. It is made once, when a workflow is registered, stored as JSON, and loaded by the hot
path without pydantic or PyYAML. Tasks are numbered in the order they were written; sets of tasks are integers
used as bit sets (bit *i* is task *i*), so "can anything that is busy still reach this join?" is one ``&``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, asdict, dataclass, field, fields
from enum import StrEnum
from functools import cached_property
from typing import Any, Final

from attune.model.action import ActionSpec
from attune.model.scope_names import ScopeNames
from attune.model.secrets import Secrets
from attune.model.status import TaskStatus

FORMAT = 1
"""Version of the stored form, for later releases to tell theirs from this one."""

TaskIndex = int
"""A task, by its place in the order in which tasks were written, from 0."""
TaskSet = int
"""A set of tasks as a bit set: bit *i* is the task with index *i*."""

CHUNK_SIZE = 100
"""Items of a part of a long list; a list of no more is in one piece."""


class Backoff(StrEnum):
    """How the delay grows with the number of the attempt that failed."""

    CONSTANT = "constant"
    LINEAR = "linear"
    EXPONENTIAL = "exponential"


class JoinKind(StrEnum):
    """When a task with several sources runs; ``ROUND`` is the default join."""

    ROUND = "round"
    ALL = "all"
    COUNT = "count"
    EACH = "each"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """``count`` further attempts after the first; ``delay`` and ``max_delay`` in seconds."""

    count: int
    _: KW_ONLY
    delay: float = 0.0
    backoff: Backoff = Backoff.CONSTANT
    max_delay: float | None = None
    jitter: bool = False
    on_error: str | None = None


@dataclass(frozen=True, slots=True)
class Transition:
    """``(condition, publish, targets)``: fires when the task ended as one of ``ends`` and ``when`` holds.

    ``decision``: of a task's transitions so marked only the first that holds fires. ``handles``: firing it
    handles a failure. ``by_success``: its targets depend on the source's success, so an unhandled failure of
    the source holds them back. ``fail``: the reserved target; from here on nothing fires.
    """

    ends: tuple[TaskStatus, ...]
    targets: tuple[TaskIndex, ...] = ()
    _: KW_ONLY
    when: str | None = None
    publish: tuple[tuple[str, Any], ...] = ()
    decision: bool = False
    handles: bool = True
    by_success: bool = False
    fail: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """How a task with several sources waits for them; ``count`` only for :attr:`JoinKind.COUNT`."""

    kind: JoinKind = JoinKind.ROUND
    count: int = 0


@dataclass(frozen=True, slots=True)
class Loop:
    """How often a group's body runs: ``condition`` is looked at before each round (``after`` it, for ``until``).

    The rounds go on while the condition holds (``negated``: until it does); one beyond ``max_iterations`` fails
    the group.
    """

    condition: str
    negated: bool = False
    after: bool = False
    max_iterations: int = 1000


@dataclass(frozen=True, slots=True)
class Task:
    """One node. Templates are kept as written; the compiler has parsed each of them once already.

    A task with ``members`` is a group (``parallel`` or ``loop``): its ``starts`` begin together, and a round is over
    when no member is busy. Members are ordinary tasks of the graph that know their ``group``; transitions never
    cross its border.

    The compiler computes the last block; ``model/reachability.py`` defines its terms:

    * ``sources``: the tasks that lead here; ``success_sources``: those of them that lead here by success;
    * ``blockers``: the tasks that can still reach this one within the round that its loops are in;
    * ``cycle_body``: the tasks of the cycles that begin with this one (0: none begins here);
    * ``back_sources``: the tasks whose transition here begins a new round.
    """

    index: TaskIndex
    name: str
    action: str
    _: KW_ONLY
    spec: ActionSpec | None = None
    input: Any = None
    when: str | None = None
    with_items: Any = None
    batch_size: int | None = None
    concurrency: int | None = None
    tolerate_failures: str | int | None = None
    retry: RetryPolicy | None = None
    timeout: float | None = None
    publish: tuple[tuple[str, Any], ...] = ()
    publish_on_failure: tuple[tuple[str, Any], ...] = ()
    transitions: tuple[Transition, ...] = ()
    join: Join = Join()
    max_visits: int = 100
    group: TaskIndex | None = None
    members: tuple[TaskIndex, ...] = ()
    starts: tuple[TaskIndex, ...] = ()
    loop: Loop | None = None

    sources: TaskSet = 0
    success_sources: TaskSet = 0
    blockers: TaskSet = 0
    cycle_body: TaskSet = 0
    back_sources: TaskSet = 0

    @property
    def is_join(self) -> bool:
        """True for a task with more than one source: it may have to wait."""
        return self.sources.bit_count() > 1


@dataclass(frozen=True, kw_only=True)
class Graph:
    """A workflow, compiled. ``vars`` keeps the order in which it was written; ``timeout`` is in seconds."""

    ref: str
    pack: str
    label: str
    tasks: tuple[Task, ...]
    entry: tuple[TaskIndex, ...]
    description: str | None = None
    version: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] | None = None
    vars: tuple[tuple[str, Any], ...] = ()
    output_map: Any = None
    timeout: float | None = None
    fail_fast: bool = False
    pack_config: Mapping[str, Any] = field(default_factory=dict)
    chunk_size: int = CHUNK_SIZE
    """How many items of a ``with_items`` one state keeps; a longer list is cut into chunks. Part of the graph, so that
    an execution keeps the one that it began with."""

    scope: Mapping[str, str] = field(default_factory=dict)
    """What templates call what, see ``model/scope_names.py``; empty: by our names."""

    @cached_property
    def names(self) -> ScopeNames:
        """What templates call what."""
        return ScopeNames(self.scope)

    @cached_property
    def by_name(self) -> dict[str, Task]:
        """Tasks by their name."""
        return {task.name: task for task in self.tasks}

    @cached_property
    def groups(self) -> tuple[TaskIndex, ...]:
        """The tasks that have members."""
        return tuple(task.index for task in self.tasks if task.members)

    @cached_property
    def heads(self) -> TaskSet:
        """The tasks that begin a new round of a loop, as a bit set."""
        return sum(1 << task.index for task in self.tasks if task.cycle_body and task.join.kind is JoinKind.ROUND)

    @cached_property
    def secrets(self) -> Secrets:
        """The secrets among the parameters."""
        return Secrets(self.parameters)

    def to_dict(self) -> dict[str, Any]:
        """As JSON; enums become their values."""
        data = asdict(self)
        if not self.scope:
            del data["scope"]
        return {"format": FORMAT, **data, "tasks": [_stored(task) for task in data["tasks"]]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Graph:
        """Inverse of :meth:`to_dict`."""
        known = {f.name for f in fields(cls)}
        plain = {key: value for key, value in data.items() if key in known}
        plain["tasks"] = tuple(_task(t) for t in data["tasks"])
        plain["entry"] = tuple(data["entry"])
        plain["vars"] = _pairs(data["vars"])
        return cls(**plain)


def _pairs(rows: Any) -> tuple[tuple[str, Any], ...]:
    return tuple((name, value) for name, value in rows)


_STORED: Final[Mapping[str, str]] = {"loop": "rounds", "cycle_body": "loop"}
"""Fields of a task that are stored under the names they had first: graphs never change once they are registered."""


def _stored(task: Mapping[str, Any]) -> dict[str, Any]:
    return {_STORED.get(name, name): value for name, value in task.items()}


def _task(data: Mapping[str, Any]) -> Task:
    join, retry, spec = data["join"], data["retry"], data["spec"]
    same = {name: value for name, value in data.items() if name not in _STORED.values()}
    made = {
        "spec": spec and ActionSpec.from_dict(spec),
        "retry": retry and RetryPolicy(**{**retry, "backoff": Backoff(retry["backoff"])}),
        "join": Join(JoinKind(join["kind"]), join["count"]),
        "publish": _pairs(data["publish"]),
        "publish_on_failure": _pairs(data["publish_on_failure"]),
        "transitions": tuple(_transition(t) for t in data["transitions"]),
        "members": tuple(data["members"]),
        "starts": tuple(data["starts"]),
        "loop": data["rounds"] and Loop(**data["rounds"]),
        "cycle_body": data["loop"],
    }
    return Task(**{**same, **made})


def _transition(data: Mapping[str, Any]) -> Transition:
    made = {
        "ends": tuple(TaskStatus(e) for e in data["ends"]),
        "targets": tuple(data["targets"]),
        "publish": _pairs(data["publish"]),
    }
    return Transition(**{**data, **made})
