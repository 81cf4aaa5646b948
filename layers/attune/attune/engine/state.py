"""The compact state of one execution, as it is between two folds.

It holds where every task stands, never what it was given or returned: those live in records of their own
(promise 5). Tasks go by their number in the graph. A fold works on a :meth:`State.copy` of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from operator import attrgetter
from typing import Any

from attune.engine.messages import Parent
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus, TaskStatus

CODES: dict[TaskStatus, str] = {
    TaskStatus.PENDING: ".",
    TaskStatus.COMPLETED: "c",
    TaskStatus.FAILED: "f",
    TaskStatus.TIMED_OUT: "t",
    TaskStatus.SKIPPED: "s",
    TaskStatus.CANCELLED: "x",
    TaskStatus.HELD: "h",
}
"""One character per way in which a task's latest visit can have ended."""
STATUS_OF: dict[str, TaskStatus] = {code: status for status, code in CODES.items()}

_CONTAINERS = ("codes", "visits", "last_attempt", "item_counts", "rounds", "join_runs", "active", "outbox")


@dataclass(frozen=True, slots=True)
class Active:
    """An attempt that has been asked for and has not ended: its number, what it waits for, and until when.

    ``due`` (epoch seconds) is when its timer fires, ``limit`` when it times out, ``child`` the execution that
    it waits for, ``wait`` what it waits for from outside. A ``retrying`` attempt without ``due`` starts when the
    execution is resumed.
    """

    status: TaskStatus
    number: int = 1
    due: float | None = None
    child: str | None = None
    limit: float | None = None
    wait: WaitKind | None = None


@dataclass(slots=True)
class Items:
    """A ``with_items`` under way: items below ``next`` that are neither ``active`` nor in ``again`` have ended."""

    total: int
    elements: int
    next: int = 0
    active: dict[int, Active] = field(default_factory=dict)
    failed: set[int] = field(default_factory=set)
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
    """A long ``with_items`` under way, as its execution keeps it: chunks below ``next`` that do not run have ended.

    ``running`` maps a chunk to how many of its items run at a time (0: no bound of ours); ``failed`` counts elements,
    ``indexes`` are the first items that failed. ``whole``: a retry wants all items again, although all succeeded.
    """

    total: int
    elements: int
    count: int
    next: int = 0
    running: dict[int, int] = field(default_factory=dict)
    failed: int = 0
    indexes: list[int] = field(default_factory=list)
    whole: bool = False

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


@dataclass(frozen=True, slots=True)
class Chunk:
    """Of a chunk's own state: which items of which visit it goes over (see :class:`messages.StartChunk`).

    ``attempt_base`` is that of its start: it tells of which of the execution's retries the chunk is.
    """

    task: int
    visit: int
    number: int
    first: int
    window: int
    attempt_base: int = 0


@dataclass(slots=True)
class Visit:
    """One run of a task that has not ended: a single attempt at a time, many items, or chunks of many items."""

    task: int
    number: int
    single: Active | None = None
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


