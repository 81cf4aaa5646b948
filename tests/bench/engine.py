"""How fast the pure engine is: ``python -m tests.bench.engine`` (or ``make bench-engine``).

No store, no queue, no clock: one message is folded at a time, and what a fold asks to be run has ended in one of the
next messages, in an order shuffled by a fixed seed. A *transition* is one visit of a task, or one item, that has
ended. Each shape is run at a tenth of its size and at its full size; the last column says how much longer a
transition takes at the full size, and the command fails if that is more than GROWTH_LIMIT.
"""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from time import perf_counter
from typing import Any

import yaml

from attune.engine import chunk_fold
from attune.engine.advance import advance, initial_state
from attune.engine.effects import RunTask, StartChunks, TellHome, Write, WriteItems, WriteScope, WriteVars
from attune.engine.facts import START, Fact, scope_fact
from attune.engine.ids import chunk_id, home_of
from attune.engine.messages import Message, Start, StartChunk, TaskEnded
from attune.engine.state import State
from attune.language.compiler import compile_workflow
from attune.language.source import load
from attune.model.action import ActionSpec, Runner
from attune.model.graph import Graph
from attune.model.status import ExecutionStatus, TaskStatus

NAME = "bench"
SEED = 7
GROWTH_LIMIT = 2.0
"""A transition may take this many times longer in a graph ten times as large: caches, not algorithms."""
WORK = ActionSpec(ref="bench.work", pack="bench", runner=Runner.PYTHON, entry_point="work.py:run")

Tasks = list[dict[str, Any]]


def shuffled() -> random.Random:
    """The dice of a run, the same each time."""
    return random.Random(SEED)


def chain(size: int) -> Tasks:
    """One task after the other."""
    return [_task(number, [number + 1] if number + 1 < size else []) for number in range(size)]


def fan_out(size: int) -> Tasks:
    """One task, then ``size`` at once, then one that joins them."""
    between = range(1, size + 1)
    return [_task(0, between), *(_task(number, [size + 1]) for number in between), _task(size + 1)]


def random_dag(size: int) -> Tasks:
    """Every task but the first has one to three sources among the twenty before it."""
    dice = shuffled()
    leads: list[list[int]] = [[] for _ in range(size)]
    for number in range(1, size):
        for source in {dice.randrange(max(0, number - 20), number) for _ in range(dice.randint(1, 3))}:
            leads[source].append(number)
    return [_task(number, targets) for number, targets in enumerate(leads)]


def items(size: int) -> Tasks:
    """One ``with_items`` over ``size`` items, fifty at a time."""
    return [_task(0) | {"with_items": "{{ parameters.list }}", "concurrency": 50}]


def unbounded(size: int) -> Tasks:
    """The same, all at once."""
    return [{name: value for name, value in items(size)[0].items() if name != "concurrency"}]


def _task(number: int, targets: Any = ()) -> dict[str, Any]:
    task: dict[str, Any] = {"name": f"t{number}", "action": WORK.ref}
    return task | {"on_success": [f"t{target}" for target in targets]} if targets else task


@dataclass(frozen=True, slots=True)
class Shape:
    """What to measure; ``transitions`` of the full size."""

    name: str
    tasks: Callable[[int], Tasks]
    size: int


SHAPES = (
    Shape("chain", chain, 1_000),
    Shape("fan-out", fan_out, 990),
    Shape("random DAG", random_dag, 1_000),
    Shape("with_items", items, 10_000),
    Shape("unbounded", unbounded, 10_000),
)


