"""What a dialect makes of a workflow's file: tasks and what follows them, in no dialect's words.

This is the door for dialects. A dialect reads its own keys and fills these classes in; all that comes after (the
checks, the compiler) knows nothing else of the file. A problem points at the dialect's own keys all the same, because
each value comes with its place: a task knows where each :class:`Aspect` of it is written.

For example, a dialect that writes ``- {do: core.echo, after: [x]}`` gives a task whose ``call`` is ``core.echo``, with
``places={Aspect.CALL: ("steps", 0, "do"), Aspect.JOIN: ("steps", 0, "after")}``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from attune.language.source import Path
from attune.model.graph import Join, Loop, RetryPolicy
from attune.model.status import TaskStatus

FAIL: Final = "fail"
NOOP: Final = "noop"
RESERVED: Final = frozenset({FAIL, NOOP})
"""Targets that are no tasks."""


DEFAULT_JOIN: Final = Join()


class TaskKind(StrEnum):
    """What a task is made of: an action, a workflow that is named as such, or other tasks."""

    ACTION = "action"
    WORKFLOW = "workflow"
    PARALLEL = "parallel"
    LOOP = "loop"

    @property
    def is_group(self) -> bool:
        """Whether the task is made of other tasks."""
        return self in (TaskKind.PARALLEL, TaskKind.LOOP)


class Aspect(StrEnum):
    """What is said of a task, or of a workflow as a whole, wherever its dialect writes it."""

    NAME = "name"
    CALL = "call"
    """The action or workflow that is run."""
    INPUT = "input"
    WHEN = "when"
    WITH_ITEMS = "with_items"
    RETRY_CONDITION = "retry_condition"
    TIMEOUT = "timeout"
    JOIN = "join"
    LOOP_CONDITION = "loop_condition"
    ON_SKIP = "on_skip"
    TASKS = "tasks"
    """The members of a group, or the tasks of the workflow."""
    VARS = "vars"
    OUTPUT_MAP = "output_map"
    FAIL_FAST = "fail_fast"


Places = Mapping[Aspect, Path]
"""Where aspects are written. One that is not in it stands where the whole does."""


@dataclass(frozen=True, slots=True)
class Target:
    """A name that a transition leads to, and where it is written."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class Published:
    """A variable, the template of its value, and where that is written."""

    name: str
    value: Any
    path: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrow:
    """A transition whose targets are still names; the other fields are those of the graph's Transition."""

    ends: tuple[TaskStatus, ...]
    targets: tuple[Target, ...] = ()
    when: str | None = None
    when_path: Path = ()
    publish: tuple[Published, ...] = ()
    decision: bool = False
    handles: bool = True
    by_success: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskDraft:
    """One task. The fields without a comment are those of the graph's Task; the workflow's defaults are in them.

    ``call`` names what it runs, as written; that may be a template. ``names_workflow``: it can only be a workflow.
    ``undecided``: its kind is wrong. The dialect has reported that, so checks conclude nothing from the kind.
    ``written`` has the aspects that the file gives, rightly or wrongly. The dialect has reported the wrong ones, and
    has left their values out. ``group`` is the number of the group that the task is a member of.
    """

    name: str
    path: Path
    kind: TaskKind = TaskKind.ACTION
    call: str | None = None
    names_workflow: bool = False
    input: Mapping[str, Any] = field(default_factory=dict)
    when: str | None = None
    with_items: Any = None
    batch_size: int | None = None
    concurrency: int | None = None
    tolerate_failures: str | int | None = None
    retry: RetryPolicy | None = None
    timeout: float | None = None
    publish: tuple[Published, ...] = ()
    publish_on_failure: tuple[Published, ...] = ()
    arrows: tuple[Arrow, ...] = ()
    join: Join = DEFAULT_JOIN
    max_visits: int = 100
    loop: Loop | None = None
    group: int | None = None
    places: Places = field(default_factory=dict)
    written: frozenset[Aspect] = frozenset()
    undecided: bool = False

    @property
    def is_group(self) -> bool:
        """Whether the task is made of other tasks."""
        return self.kind.is_group

    def place(self, aspect: Aspect) -> Path:
        """Where an aspect of the task is written, or would be."""
        return self.places.get(aspect, self.path)

    def published(self) -> tuple[Published, ...]:
        """Everything that the task may publish."""
        in_arrows = (entry for arrow in self.arrows for entry in arrow.publish)
        return (*self.publish, *self.publish_on_failure, *in_arrows)


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowDraft:
    """A workflow as its dialect has read it. Tasks are in the order they are written, a group before its members.

    ``parameters`` and ``output`` are JSON Schemas. ``scope`` is that of the graph: what templates call what.
    ``origin`` is the dialect's own form of the workflow; only its own checks read it. ``words`` renames aspects in
    messages, for a dialect that has other words. ``unreadable`` has the aspects whose value in the file is wrong:
    checks conclude nothing from what is missing there.
    """

    ref: str
    tasks: Sequence[TaskDraft]
    label: str | None = None
    description: str | None = None
    version: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output: Mapping[str, Any] | None = None
    vars: Mapping[str, Any] = field(default_factory=dict)
    output_map: Any = None
    enabled: bool = True
    timeout: float | None = None
    fail_fast: bool = False
    scope: Mapping[str, str] = field(default_factory=dict)
    places: Places = field(default_factory=dict)
    words: Mapping[Aspect, str] = field(default_factory=dict)
    unreadable: frozenset[Aspect] = frozenset()
    origin: Any = None

    def place(self, aspect: Aspect) -> Path:
        """Where an aspect of the workflow is written, or would be."""
        return self.places.get(aspect, ())

    def word(self, aspect: Aspect) -> str:
        """What the dialect calls an aspect."""
        return self.words.get(aspect, str(aspect))