@dataclass(slots=True)
class State:
    """See the module. ``absorbed`` is the highest FIFO sequence number folded; ``version`` counts saves."""

    execution: str
    workflow: str
    workflow_version: int
    created_at: float
    size: int
    """How many tasks the graph has."""
    status: ExecutionStatus = ExecutionStatus.RUNNING
    version: int = 0
    absorbed: str = ""
    updated_at: float = 0.0
    parent: Parent | None = None
    chunk: Chunk | None = None
    """Set in the state of a chunk; then ``execution`` is the chunk's id, and all else is as it was when the visit
    began."""
    codes: list[str] = field(default_factory=list)
    visits: dict[int, int] = field(default_factory=dict)
    last_attempt: dict[int, int] = field(default_factory=dict)
    item_counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    rounds: dict[int, int] = field(default_factory=dict)
    """How many rounds the latest visit of a loop that ended had."""
    active: dict[tuple[int, int], Visit] = field(default_factory=dict)
    fired: dict[int, dict[int, int]] = field(default_factory=dict)
    join_runs: dict[int, int] = field(default_factory=dict)
    begun: int = 0
    now_unhandled: int = 0
    """Tasks whose latest visit failed unhandled; ``ever_unhandled`` are those of which any visit did."""
    ever_unhandled: int = 0
    held: int = 0
    verdicts: int = 0
    is_failing: bool = False
    stopping: bool = False
    paused: bool = False
    pause_note: dict[str, Any] | None = None
    """``{by, reason, at}`` of the latest pause; and, when that is over, ``until`` and ``resumed_by``."""
    seen_controls: list[str] = field(default_factory=list)
    """The latest pauses and resumptions that were folded, so that late copies of them are known. Replaced, never
    changed."""
    delivered_events: dict[str, int] = field(default_factory=dict)
    """The latest events that were waited for: to which visit of its task each was given, so that a copy of it is not
    given to the next. Replaced, never changed."""
    error: dict[str, Any] | None = None
    vars_number: int = 0
    deadline: float | None = None
    ended_at: float | None = None
    resend_id: str = ""
    resumable: dict[tuple[int, int], int] = field(default_factory=dict)
    """Visits that failed unhandled or were cancelled, with the number of their last attempt (0: they had none): where
    a retry goes on. Like ``dropped`` and ``retried`` it is replaced, never changed, so that copies may share it."""
    dropped: dict[int, dict[int, int]] = field(default_factory=dict)
    """Arrivals that will not begin anything any more, short of a retry: at joins held back, or after ``fail``."""
    led_to_fail: int = 0
    """Tasks that led to ``fail``."""
    retried: list[str] = field(default_factory=list)
    """The request ids of all retries."""
    given: int = 0
    """The number of the retry that gave the present parameters; 0: the start did."""
    outbox: list[list[Any]] = field(default_factory=list)
    running: int = field(default=0, compare=False)
    """The tasks with a visit that has not ended, as a bit set; kept by :meth:`open` and :meth:`close`, never stored."""
    private: set[tuple[int, int]] = field(default_factory=set, compare=False, repr=False)
    """Visits that this copy has made its own; never stored."""

    def __post_init__(self) -> None:
        if not self.codes:
            self.codes = [CODES[TaskStatus.PENDING]] * self.size

    def copy(self) -> State:
        """A copy that can be changed without the original noticing; visits are copied when first touched."""
        twin = State(*_VALUES(self))
        for name in _CONTAINERS:
            setattr(twin, name, getattr(self, name).copy())
        twin.fired = {task: dict(arrivals) for task, arrivals in self.fired.items()}
        twin.private = set()
        return twin

    def open(self, visit: Visit) -> None:
        """From here on this visit is under way; it belongs to this copy alone."""
        self.active[visit.task, visit.number] = visit
        self.private.add((visit.task, visit.number))
        self.running |= 1 << visit.task

    def close(self, task: int, number: int) -> Visit | None:
        """The visit is under way no more; returns it, None if it was not."""
        visit = self.active.pop((task, number), None)
        if visit is not None and not self._has_another(task):
            self.running &= ~(1 << task)
        return visit

    def _has_another(self, task: int) -> bool:
        return self.visits_of(task) > 1 and any(other == task for other, _ in self.active)

    def close_all(self) -> None:
        """Nothing is under way any more."""
        self.active.clear()
        self.private.clear()
        self.running = 0

    def own(self, task: int, visit: int) -> Visit | None:
        """The visit, safe to change; None if it has ended."""
        key = (task, visit)
        found = self.active.get(key)
        if found is not None and key not in self.private:
            found = self.active[key] = found.copy()
            self.private.add(key)
        return found

    def record_end(self, task: int, status: TaskStatus, number: int) -> None:
        """How the task's latest visit ended, and with which attempt (0: it failed before it had one)."""
        self.codes[task] = CODES[status]
        if number > 1 or (number == 0 and status.failed):
            self.last_attempt[task] = number
        else:
            self.last_attempt.pop(task, None)

    def visits_of(self, task: int) -> int:
        """How often the task has begun."""
        return self.visits.get(task) or (self.begun >> task & 1)

    def latest(self, task: int) -> TaskStatus:
        """How the latest ended visit of the task ended; pending if none has."""
        return STATUS_OF[self.codes[task]]


_VALUES = attrgetter(*(member.name for member in fields(State)))
