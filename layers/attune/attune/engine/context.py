"""The scopes a template sees at one moment of one execution."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from attune.engine.facts import (
    KEY_NAMES,
    START,
    Fact,
    Facts,
    KeyValueFact,
    RecordFact,
    RecordsFact,
    RetryFact,
    StartFact,
    VarsFact,
    VerdictFact,
)
from attune.engine.ids import AttemptId, home_of
from attune.engine.state import State
from attune.expressions import templates
from attune.expressions.key_values import KeyValues
from attune.model.graph import Graph, Task
from attune.model.secrets import public
from attune.model.status import TaskStatus
from attune.model.timestamps import iso


@dataclass(frozen=True, slots=True)
class Own:
    """How the task whose template is rendered ended just now; shown as ``task.<its name>``."""

    task: int
    status: TaskStatus
    error: Mapping[str, Any] | None = None
    attempt: AttemptId | None = None


class _Lazy(Mapping[str, Any]):
    """A mapping whose values are made when they are asked for."""

    def __init__(self, makers: Mapping[str, Callable[[], Any]]) -> None:
        self._makers = makers

    def __getitem__(self, name: str) -> Any:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class _Tasks(Mapping[str, Any]):
    """``task``: found by name, so that a template costs the same in a graph of any size."""

    def __init__(self, context: Context, own: Own | None) -> None:
        self._context, self._own = context, own

    def __getitem__(self, name: str) -> Any:
        task = self._context.graph.by_name[name]
        if not self._context.shows(task.index, self._own):
            raise KeyError(name)
        return self._context.view(task, self._own)

    def __iter__(self) -> Iterator[str]:
        return (t.name for t in self._context.graph.tasks if self._context.shows(t.index, self._own))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Context:
    """Renders templates for ``state`` with ``facts`` at ``now``; raises MissingFacts and TemplateError."""

    def __init__(self, graph: Graph, state: State, facts: Facts, now: float) -> None:
        self.graph, self.state, self.facts, self.now = graph, state, facts, now

    def render(self, value: Any, *, own: Own | None = None, forgiving: bool = False, **extra: Any) -> Any:
        """The value with every template in it rendered."""
        self._prefetch(value, own)
        return templates.render(value, self._scope(own, extra), forgiving=forgiving)

    def holds(self, condition: Any, *, own: Own | None = None, **extra: Any) -> bool:
        """The truth of a condition."""
        self._prefetch(condition, own)
        return templates.holds(condition, self._scope(own, extra))

    def scope(self, value: Any, *, own: Own | None = None, **extra: Any) -> Mapping[str, Any]:
        """What the templates in ``value`` may name; what they do name is at hand, or asked for by MissingFacts."""
        self._prefetch(value, own)
        return self._scope(own, extra)

    def parameters(self) -> Mapping[str, Any]:
        """What it was started with, but for secrets."""
        values: Mapping[str, Any] = self.facts.get(parameters_fact(self.state))["parameters"]
        return public(values) if self.graph.secrets else values

    def vars(self) -> Mapping[str, Any]:
        """The variables as they are now."""
        number = self.state.vars_number
        return self.facts.get(VarsFact(number)) if number else {}

    def _scope(self, own: Own | None, extra: Mapping[str, Any]) -> Mapping[str, Any]:
        makers: dict[str, Callable[[], Any]] = {
            "parameters": self.parameters,
            "vars": self.vars,
            "kv": lambda: KeyValues(lambda key: self.facts.get(KeyValueFact(key)), lambda: self.facts.get(KEY_NAMES)),
            "task": lambda: _Tasks(self, own),
            "pack": lambda: {"config": self.graph.pack_config},
            "system": lambda: _Lazy(self._system(own)),
        }
        if own is not None:
            makers["result"] = lambda: self._result(own.task, own)
            makers["error"] = lambda: own.error
            makers |= _outcome_functions(own.status)
        makers |= {name: _constant(value) for name, value in extra.items()}
        return _Lazy(self.graph.names.renamed(makers))

    def _system(self, own: Own | None) -> dict[str, Callable[[], Any]]:
        state = self.state
        makers: dict[str, Callable[[], Any]] = {
            "execution_id": lambda: home_of(state.execution),
            "workflow": lambda: state.workflow,
            "workflow_version": lambda: state.workflow_version,
            "timestamp": lambda: iso(self.now),
            "created_at": lambda: iso(state.created_at),
            "identity": lambda: {"login": self.facts.get(START)["identity"]},
            "trigger": lambda: self.facts.get(START)["trigger"],
        }
        if own is not None:
            makers["task"] = lambda: self.graph.tasks[own.task].name
            makers["attempt"] = lambda: own.attempt.number if own.attempt else 1
        return makers

    def shows(self, index: int, own: Own | None) -> bool:
        """Whether ``task.<name>`` is there: it has ended a visit, or it is the one whose template this is."""
        mine = own is not None and own.task == index and own.status is not TaskStatus.PENDING
        return mine or self._has_ended(index)

    def _has_ended(self, index: int) -> bool:
        return self.state.latest(index) is not TaskStatus.PENDING

    def view(self, task: Task, own: Own | None) -> Mapping[str, Any]:
        """What stands under ``task.<name>``."""
        own = own if own is not None and own.task == task.index and own.status is not TaskStatus.PENDING else None
        status = own.status if own else self.state.latest(task.index)
        makers: dict[str, Callable[[], Any]] = {
            "status": lambda: str(status),
            "result": lambda: self._result(task.index, own),
            "error": lambda: own.error if own else self._error(task.index, status),
            "visit": lambda: self.state.visits_of(task.index),
        }
        if task.index in self.state.item_counts:
            total, failed = self.state.item_counts[task.index]
            makers |= {
                "items": lambda: self._records(task.index),
                "total_count": lambda: total,
                "failed_count": lambda: failed,
                "succeeded_count": lambda: total - failed,
            }
        return _Lazy(self.graph.names.renamed(makers, "."))

    def _result(self, index: int, own: Own | None = None) -> Any:
        task = self.graph.tasks[index]
        if task.members:
            return self._group_result(task)
        if index in self.state.item_counts:
            return [record["result"] for record in self._records(index)]
        if not needs_record(task):
            return None
        record = self.facts.get(RecordFact((own and own.attempt) or self.last_attempt(index)))
        return record["result"] if record else None

    def _group_result(self, task: Task) -> dict[str, Any]:
        """A parallel group gives what each member returned, a loop how many rounds it had."""
        if task.loop is not None:
            return {"iterations": self.state.rounds.get(task.index, 0)}
        members = (self.graph.tasks[index] for index in task.members)
        return {
            member.name: self._result(member.index) if self._has_ended(member.index) else None for member in members
        }

    def _records(self, index: int) -> list[dict[str, Any]]:
        rows = self.facts.get(RecordsFact(self.graph.tasks[index].name, self.ended_visit(index)))
        blank = {"status": str(TaskStatus.FAILED), "result": None, "error": None}
        return [row or blank for row in rows]

    def _error(self, index: int, status: TaskStatus) -> Any:
        if not status.failed:
            return None
        if self.state.verdicts >> index & 1:
            return self.facts.get(VerdictFact(self.graph.tasks[index].name, self.ended_visit(index)))
        record = self.facts.get(RecordFact(self.last_attempt(index)))
        return record["error"] if record else None

    def ended_visit(self, index: int) -> int:
        """The number of the latest visit that ended; one that a retry runs again has ended before."""
        number = self.state.visits_of(index)
        while (visit := self.state.active.get((index, number))) is not None and not visit.attempt_base:
            number -= 1
        return number

    def last_attempt(self, index: int) -> AttemptId:
        """The attempt with which the latest ended visit ended."""
        name = self.graph.tasks[index].name
        return AttemptId(name, self.ended_visit(index), None, self.state.last_attempt.get(index, 1))

    def _prefetch(self, value: Any, own: Own | None) -> None:
        self.facts.require(self.wanted(value, own))

    def wanted(self, value: Any, own: Own | None) -> set[Fact]:
        """The facts that its templates name."""
        return {fact for reference in templates.references(value) for fact in self._keys(reference, own)}

    def _keys(self, reference: templates.Reference, own: Own | None) -> Iterator[Fact]:
        ours = self.graph.names.ours(reference)
        root, path = ours.root, ours.path
        if root == "parameters":
            yield parameters_fact(self.state)
        elif root == "system" and path[:1] in (("identity",), ("trigger",)):
            yield START
        elif root == "vars" and self.state.vars_number:
            yield VarsFact(self.state.vars_number)
        elif root == "kv" and path[:1] == ("get",) and len(path) > 1:
            yield KeyValueFact(str(path[1]))
        elif root == "task" and len(path) >= 2 and path[1] in ("result", "items"):
            yield from self._record_keys(str(path[0]), own)

    def _record_keys(self, name: str, own: Own | None) -> Iterator[Fact]:
        task = self.graph.by_name.get(name)
        if task is None or (own and own.task == task.index) or not self._has_ended(task.index):
            return
        if task.index in self.state.item_counts:
            yield RecordsFact(name, self.ended_visit(task.index))
        elif needs_record(task):
            yield RecordFact(self.last_attempt(task.index))


def parameters_fact(state: State) -> StartFact | RetryFact:
    """Where the execution's present parameters are: a retry may have changed them."""
    return RetryFact(state.given) if state.given else START


def needs_record(task: Task) -> bool:
    """False for what the engine does by itself: such a task leaves no record, and its result is null."""
    traits = task.spec.traits if task.spec is not None else None
    return traits is None or traits.leaves_record


def _constant(value: Any) -> Callable[[], Any]:
    return lambda: value


def _outcome_functions(status: TaskStatus) -> dict[str, Callable[[], Any]]:
    truths = {
        "succeeded": status is TaskStatus.COMPLETED,
        "failed": status.failed,
        "timed_out": status is TaskStatus.TIMED_OUT,
        "completed": status is not TaskStatus.SKIPPED,
    }
    return {name: _constant(templates.template_function(_constant(truth))) for name, truth in truths.items()}
