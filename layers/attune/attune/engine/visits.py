"""What is under way: the visits of tasks that have not ended, and the attempts, items or chunks in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import KW_ONLY, dataclass, field

from attune.model.built_ins import WaitKind
from attune.model.graph import TaskIndex
from attune.model.status import TaskStatus

VisitKey = tuple[TaskIndex, int]
"""A task, and the number of one of its visits, from 1."""


@dataclass(frozen=True, slots=True)
class Active:
    """An attempt that has been asked for and has not ended: what it waits for, and until when."""

    status: TaskStatus
    """Scheduled (a worker has it), waiting, or retrying."""
    number: int = 1
    """Which attempt of the visit, or of its item, this is."""
    _: KW_ONLY
    due: float | None = None
    """When its timer fires, in epoch seconds. One that is retrying and has none starts when the execution resumes."""
    child: str | None = None
    """The execution that it waits for."""
    limit: float | None = None
    """When it times out, in epoch seconds; None if nobody but its worker watches the time."""
    wait: WaitKind | None = None
    """What it waits for from outside."""


@dataclass(slots=True)
class Items:
    """A ``with_items`` under way: items below ``next`` that are neither ``active`` nor in ``again`` have ended."""

    total: int
    """How many items (or batches) there are; in a chunk, the first item that is not its own."""
    elements: int
    """How many elements the whole list has; without ``batch_size`` as many as there are items."""
    _: KW_ONLY
    next: int = 0
    """The first item that has not been begun."""
    active: dict[int, Active] = field(default_factory=dict)
    """The items under way, by index."""
    failed: set[int] = field(default_factory=set)
    """The items that failed."""
    again: list[int] = field(default_factory=list)
    """Of a retry: the items below ``next`` that are still to run again, the last one first."""

    @property
    def done(self) -> bool:
        """True when every item has ended."""
        return self.next >= self.total and not self.active and not self.again

    def copy(self) -> Items:
        """A copy that shares nothing that can change."""
        active, failed, again = dict(self.active), set(self.failed), list(self.again)
        return Items(self.total, self.elements, next=self.next, active=active, failed=failed, again=again)


@dataclass(slots=True)
class Chunks:
    """A long ``with_items`` under way, as its execution keeps it: chunks below ``next`` that do not run have ended."""

    total: int
    """How many items (or batches) there are."""
    elements: int
    """How many elements the list has."""
    count: int
    """How many chunks the list is cut into."""
    _: KW_ONLY
    next: int = 0
    """The first chunk that has not been begun."""
    running: dict[int, int] = field(default_factory=dict)
    """The chunks that run, and how many of its items each runs at a time (0: no bound of ours)."""
    failed: int = 0
    """How many elements failed."""
    indexes: list[int] = field(default_factory=list)
    """The first items that failed."""
    whole: bool = False
    """A retry wants all items again, although all succeeded."""

    @property
    def done(self) -> bool:
        """True when every chunk has ended."""
        return self.next >= self.count and not self.running

    def bounds(self, number: int) -> tuple[int, int]:
        """The items of a chunk, from the first up to but not the second; chunks are as even as can be."""
        return self.total * number // self.count, self.total * (number + 1) // self.count

    def ended_items(self) -> int:
        """How many items are in chunks that have ended."""
        under_way = sum(stop - first for first, stop in map(self.bounds, self.running))
        return self.bounds(self.next)[0] - under_way

    def copy(self) -> Chunks:
        """A copy that shares nothing that can change."""
        return Chunks(
            self.total,
            self.elements,
            self.count,
            next=self.next,
            running=dict(self.running),
            failed=self.failed,
            indexes=list(self.indexes),
            whole=self.whole,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunk:
    """Of a chunk's own state: the items of a visit that it goes over (:class:`attune.engine.messages.StartChunk`)."""

    task: TaskIndex
    visit: int
    """The number of the visit whose items these are."""
    number: int
    """Which chunk of the visit this is, from 0."""
    first: int
    """Its first item."""
    window: int
    """How many of its items run at a time (0: no bound of ours)."""
    attempt_base: int = 0
    """That of its start: it tells of which of the execution's retries the chunk is."""


@dataclass(slots=True)
class Visit:
    """One run of a task that has not ended: a single attempt at a time, many items, or chunks of many items."""

    task: TaskIndex
    number: int
    """Which visit of the task this is, from 1."""
    _: KW_ONLY
    single: Active | None = None
    """The attempt under way; None where there are items, or while none has been asked for."""
    items: Items | None = None
    chunks: Chunks | None = None
    round: int = 0
    """Of a group: how many rounds have begun."""
    attempt_base: int = 0
    """The highest number of an attempt before the execution was retried: a policy of retries counts from here."""
    last: int = 0
    """With items: the highest number that a further attempt at one of them has had."""

    @property
    def attempted(self) -> int:
        """The highest number that an attempt of this visit has had."""
        if self.single is not None:
            return self.single.number - (self.single.status is TaskStatus.RETRYING)
        return max(self.last, self.attempt_base + 1)

    def copy(self) -> Visit:
        """A copy that shares nothing that can change."""
        return Visit(
            self.task,
            self.number,
            single=self.single,
            items=self.items.copy() if self.items is not None else None,
            chunks=self.chunks.copy() if self.chunks is not None else None,
            round=self.round,
            attempt_base=self.attempt_base,
            last=self.last,
        )

    def attempts(self) -> Iterable[tuple[int | None, Active]]:
        """``(index, attempt)`` of all that is awaited here; index None without items; what chunks await is theirs."""
        if self.items is not None:
            return list(self.items.active.items())
        return [(None, self.single)] if self.single else []
