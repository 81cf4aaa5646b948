"""The compact state of one execution, as it is between two folds.

It holds where every task stands, never what it was given or returned: those live in records of their own
(promise 5). Tasks go by their number in the graph, sets of tasks are bit sets. A fold works on a :meth:`State.copy`
of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from attune.engine.messages import Parent
from attune.engine.visits import Chunk, Visit, VisitKey
from attune.model.graph import TaskIndex, TaskSet
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

Arrivals = dict[TaskIndex, int]
"""At one task: how often each of its sources has fired it."""


@dataclass(slots=True, kw_only=True)
class State:
    """Where an execution stands, or a chunk of its items.

    After "By" stands who writes a field: modules of this package, methods of this class. ``remap`` gives tasks other
    numbers, wherever they stand. *Replaced* means never changed, so that copies may share it.
    """

    # --- Which execution this is ------------------------------------------------------------------------------------

    execution: str
    """Its id; in the state of a chunk, the chunk's. From its start."""
    workflow: str
    """The workflow's ref; ``TOMBSTONE`` if it was cancelled before its start came. From its start."""
    workflow_version: int
    """The version that it runs. From its start; by ``execution_retry``."""
    created_at: float
    """When it was created, in epoch seconds. From its start."""
    size: int
    """How many tasks the graph has. From its start; by ``remap``."""
    parent: Parent | None = None
    """The attempt whose child execution this is. From its start."""
    chunk: Chunk | None = None
    """Set in the state of a chunk; all else is then as it was when the visit began. By ``chunk_fold``."""

    # --- How it is saved --------------------------------------------------------------------------------------------

    version: int = 0
    """How often it was saved: a save names the version that it replaces. By ``execution.advancer``."""
    absorbed: str = ""
    """The highest FIFO sequence number that was folded. By ``execution.advancer``."""
    updated_at: float = 0.0
    """The time of its latest fold, in epoch seconds. By ``advance``."""
    outbox: list[list[Any]] = field(default_factory=list)
    """What the latest fold asked for, as references (see ``outbox.Row``). By ``advance``."""
    resend_id: str = ""
    """Makes the ids of what is sent again fresh (see ``ids``). By ``advance``, ``execution_retry``."""

    # --- Where it stands as a whole ---------------------------------------------------------------------------------

    status: ExecutionStatus = ExecutionStatus.RUNNING
    """See ``model.status``. By ``advance``, ``settle``, ``ending``, ``execution_retry``, ``chunk_fold``."""
    deadline: float | None = None
    """When the workflow times out, in epoch seconds; None if never. By ``launch``."""
    ended_at: float | None = None
    """When it ended, in epoch seconds. By ``ending``, ``chunk_fold``, ``execution_retry``."""
    vars_number: int = 0
    """The number under which the present variables are stored; 0: there are none. By ``turn``."""

    # --- How each task stands ---------------------------------------------------------------------------------------

    codes: list[str] = field(default_factory=list)
    """How the latest ended visit of each task did, see ``CODES``. By ``record_end``, ``transitions``, ``settle``."""
    begun: TaskSet = 0
    """The tasks that have begun a visit. By ``task_start``."""
    visits: dict[TaskIndex, int] = field(default_factory=dict)
    """How many visits a task has begun, if more than one. By ``task_start``."""
    last_attempt: dict[TaskIndex, int] = field(default_factory=dict)
    """The number of the attempt with which the latest ended visit ended, if it is not 1. By ``record_end``."""
    item_counts: dict[TaskIndex, tuple[int, int]] = field(default_factory=dict)
    """Of the latest ``with_items`` that ended: how many elements, and how many failed. By ``item_summary``."""
    rounds: dict[TaskIndex, int] = field(default_factory=dict)
    """How many rounds the latest visit of a loop that ended had. By ``transitions``, ``ending``."""
    verdicts: TaskSet = 0
    """The tasks of whose latest ended visit the fold itself found the error. By ``turn``, ``transitions``."""
    held: TaskSet = 0
    """The tasks that a failure holds back. By ``settle``, ``task_start``, ``groups``, ``execution_retry``."""

    # --- What is under way ------------------------------------------------------------------------------------------

    active: dict[VisitKey, Visit] = field(default_factory=dict)
    """The visits that have not ended; to change one, ask ``own`` for it. By ``open``, ``close``, ``close_all``."""
    running: TaskSet = field(default=0, compare=False)
    """The tasks with a visit in ``active``; never stored. By ``open``, ``close``, ``close_all``."""
    private: set[VisitKey] = field(default_factory=set, compare=False, repr=False)
    """The visits that this copy has made its own; never stored. By ``open``, ``own``, ``close_all``."""

    # --- What has arrived, and not begun ----------------------------------------------------------------------------

    fired: dict[TaskIndex, Arrivals] = field(default_factory=dict)
    """What is to begin, or waits at a join.
    By ``launch``, ``transitions``, ``groups``, ``settle``, ``ending``, ``execution_retry``."""
    join_runs: dict[TaskIndex, int] = field(default_factory=dict)
    """How often a join that counts has run; its arrivals stay. By ``settle``, ``groups``, ``execution_retry``."""

    # --- What failed ------------------------------------------------------------------------------------------------

    now_unhandled: TaskSet = 0
    """Tasks whose latest visit failed unhandled.
    By ``transitions``, ``task_start``, ``groups``, ``execution_retry``."""
    ever_unhandled: TaskSet = 0
    """The tasks outside of groups of which any visit failed unhandled. By ``transitions``, ``execution_retry``."""
    led_to_fail: TaskSet = 0
    """The tasks that led to the target ``fail``. By ``transitions``, ``execution_retry``."""
    is_failing: bool = False
    """Whether it ends failed whatever else happens. By ``ending``, ``execution_retry``."""
    stopping: bool = False
    """Whether nothing fires any more. By ``ending``, ``execution_retry``."""
    error: dict[str, Any] | None = None
    """Why it fails, failed or stands still. Replaced.
    By ``transitions``, ``settle``, ``ending``, ``advance``, ``pausing``, ``execution_retry``."""

    # --- What it is told from outside -------------------------------------------------------------------------------

    paused: bool = False
    """Whether nothing new is begun. By ``pausing``, ``execution_retry``."""
    pause_note: dict[str, Any] | None = None
    """``{by, reason, at}`` of the latest pause; then ``until`` and ``resumed_by``, too. Replaced. By ``pausing``."""
    seen_controls: list[str] = field(default_factory=list)
    """The latest pauses and resumptions, so that late copies of them are known. Replaced. By ``pausing``."""
    delivered_events: dict[str, int] = field(default_factory=dict)
    """The latest events, and the visit that each was given to. Replaced. By ``delivered_events``."""

    # --- Where a retry of the execution goes on ---------------------------------------------------------------------

    resumable: dict[VisitKey, int] = field(default_factory=dict)
    """Visits that failed unhandled or were cancelled, with their last attempt (0: they had none). Replaced.
    By ``transitions``, ``ending``, ``groups``, ``execution_retry``, ``remap``."""
    dropped: dict[TaskIndex, Arrivals] = field(default_factory=dict)
    """Arrivals that begin nothing, short of a retry. Replaced. By ``ending``, ``groups``, ``execution_retry``."""
    retried: list[str] = field(default_factory=list)
    """The request ids of all retries. Replaced. By ``execution_retry``."""
    given: int = 0
    """The number of the retry that gave the present parameters; 0: the start did. By ``execution_retry``."""

    def __post_init__(self) -> None:
        if not self.codes:
            self.codes = [CODES[TaskStatus.PENDING]] * self.size

    def copy(self) -> State:
        """A copy that can be changed without the original noticing; visits are copied when first touched."""
        twin = State.__new__(State)
        for name in _SHARED:
            setattr(twin, name, getattr(self, name))
        twin.codes, twin.outbox, twin.active = self.codes.copy(), self.outbox.copy(), self.active.copy()
        twin.visits, twin.last_attempt = self.visits.copy(), self.last_attempt.copy()
        twin.item_counts, twin.rounds = self.item_counts.copy(), self.rounds.copy()
        twin.fired = {task: dict(arrivals) for task, arrivals in self.fired.items()}
        twin.join_runs, twin.private = self.join_runs.copy(), set()
        return twin

    def open(self, visit: Visit) -> None:
        """From here on this visit is under way; it belongs to this copy alone."""
        self.active[visit.task, visit.number] = visit
        self.private.add((visit.task, visit.number))
        self.running |= 1 << visit.task

    def close(self, task: TaskIndex, number: int) -> Visit | None:
        """The visit is under way no more; returns it, None if it was not."""
        visit = self.active.pop((task, number), None)
        if visit is not None and not self._has_another(task):
            self.running &= ~(1 << task)
        return visit

    def _has_another(self, task: TaskIndex) -> bool:
        return self.visits_of(task) > 1 and any(other == task for other, _ in self.active)

    def close_all(self) -> None:
        """Nothing is under way any more."""
        self.active.clear()
        self.private.clear()
        self.running = 0

    def own(self, task: TaskIndex, visit: int) -> Visit | None:
        """The visit, safe to change; None if it has ended."""
        key = (task, visit)
        found = self.active.get(key)
        if found is not None and key not in self.private:
            found = self.active[key] = found.copy()
            self.private.add(key)
        return found

    def record_end(self, task: TaskIndex, status: TaskStatus, number: int) -> None:
        """How the task's latest visit ended, and with which attempt (0: it failed before it had one)."""
        self.codes[task] = CODES[status]
        if number > 1 or (number == 0 and status.failed):
            self.last_attempt[task] = number
        else:
            self.last_attempt.pop(task, None)

    def visits_of(self, task: TaskIndex) -> int:
        """How often the task has begun."""
        return self.visits.get(task) or (self.begun >> task & 1)

    def latest(self, task: TaskIndex) -> TaskStatus:
        """How the latest ended visit of the task ended; pending if none has."""
        return STATUS_OF[self.codes[task]]


_COPIED = frozenset(
    {
        *("codes", "outbox", "active", "visits", "last_attempt", "item_counts", "rounds", "fired", "join_runs"),
        "private",
    }
)
_SHARED = tuple(member.name for member in fields(State) if member.name not in _COPIED)
