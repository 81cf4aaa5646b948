"""Groups: ``parallel`` (all members at once) and ``loop`` (a body, round after round).

A group is one task to the graph around it. Its members are ordinary tasks, started by it; a round is over when no
member is busy any more. The group fails when a member failed and nothing handled it.
"""

from __future__ import annotations

from collections.abc import Iterator

from attune.engine import attempts, ending
from attune.engine.context import Own
from attune.engine.ids import AttemptId
from attune.engine.joins import is_pending
from attune.engine.turn import Turn, template_failure
from attune.engine.visits import Active, Visit
from attune.exceptions import TemplateError, task_error
from attune.model.graph import Graph, Task, TaskIndex, TaskSet
from attune.model.status import TaskStatus


def start(turn: Turn, task: Task, attempt: AttemptId, limit: float | None) -> None:
    """Begin the first round; a loop whose condition does not hold is over at once. Raises TemplateError."""
    attempts.track(turn, task, attempt, Active(TaskStatus.WAITING, attempt.number, limit=limit))
    visit = turn.state.own(task.index, attempt.visit)
    if visit is not None:
        visit.round = 0
        _next_round(turn, task, visit, first=True)


def advance_one(turn: Turn) -> bool:
    """End a round of which no member is busy; False when there is none."""
    for index in turn.graph.groups:
        task, number = turn.graph.tasks[index], turn.state.visits_of(index)
        visit = turn.state.active.get((index, number))
        if visit is not None and _goes_round(visit) and not _is_busy(turn, task):
            _round_over(turn, task, visit)
            return True
    return False


def _goes_round(visit: Visit) -> bool:
    """False while the group waits to be tried again."""
    return visit.single is not None and visit.single.status is TaskStatus.WAITING


def _is_busy(turn: Turn, task: Task) -> bool:
    """Whether the round goes on. What is fired and could begin has begun, unless the execution is paused."""
    return bool(turn.state.running & _bits(task)) or (turn.state.paused and bool(_stuck(turn, task)))


def _stuck(turn: Turn, task: Task) -> list[str]:
    """Members that have been fired and have not begun: joins that count, and that too few reach."""
    members = (turn.graph.tasks[index] for index in task.members)
    return [member.name for member in members if is_pending(turn.state, member)]


def _bits(task: Task) -> TaskSet:
    return sum(1 << member for member in task.members)


def _round_over(turn: Turn, task: Task, visit: Visit) -> None:
    attempt = _attempt(task, visit)
    failed = [turn.graph.tasks[member].name for member in task.members if turn.state.now_unhandled >> member & 1]
    stuck = _stuck(turn, task)
    waiting = {member: sources for member in task.members if (sources := turn.state.fired.pop(member, None))}
    if stuck or failed:
        ending.put_aside(turn.state, waiting)
    if stuck and not failed:
        message = f"task '{stuck[0]}' waits for sources that can no longer fire"
        error = task_error("unreachable_join", message, details={"task": stuck[0]})
        attempts.ended(turn, task, attempt, TaskStatus.FAILED, error, decided=True)
    elif failed:
        message = f"{len(failed)} of the {len(task.members)} tasks of '{task.name}' failed: {', '.join(failed)}"
        error = task_error("members_failed", message, details={"failed": failed})
        attempts.ended(turn, task, attempt, TaskStatus.FAILED, error, decided=True)
    elif task.loop is None:
        cut_short = turn.state.stopping and any(member in turn.state.dropped for member in task.members)
        status = TaskStatus.CANCELLED if cut_short else TaskStatus.COMPLETED
        attempts.ended(turn, task, attempt, status, None)
    else:
        _go_on(turn, task, attempt)


def _go_on(turn: Turn, task: Task, attempt: AttemptId) -> None:
    visit = turn.state.own(task.index, attempt.visit)
    try:
        if visit is not None:
            _next_round(turn, task, visit, first=False)
    except TemplateError as error:
        attempts.ended(turn, task, attempt, TaskStatus.FAILED, template_failure(error), decided=True)


def _attempt(task: Task, visit: Visit) -> AttemptId:
    return AttemptId(task.name, visit.number, None, visit.single.number if visit.single else 1)


def _next_round(turn: Turn, task: Task, visit: Visit, *, first: bool) -> None:
    if task.loop is not None and not _wanted(turn, task, first=first):
        attempts.ended(turn, task, _attempt(task, visit), TaskStatus.COMPLETED, None)
    elif turn.state.stopping:
        attempts.ended(turn, task, _attempt(task, visit), TaskStatus.CANCELLED, None)
    elif task.loop is not None and visit.round >= task.loop.max_iterations:
        message = f"loop '{task.name}' was to begin round {visit.round + 1}; max_iterations is {visit.round}"
        error = task_error("max_iterations", message, retryable=False)
        attempts.ended(turn, task, _attempt(task, visit), TaskStatus.FAILED, error, decided=True)
    else:
        _begin_round(turn, task, visit)


def _wanted(turn: Turn, task: Task, *, first: bool) -> bool:
    """Whether the loop's condition asks for a round (``until`` is not looked at before the first)."""
    if task.loop is None or (first and task.loop.after):
        return True
    own = Own(task.index, TaskStatus.PENDING)
    return turn.context.holds(task.loop.condition, own=own) is not task.loop.negated


def _begin_round(turn: Turn, task: Task, visit: Visit) -> None:
    state, members = turn.state, _bits(task)
    state.now_unhandled &= ~members
    state.held &= ~members
    for member in task.members:
        state.join_runs.pop(member, None)
    _forget(turn, task)
    visit.round += 1
    for index in task.starts:
        state.fired[index] = {task.index: 1}


def _forget(turn: Turn, task: Task) -> None:
    """What an earlier round left behind is no longer what a retry goes on with."""
    state = turn.state
    if state.resumable or state.dropped:
        inside = set(inside_of(turn.graph, task))
        state.resumable = {key: number for key, number in state.resumable.items() if key[0] not in inside}
        state.dropped = {index: sources for index, sources in state.dropped.items() if index not in inside}


def abandon(turn: Turn, task: Task, reason: str) -> None:
    """The group's time is up: its members are no longer waited for."""
    inside = set(inside_of(turn.graph, task))
    waiting = {index: sources for index in inside if (sources := turn.state.fired.pop(index, None))}
    ending.put_aside(turn.state, waiting)
    turn.ready = type(turn.ready)(a for a in turn.ready if turn.graph.by_name[a.task].index not in inside)
    keys = [key for key in turn.state.active if key[0] in inside]
    ending.interrupt(turn, [visit for key in keys if (visit := turn.state.close(*key))], reason)


def inside_of(graph: Graph, task: Task) -> Iterator[TaskIndex]:
    """The members of a group, of the groups in it, and so on."""
    for member in task.members:
        yield member
        yield from inside_of(graph, graph.tasks[member])
