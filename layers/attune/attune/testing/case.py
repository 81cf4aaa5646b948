"""One case in a small world of its own, and what became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any

from attune.actions.runner import ActionRunner
from attune.adapters.memory.clock import VirtualClock
from attune.engine.facts import VarsFact
from attune.engine.ids import AttemptId
from attune.engine.messages import Message
from attune.engine.state import State
from attune.engine.turn import Step
from attune.exceptions import Conflict, InvalidParameters, InvalidRequest
from attune.execution.ports.queues import TaskMessage
from attune.language.files.suite_file import Case
from attune.model.graph import Graph
from attune.model.secrets import public
from attune.model.status import TaskStatus
from attune.simulator import Simulator
from attune.testing import timeline
from attune.testing.mocks import MockRunner
from attune.testing.workspace import Workspace

Taken = Counter[tuple[str, int, int]]
"""How often each transition fired, by the workflow's ref, the task's number and the transition's."""


@dataclass(frozen=True, slots=True)
class Try:
    """An attempt: which, and what it was given (None where nobody has written it down)."""

    task: str
    input: Any


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a case's execution.

    ``tasks`` are those that ran, in the order in which they began, once per visit; ``elapsed`` is in seconds of
    virtual time; ``problems`` say why the case itself is at fault; ``taken`` counts sub-workflows, too.
    """

    status: str
    _: KW_ONLY
    output: Any = None
    error: Mapping[str, Any] | None = None
    tasks: Sequence[str] = ()
    tries: Sequence[Try] = ()
    vars: Mapping[str, Any] = field(default_factory=dict)
    elapsed: float = 0.0
    problems: Sequence[str] = ()
    taken: Taken = field(default_factory=Counter)


def run(case: Case, workspace: Workspace) -> Outcome:
    """Run a case until nothing is left to happen.

    Raises:
        NotFound: there is no such workflow or action.
        InvalidDefinition: the workflow is wrong.

    """
    return _World(case, workspace).run()


class _World:
    def __init__(self, case: Case, workspace: Workspace) -> None:
        self.case, self.graph = case, workspace.subject(case)
        clock = VirtualClock()
        real = [case.action] if case.action and case.real is False else case.real
        runner = ActionRunner(workspace.home)
        self.runner = MockRunner(clock, self.graph.ref, mocks=case.mocks, real=real, real_runner=runner)
        catalog = workspace.catalog(self.graph, case.mocks)
        self.simulator = Simulator(
            catalog, self.runner, clock=clock, observer=self._watch, values=case.kv, secrets=case.secrets
        )
        self.simulator.cloud.on_tasks = self._one_by_one(self.simulator.cloud.on_tasks)
        self.steps: list[Step] = []
        self.taken: Taken = Counter()
        self.execution = ""

    def run(self) -> Outcome:
        try:
            self.execution = self.simulator.start(self.graph.ref, self.case.parameters, identity="test")
        except (InvalidParameters, Conflict) as error:
            return Outcome("rejected", error={"type": error.code, "message": error.message, "details": error.details})
        self._play()
        return self._outcome()

    def _play(self) -> None:
        begun = self.simulator.clock.now()
        for number, moment in enumerate(self.case.timeline):
            self.simulator.run(until=begun + moment.at)
            self.simulator.clock.set(begun + moment.at)
            try:
                timeline.do(self.simulator, self.execution, moment, number)
            except InvalidRequest as error:
                self.runner.problems.append(f"timeline, at {moment.at:g} s: {error.message}")
        self.simulator.run()

    def _one_by_one(self, work: Any) -> Any:
        """A batch's attempts run side by side, so each is reported when it ends, not when the slowest does."""

        def each(batch: list[TaskMessage]) -> list[int]:
            begun, again = self.simulator.clock.now(), []
            for position, message in enumerate(batch):
                self.simulator.clock.set(begun)
                again += [position] if work([message]) else []
            return again

        return each

    def _watch(self, state: State, _messages: Sequence[Message], steps: Sequence[Step]) -> None:
        for step in steps:
            graph = self.simulator.catalog.workflow(state.workflow).graph
            transitions = graph.tasks[step.task].transitions
            self.taken.update((graph.ref, step.task, transitions.index(fired)) for fired in step.fired)
        if state.execution == self.execution:
            self.steps += steps

    def _outcome(self) -> Outcome:
        state, store = self.simulator.state(self.execution), self.simulator.store
        number = state.vars_number
        problems = self.runner.problems + self._stranded()
        return Outcome(
            status=str(state.status),
            output=self.simulator.output(self.execution),
            error=state.error,
            tasks=_ran(self.graph, self.steps),
            tries=self._tries(),
            vars=store.facts(self.execution, [VarsFact(number)])[VarsFact(number)] or {} if number else {},
            elapsed=(state.ended_at or self.simulator.clock.now()) - state.created_at,
            problems=tuple(dict.fromkeys(problems)),
            taken=self.taken,
        )

    def _tries(self) -> list[Try]:
        """Every attempt that left a record, task by task, in the order of visits, items and attempts."""
        rows = sorted(self.simulator.store.records(self.execution), key=lambda row: _order(row[0]))
        return [Try(attempt.task, self._input(record)) for attempt, record in rows]

    def _input(self, record: Mapping[str, Any]) -> Any:
        child = self.simulator.store.load_start(record["child"]) if record.get("child") else None
        return public(child.parameters) if child else record.get("input")

    def _stranded(self) -> list[str]:
        """Messages that could not be worked off, five times: nothing that a workflow should be able to cause."""
        return [f"a message could not be handled: {dead.body}" for dead in self.simulator.cloud.dead]


def _order(attempt: AttemptId) -> tuple[str, int, int, int]:
    return attempt.task, attempt.visit, -1 if attempt.index is None else attempt.index, attempt.number


def _ran(graph: Graph, steps: Sequence[Step]) -> list[str]:
    skipped = {(step.task, step.visit) for step in steps if step.status is TaskStatus.SKIPPED}
    begun = (step for step in steps if step.status is None and (step.task, step.visit) not in skipped)
    return [graph.tasks[step.task].name for step in begun]