@dataclass(slots=True)
class Run:
    """An execution in memory: its state and those of its chunks, what is known, which attempts are under way where."""

    graph: Graph
    states: dict[str, State]
    known: dict[Fact, Any]
    waiting: list[tuple[str, RunTask]] = field(default_factory=list)
    ended: int = 0

    @property
    def state(self) -> State:
        """The execution's own."""
        return self.states[NAME]

    def fold(self, mailbox: str, message: Message) -> None:
        """Advance by one message."""
        if isinstance(message, StartChunk):
            scope = self.known[scope_fact(message.task, message.visit, message.attempt_base)]
            self.states[mailbox] = chunk_fold.initial_state(mailbox, message, scope, self.graph)
        folded = advance(self.graph, self.states[mailbox], message, 1.0, self.known)
        self.states[mailbox] = folded.state
        self.known.update(_facts(folded.writes))
        for effect in folded.effects:
            if isinstance(effect, RunTask):
                self.waiting.append((mailbox, effect))
            elif isinstance(effect, StartChunks):
                for start in effect.starts:
                    self.fold(chunk_id(mailbox, start.task, start.visit, start.number), start)
            elif isinstance(effect, TellHome):
                self.fold(home_of(mailbox), effect.message)

    def finish(self, dice: random.Random) -> None:
        """Let attempts end, one at a time, until nothing is under way."""
        while self.waiting:
            position = dice.randrange(len(self.waiting))
            self.waiting[position], self.waiting[-1] = self.waiting[-1], self.waiting[position]
            mailbox, ended = self.waiting.pop()
            self.ended += 1
            self.fold(mailbox, TaskEnded(ended.attempt, TaskStatus.COMPLETED))


def _facts(writes: tuple[Write, ...]) -> Iterator[tuple[Fact, Any]]:
    for write in writes:
        if isinstance(write, WriteVars | WriteItems):
            yield write.fact, write.values
        elif isinstance(write, WriteScope):
            yield write.fact, write.scope


def prepare(tasks: Tasks, size: int) -> tuple[Run, Start]:
    """A compiled workflow of this shape, and the message that starts it."""
    parameters = {"list": {"type": "array", "default": []}}
    text = yaml.safe_dump({"ref": "bench.shape", "label": "Shape", "parameters": parameters, "tasks": tasks})
    graph = compile_workflow(load(text, "shape.yaml"), pack="bench", actions={WORK.ref: WORK}).graph
    start = Start(
        execution=NAME, workflow=graph.ref, workflow_version=1, parameters={"list": list(range(size))}, created_at=1.0
    )
    return Run(graph, {NAME: initial_state(start, graph)}, {START: asdict(start)}), start


def measure(shape: Shape, size: int) -> tuple[int, float]:
    """``(transitions, seconds)`` of one run."""
    run, start = prepare(shape.tasks(size), size)
    gc.collect()
    begun = perf_counter()
    run.fold(NAME, start)
    run.finish(shuffled())
    seconds = perf_counter() - begun
    if run.state.status is not ExecutionStatus.COMPLETED:
        raise AssertionError(f"{shape.name} of {size} ended {run.state.status}: {run.state.error}")
    return run.ended, seconds


def best(shape: Shape, size: int) -> tuple[int, float]:
    """The quickest of several runs, and of more the shorter they are."""
    runs = [measure(shape, size) for _ in range(10 if size < shape.size else 3)]
    return min(runs, key=lambda run: run[1])


def main() -> int:
    """Print the table; 1 if a transition takes longer in a larger graph."""
    print(f"{'shape':<12} {'size':>7} {'transitions/s':>14} {'µs each':>9} {'growth':>7}")
    worst = 0.0
    for shape in SHAPES:
        small, large = (best(shape, size) for size in (shape.size // 10, shape.size))
        growth = (large[1] / large[0]) / (small[1] / small[0])
        worst = max(worst, growth)
        for size, (ended, seconds), shown in ((shape.size // 10, small, ""), (shape.size, large, f"{growth:.2f}")):
            print(f"{shape.name:<12} {size:>7,} {ended / seconds:>14,.0f} {seconds / ended * 1e6:>9.1f} {shown:>7}")
    return worst > GROWTH_LIMIT


if __name__ == "__main__":
    sys.exit(main())
