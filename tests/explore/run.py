"""One run of a workflow with faults, and what is wrong with how it went."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from attune.actions.attempt import Attempt
from attune.adapters.memory.disorder import Disorder
from attune.adapters.memory.execution_store import StateOf
from attune.adapters.memory.faults import Call, FaultKind, Faults
from attune.adapters.memory.inspector import MemoryInspector
from attune.engine.ids import AttemptId
from attune.engine.state import State
from attune.execution.diagnosis import UNCLAIMED
from attune.execution.examiner import Examiner
from attune.execution.sweeper import Sweeper
from attune.execution.waits import LookBack
from attune.handlers.timer_handler import TimerHandler
from tests.conftest import ScriptedRunner, World
from tests.explore.bus import Bus
from tests.explore.operator import Operator
from tests.explore.workflows import WORKFLOWS
from tests.explore.workflows.scenario import Deed, Scenario

Plan = Mapping[int, FaultKind]
MOST_STEPS = 20_000
"""No run needs more deliveries than this."""
CONTAINERS = 3
"""Warm processes of ``advance``."""
PERIOD = 300.0
"""Seconds between two sweeps (the template's default), which there are where something is dropped: nothing else must
need them."""
LAZINESS, STAYS = 0.01, 30_000.0
"""How much longer a client waits from one look to the next; seconds after the end of an execution until it goes."""
PATIENCE = 864_000.0
"""Seconds after which a client that waits for something comes back only when an operator has been there."""
BOUND = UNCLAIMED + 2 * PERIOD
"""Seconds within which what one loss has stopped moves again, as docs/explanation/liveness.md promises."""


class WatchingRunner(ScriptedRunner):
    """Notes what runs although its result is recorded already."""

    world: FaultyWorld

    def _outcome(self, attempt: Attempt) -> Any:
        name = AttemptId(attempt.task, attempt.visit, attempt.index, attempt.number)
        if any(found == name and "status" in row for found, row in self.world.store.records(attempt.execution_id)):
            self.world.problems.append(f"{name} ran after its result was recorded")
        return super()._outcome(attempt)


class FaultyWorld(World):
    """A world in which a plan of faults comes true."""

    runner: WatchingRunner
    timer_handler: TimerHandler

    def __init__(self, scenario: Scenario, plan: Plan, seed: int) -> None:
        self.problems: list[str] = []
        self.sizes: Counter[str] = Counter()
        self.faults = Faults(plan)
        super().__init__(
            *scenario.texts,
            script={task: made() if isinstance(made, type) else made for task, made in scenario.script.items()},
            takes=scenario.takes,
            values=scenario.values,
            secrets=scenario.secrets,
            runner=WatchingRunner,
            order=Disorder(seed) if seed else None,
            faults=self.faults,
            containers=CONTAINERS,
            chunk_size=scenario.chunk_size,
        )
        self.scenario, self.runner.world, self.execution = scenario, self, ""
        self.done: list[Deed] = []
        self.asleep: list[Deed] = []
        if scenario.sensors or scenario.rules:
            self.timer_handler = Bus(self, scenario).timer_handler
        save = self.store.save
        self.store.save = lambda state, expected: self._measured(save, state, expected)  # type: ignore[method-assign]

    def _measured(self, save: Any, state: State, expected: int) -> bool:
        saved: bool = save(state, expected)
        self.sizes[state.execution] = max(
            self.sizes[state.execution], len(self.store.items[state.execution, StateOf()])
        )
        return saved

    def play(self) -> None:
        """Let a client start it and see to its deeds, to the end."""
        if FaultKind.DROPPED in self.faults.plan.values():
            inspector = MemoryInspector(self.store, self.catalog)
            look_back = LookBack(self.store, self.known_events)
            examiner = Examiner(
                inspector=inspector, store=self.store, catalog=self.catalog, look_back=look_back, backlog=lambda: 0
            )
            self._sweep_later(
                Sweeper(inspector=inspector, examiner=examiner, mailbox=self.cloud, clock=self.clock, waiting=lambda: 0)
            )
        operator = Operator(self)
        self.cloud.request(self._begin)
        for _ in range(MOST_STEPS):
            if not self.cloud.step() and not self._looked_after(operator):
                return
        self.problems.append("it never comes to rest")

    def _looked_after(self, operator: Operator) -> bool:
        redriven, asleep = operator.redrive(), self.asleep
        if redriven:
            self.asleep = []
            for deed in asleep:
                self._watch_for(deed)
        return redriven

    def _sweep_later(self, sweeper: Sweeper) -> None:
        """As the schedule does, until there is nothing left to look at."""

        def sweep() -> None:
            sweeper.sweep()
            if not self._is_over() or not all(map(_over, self.store.states().values())):
                self._sweep_later(sweeper)

        self.cloud.at(self.clock.now() + PERIOD, sweep)

    def _begin(self) -> None:
        execution = self.start("t.w", self.scenario.parameters, key="once")
        if not self.execution:
            self.execution = execution
            for deed in self.scenario.deeds:
                self._watch_for(deed)

    def _watch_for(self, deed: Deed, since: float | None = None) -> None:
        """Look every second, as a client would, and less often when it takes long."""
        now, found = self.clock.now(), deed.when(self, self.execution)
        begun = now if since is None else since
        if found:
            self.cloud.request(lambda: self._do(deed, found))
        elif now - begun > PATIENCE:
            self.asleep.append(deed)
        elif not self._is_over():
            self.cloud.at(now + max((now - begun) * LAZINESS, 1.0), lambda: self._watch_for(deed, begun))

    def _do(self, deed: Deed, found: Any) -> None:
        deed.do(self, self.execution, found)
        self.done = [*(one for one in self.done if one is not deed), deed]

    def _is_over(self) -> bool:
        """It has ended, and nobody is still to come and have it go on."""
        state = self.store.load(self.execution)
        if state is None or state.ended_at is None:
            return False
        return len(self.done) == len(self.scenario.deeds) or self.clock.now() - state.ended_at > STAYS

    def outcome(self) -> Outcome:
        """How everything ended."""
        states = self.store.states()
        root = states.get(self.execution)
        if root is None:
            return Outcome("missing", None, "", (), 0.0)
        error: Mapping[str, str] = root.error or {"type": "", "message": ""}
        output, details = self.output(self.execution), self._details(states)
        took = (root.ended_at or self.clock.now()) - root.created_at
        return Outcome(str(root.status), output, error["type"], details, took, error["message"])

    def _details(self, states: Mapping[str, State | None]) -> tuple[str, ...]:
        rows = []
        for execution, state in states.items():
            if state is None:
                rows.append("an execution without a state")
                continue
            place = f"{state.workflow} of {state.parent.attempt if state.parent else '-'}"
            rows.append(f"{place}: {state.status} {''.join(state.codes)} {state.item_counts} {state.visits}")
            if not self.scenario.loose:
                rows += [f"{place}: {a} {row.get('status')}" for a, row in self.store.records(execution)]
        return tuple(sorted(rows))


@dataclass(frozen=True)
class Outcome:
    """What must be the same whatever goes wrong."""

    status: str
    output: Any
    error: str
    details: tuple[str, ...] = field(repr=False)
    took: float = field(repr=False, compare=False)
    """Seconds."""
    message: str = field(default="", compare=False)
    """Of the error."""


def play(name: str, plan: Plan, seed: int = 0) -> tuple[Outcome, list[str], list[Call]]:
    """Run a workflow; returns how it ended, what is wrong by itself, and the calls."""
    world = FaultyWorld(WORKFLOWS[name], plan, seed)
    world.play()
    return world.outcome(), [*world.problems, *_wrong(world)], world.faults.calls


@cache
def expected(name: str) -> tuple[Outcome, list[str], list[Call]]:
    """The run without faults."""
    return play(name, {})


def calls(name: str, seed: int = 0) -> list[Call]:
    """The calls of a run without faults."""
    return expected(name)[2] if seed == 0 else play(name, {}, seed)[2]


def explore(name: str, plan: Plan, seed: int = 0) -> list[str]:
    """Run a workflow with faults; returns what is wrong with how it went."""
    scenario, (right, _, _) = WORKFLOWS[name], expected(name)
    ended, wrong, _ = play(name, plan, seed)
    if ended.status != scenario.status:
        wrong.append(f"it is {ended.status} instead of {scenario.status}")
    if any(kind not in _HARMLESS for kind in plan.values()) and scenario.also(ended.output):
        return wrong
    if (ended.status, ended.output, ended.error) != (right.status, right.output, right.error):
        wrong.append(f"{ended} instead of {right}")
    if list(plan.values()) == [FaultKind.DROPPED] and not seed and ended.took > right.took + BOUND:
        wrong.append(f"it took {ended.took:.0f} seconds, and {right.took:.0f} without the loss")
    if not scenario.loose:
        given, wanted = Counter(ended.details), Counter(right.details)
        wrong += [f"too much: {row}" for row in given - wanted] + [f"missing: {row}" for row in wanted - given]
    return wrong


_HARMLESS = frozenset({FaultKind.LOST_REPLY, FaultKind.DUPLICATE})
"""Faults of which no worker dies."""


def _wrong(world: FaultyWorld) -> list[str]:
    """What must not be, whatever went wrong."""
    states = world.store.states()
    wrong = [f"{e} stands still as {s.status if s else 'requested'}" for e, s in states.items() if not _over(s)]
    wrong += [f"left over: {thing}" for thing in world.cloud.left_over()]
    few = len(world.faults.plan)
    wrong += [f"{few} faults killed {dead.body}" for dead in world.cloud.dead if dead.terms.receives > few]
    wrong += [f"still awaited: {attempt} of {e}" for e, attempt, _ in world.store.waits()]
    wrong += [f"the state of {e} has {size} bytes" for e, size in world.sizes.items() if size > world.scenario.bound]
    wrong += [f"a secret lies in {key}" for key, text in world.store.items.items() if _is_told(world.scenario, text)]
    announced = {state.execution for _, state, said in world.cloud.events if said.status.ended}
    wrong += [f"the end of {e} was not announced" for e in world.store.executions() if e not in announced]
    runs = Counter(_run_name(attempt) for attempt in world.runner.ran if not attempt.action.idempotent)
    return wrong + [f"{name} must not be repeated, and ran {count} times" for name, count in runs.items() if count > 1]


def _over(state: State | None) -> bool:
    return state is not None and state.status.ended


def _is_told(scenario: Scenario, text: str) -> bool:
    return any(secret in text for secret in scenario.hidden)


def _run_name(attempt: Attempt) -> str:
    return f"{attempt.execution_id}/{attempt.task}#{attempt.visit}#{attempt.index}"
