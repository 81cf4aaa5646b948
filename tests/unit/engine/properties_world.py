"""A simulator that runs a plan and looks over the shoulder of every fold."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import reject
from tests.conftest import Failure, World
from tests.unit.engine.properties_moves import Seen, watched_moves
from tests.unit.engine.properties_plans import CHILD, GOOD, Plan, Timing
from tests.unit.engine.properties_reference import ASKED, Shape

from attune.adapters.memory.execution_store import MemoryStore
from attune.engine import chunk_fold, codec, outbox
from attune.engine.advance import TOMBSTONE, Folded, fold, initial_state
from attune.engine.facts import Fact, ItemsFact
from attune.engine.ids import AttemptId
from attune.engine.messages import Answer, Dead, EventArrived, Message, Start, StartChunk
from attune.engine.state import State
from attune.engine.turn import Step
from attune.exceptions import InvalidDefinition, Severity
from attune.execution.ports.queues import Delivery, TaskMessage
from attune.execution.worker import Lease
from attune.model.built_ins import WaitKind
from attune.model.graph import Graph

MOST_STEPS = 20_000
"""No plan needs more deliveries than this."""
_BESIDE = ("execution", "workflow", "workflow_version", "created_at", "status", "version", "absorbed", "updated_at")


class Known(Mapping[Fact, Any]):
    """All the facts that a store has for an execution, read when they are asked for."""

    def __init__(self, store: MemoryStore, execution: str) -> None:
        self._store, self._execution = store, execution

    def __getitem__(self, fact: Fact) -> Any:
        return self._store.facts(self._execution, [fact])[fact]

    def __contains__(self, fact: object) -> bool:
        return True

    def __iter__(self) -> Iterator[Fact]:
        return iter(())

    def __len__(self) -> int:
        return 0


class PlannedWorld(World):
    """Runs one plan in one order of completion; each attempt is an invocation of its own."""

    def __init__(self, plan: Plan, timing: Timing) -> None:
        self.plan, self.timing = plan, timing
        names = [task["name"] for task in plan.every]
        try:
            super().__init__(
                plan.text,
                CHILD,
                script=dict.fromkeys(names, self._answer) | {"inner": self._inner},
                takes=dict.fromkeys(names, lambda a: timing.takes(a.task, a.visit, a.index))
                | {"inner": lambda a: timing.takes(a.input["who"])},
                chunk_size=timing.chunk_size,
            )
        except InvalidDefinition as error:
            _refused(error)
        self.graph = self.catalog.workflow("t.w").graph
        self.trouble: Exception | None = None
        self.moves: Seen = set()
        self._responded = set[AttemptId]()
        self.cloud.on_tasks = self._work_singly
        self.cloud.on_messages = self._guarded(self.cloud.on_messages)

    def finish(self, *control: tuple[float, Message]) -> State:
        """Start, post ``control`` messages after so many seconds, and run to the end."""
        pauses = {task["name"]: self.timing.takes(task["name"]) for task in self.plan.every}
        self.execution = self.start("t.w", {"pauses": pauses})
        for delay, message in control:
            self.cloud.at(self.clock.now() + delay, lambda message=message: self.post(self.execution, message))
        return self.go_on()

    def go_on(self) -> State:
        """Run to the end; every status moves as the tables of ``model/status`` say."""
        with watched_moves() as seen:
            self._step_on()
        self.moves |= seen
        assert not self.cloud.dead
        return self.state(self.execution)

    def _step_on(self) -> None:
        for _ in range(MOST_STEPS):
            if not self.cloud.step():
                return
            self._respond()
            if self.trouble is not None:
                raise self.trouble
        raise AssertionError("the execution does not end")

    def end(self, task: str, visit: int, index: int | None, number: int) -> str:
        """How an attempt is to end."""
        return self.plan.end(task, visit, index, number)

    def attempts(self) -> dict[tuple[str, int, int | None, int], str]:
        """How each attempt that a worker or a child execution had ended."""
        rows = self.store.records(self.execution)
        by_name = {task["name"]: task.get("action") for task in self.plan.every}
        asked = [(a, row) for a, row in rows if by_name[a.task] in ASKED]
        return {(a.task, a.visit, a.index, a.number): row.get("status", "none") for a, row in asked}

    def _respond(self) -> None:
        """Whatever is awaited from outside comes after as long as the task takes, if it comes at all."""
        for execution, attempt, wait in self.store.waits():
            if attempt in self._responded:
                continue
            self._responded.add(attempt)
            end = self.end(attempt.task, attempt.visit, attempt.index, attempt.number)
            if end in GOOD:
                response = {"go": int(end), "visit": attempt.visit}
                message = (Answer if wait["kind"] == WaitKind.INQUIRY else EventArrived)(attempt, response)
                at = self.clock.now() + self.timing.takes(attempt.task, attempt.visit, attempt.index)
                self.cloud.at(at, lambda execution=execution, message=message: self.post(execution, message))

    def _answer(self, attempt: Any) -> Any:
        end = self.end(attempt.task, attempt.visit, attempt.index, attempt.number)
        return _told(end) | {"visit": attempt.visit}

    def _inner(self, attempt: Any) -> Any:
        return _told(self.end(attempt.input["who"], 1, None, attempt.input["number"]))

    def _work_singly(self, batch: list[TaskMessage]) -> list[int]:
        begun, failed = self.clock.now(), []
        for position, message in enumerate(batch):
            self.clock.set(begun)
            self._count += 1
            failed += [position for _ in self.worker.work([message], Lease(f"w{self._count}", 900))]
        return failed

    def _guarded(self, deliver: Callable[..., int]) -> Callable[..., int]:
        """The cloud swallows what a handler raises; here it is kept."""

        def guarded(execution: str, envelopes: Sequence[Delivery]) -> int:
            try:
                return deliver(execution, envelopes)
            except Exception as error:
                self.trouble = self.trouble or error
                raise

        return guarded


def _told(end: str) -> dict[str, Any]:
    if end not in GOOD:
        raise Failure(end, retryable=end != "fatal", timeout=end == "timeout")
    return {"go": int(end)}


def _refused(error: InvalidDefinition) -> None:
    """Chance writes joins that can never fill; the validator may refuse these, and nothing else."""
    codes = {problem.code for problem in error.problems if problem.severity is Severity.ERROR}
    if codes != {"unsatisfiable-join"}:
        raise error
    reject()


@dataclass
class Watch:
    """Checks each fold of a world before it is done, and each state that it leaves."""

    world: PlannedWorld
    live: dict[str, State] = field(default_factory=dict)
    """The states as they would be if they had never been stored."""

    def __post_init__(self) -> None:
        self.shape = Shape(self.world.plan)
        deliver = self.world.advancer.deliver
        self.world.cloud.on_messages = self.world._guarded(lambda e, envelopes: self._delivered(deliver, e, envelopes))

    def _delivered(self, deliver: Callable[..., int], execution: str, envelopes: Sequence[Delivery]) -> int:
        stored = self.world.store.load(execution)
        batch = [envelope.message for envelope in envelopes]
        start = next((message for message in batch if isinstance(message, Start | StartChunk)), None)
        if (stored is None and start is None) or (stored is not None and stored.workflow == TOMBSTONE):
            return deliver(execution, envelopes)
        if isinstance(start, StartChunk) and start.attempt_base:
            done, found = deliver(execution, envelopes), self.world.store.load(execution)
            self.live |= {execution: found} if found else {}
            return done
        live = self.live.get(execution) or stored or self._begun(execution, start)
        graph = self._graph(live)
        folded = self._look(graph, live, stored or live, batch)
        done = deliver(execution, envelopes)
        after = self.world.store.load(execution)
        assert after is not None
        if stored is None or after.version > stored.version:
            self.live[execution] = replace(folded.state, version=after.version, absorbed=after.absorbed)
        assert after == self.live[execution], "the state that was stored is the one that was folded"
        return done

    def _begun(self, execution: str, start: Start | StartChunk | None) -> State:
        if isinstance(start, StartChunk):
            scope = self.world.store.facts(execution, [fact := ItemsFact(start.task, start.visit)])[fact]
            return chunk_fold.initial_state(execution, start, scope, self.world.graph)
        assert start is not None
        return initial_state(start, self._graph(start))

    def _graph(self, state: Any) -> Graph:
        return self.world.catalog.workflow(state.workflow, state.workflow_version).graph

    def _look(self, graph: Graph, live: State, stored: State, batch: list[Message]) -> Folded:
        store, now = self.world.store, self.world.clock.now()
        known, before = Known(store, live.execution), deepcopy(live)
        whole = fold(graph, live, batch, now, known)
        assert live == before, "a fold leaves the state it was given as it was"
        assert len({write.fact for write in whole.writes}) == len(whole.writes), "a fold writes a fact once"
        assert fold(graph, stored, batch, now, known) == replace(
            whole, state=replace(whole.state, version=stored.version, absorbed=stored.absorbed)
        ), "a state that was stored and read folds like one that was not"
        again = codec.decode(
            json.loads(json.dumps(codec.encode(whole.state))), **{key: getattr(whole.state, key) for key in _BESIDE}
        )
        assert again == whole.state, "a state is read as it was written"
        after = self._one_by_one(graph, live, batch)
        assert said(after.state) == said(whole.state), "one by one is the same as all at once"
        spared = Counter(rows(after.effects)) - Counter(rows(whole.effects))
        assert not Counter(rows(whole.effects)) - Counter(rows(after.effects)), "a batch asks for nothing more"
        assert all(row.startswith(("RunTask", "StartChild", "StartChunks")) for row in spared), (
            "but for attempts that are over already"
        )
        self._rebuilt(graph, whole, repaired=any(isinstance(message, Dead) for message in batch))
        return whole

    def _one_by_one(self, graph: Graph, state: State, batch: list[Message]) -> Folded:
        store, now = _twin(self.world.store), self.world.clock.now()
        effects: list[Any] = []
        for message in batch:
            step = fold(graph, state, [message], now, Known(store, state.execution))
            store.write(state.execution, step.writes)
            if not isinstance(message, Dead) and not (isinstance(message, StartChunk) and message.resend_id):
                self._twice(graph, step, message, Known(store, state.execution))
            state = step.state
            effects += step.effects
            if graph.ref == "t.w" and not state.retried and state.chunk is None:
                check_order(self.shape, graph, state)
        return Folded(state, (), tuple(effects))

    def _rebuilt(self, graph: Graph, whole: Folded, *, repaired: bool) -> None:
        store = _twin(self.world.store)
        store.write(whole.state.execution, whole.writes)
        rebuilt = outbox.rebuild(graph, whole.state, Known(store, whole.state.execution))
        given, asked = rows(rebuilt), rows(whole.effects)
        if repaired:
            # A repair asks again under a new resend id; the outbox then gives it to what came before in the batch, too.
            given, asked = sorted(set(map(_plain, given))), sorted(set(map(_plain, asked)))
        assert given == asked, "the outbox gives the effects that were asked for"

    def _twice(self, graph: Graph, step: Folded, message: Message, known: Known) -> None:
        again = fold(graph, step.state, [message], step.state.updated_at, known)
        assert (again.effects, again.writes) == ((), ()), "what was folded asks for nothing when it comes again"
        assert said(again.state) == said(step.state), "what was folded changes nothing when it comes again"


def check_order(shape: Shape, graph: Graph, state: State) -> None:
    """No task runs before what must precede it, as far as one state can tell."""
    if state.stopping or state.status.ended:
        return
    for (index, _), visit in state.active.items():
        window = graph.tasks[index].concurrency
        assert visit.items is None or window is None or len(visit.items.active) <= window, "more items than may be"
    names = [task.name for task in graph.tasks]
    inside = {task.name for task in graph.tasks if task.group is not None}
    running = [names[index] for index, _ in state.active]
    begun = {name: state.visits_of(index) for index, name in enumerate(names)}
    ended = {name: count - running.count(name) for name, count in begun.items()}
    for name in names:
        if name in inside:
            continue
        kind, sources = shape.kind(name), shape.sources(name)
        entered = 0 if sources - {name} else 1
        if isinstance(kind, int):
            assert begun[name] <= sorted((ended[s] for s in sources), reverse=True)[kind - 1], (
                f"{name} before its sources"
            )
        else:
            assert begun[name] <= entered + sum(ended[s] for s in sources), f"{name} runs more often than it was fired"
        if kind == "round" and name in running:
            busy = [other for other in running if other != name and _holds_up(shape, other, name)]
            assert not busy, f"{name} runs while {busy} can still reach it"
            assert running.count(name) == 1, f"{name} runs twice at a time"
    if not state.paused:
        _nothing_waits_without_a_reason(shape, names, running, state, inside)


def _nothing_waits_without_a_reason(
    shape: Shape, names: list[str], running: list[str], state: State, inside: set[str]
) -> None:
    arrived = {}
    for index, sources in state.fired.items():
        if names[index] in inside:
            continue
        used = state.join_runs.get(index, 0) if isinstance(shape.kind(names[index]), int) else 0
        if any(count > used for count in sources.values()):
            arrived[names[index]] = {names[source] for source in sources}
    for name in arrived:
        kind = shape.kind(name)
        if name in running and "tasks" in shape.tasks[name]:
            continue  # a group's visits run one after the other
        assert kind not in ("single", "each"), f"{name} was fired and does not run"
        assert kind != "round" or shape.waits_for(name, arrived, running), f"{name} waits for nothing"


def _holds_up(shape: Shape, other: str, name: str) -> bool:
    return shape.reaches(other, name) or other in shape.body(name)


def said(state: State) -> dict[str, Any]:
    """All that a state says but the outbox of its last fold."""
    return {**codec.encode(state), "o": None, "status": str(state.status)}


def rows(effects: Any) -> list[str]:
    """Effects in an order that does not matter."""
    return sorted(map(repr, effects))


def _plain(row: str) -> str:
    return re.sub("resend_id='[^']*'", "", row)


def _twin(store: MemoryStore) -> MemoryStore:
    twin = MemoryStore()
    twin.items = dict(store.items)
    return twin


class Story:
    """How every visit ended, and the tasks of which two visits were under way at the same time."""

    def __init__(self, world: PlannedWorld) -> None:
        self.ends: dict[tuple[str, int], str] = {}
        self.overlapping: set[str] = set()
        self._names = [task.name for task in world.graph.tasks]
        world.advancer._observer = self._see

    def _see(self, state: State, messages: Sequence[Message], steps: Sequence[Step]) -> None:
        del messages
        if state.workflow != "t.w":
            return
        for step in steps:
            if step.status is not None:
                self.ends[self._names[step.task], step.visit] = str(step.status)
        counts = Counter(index for index, _ in state.active)
        self.overlapping |= {self._names[index] for index, count in counts.items() if count > 1}
