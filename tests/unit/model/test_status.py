"""Which status may follow which: every move of the tables happens, and (``properties_moves``) no other does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass, field
from itertools import chain
from typing import Any

import pytest
from tests.conftest import Failure, World
from tests.unit.engine.properties_moves import Seen, watched_moves

from attune.engine.ids import AttemptId
from attune.engine.messages import Answer, Cancel, Dead, Message, Pause, Resume
from attune.execution.ports.queues import Delivery
from attune.model.status import ENDED_EXECUTION, MOVES, TASK_MOVES, ExecutionStatus, TaskStatus

REQUESTED, RUNNING, WAITING, PAUSED, COMPLETED, FAILED, CANCELLED, TIMED_OUT = ExecutionStatus
WORK = "tasks: [{name: a, action: t.do}]"
ASK = "tasks: [{name: a, action: core.inquiry, input: {prompt: go?}}]"
LIST = "tasks: [{name: a, action: t.do, with_items: [1, 2]}]"
ANSWERED = Answer(AttemptId("a"), "yes")
CHILD = "ref: t.child\ntasks: [{name: inner, action: t.do}]"
CALL = "tasks: [{name: a, action: t.child%s}]"
TRY_AGAIN = ", retry: {count: 1, delay: 1}"
NO_ACTION = """
tasks: [{name: a, action: "{{ 'core.noop' if system.attempt > %s else 'no.such' }}",
         retry: {count: 1, delay: 1, on_error: "{{ true }}"}}]
"""
HOPELESS = """
fail_fast: true
tasks: [{name: a, action: t.do}, {name: b, action: t.do, when: "{{ parameters.nope }}"}]
"""
HELD = """
tasks:
  - {name: a, action: t.do, on_success: c}
  - {name: b, action: t.do, on_success: c}
  - {name: c, action: t.do}
"""


@dataclass(frozen=True)
class Scenario:
    """A workflow, what happens to it after so many seconds, and the moves that it shows."""

    text: str
    moves: list[tuple[Any, Any]]
    _: KW_ONLY
    script: dict[str, Any] = field(default_factory=dict)
    takes: float = 10.0
    told: tuple[tuple[float, Message], ...] = ()
    retried: bool = False
    begins: Callable[[World, str], None] = lambda world, execution: world.run()

    def shown(self) -> Seen:
        """The moves that it is to show."""
        return {(type(after), before, after) for before, after in self.moves}

    def play(self) -> Seen:
        """Run to the end; the moves that were seen."""
        world = World(self.text, CHILD, script=self.script, takes=dict.fromkeys(("a", "b", "inner"), self.takes))
        with watched_moves() as seen:
            execution = world.start("t.w", {})
            for seconds, message in self.told:
                world.cloud.at(world.clock.now() + seconds, lambda message=message: world.post(execution, message))
            self.begins(world, execution)
            if self.retried:
                world.retry(execution)
                world.run()
        assert not world.cloud.dead
        return seen


def timed(text: str) -> str:
    """With a time-out of the whole workflow."""
    return f"timeout: 5\n{text}"


def cancelled_first(world: World, execution: str) -> None:
    """The cancellation overtakes the start."""
    start = world.store.load_start(execution)
    world.cloud.purge()
    world.advancer.deliver(execution, [Delivery("1", Cancel("at once")), Delivery("2", start)])


def poisoned(world: World, execution: str) -> None:
    """The start cannot be folded."""
    start = world.store.load_start(execution)
    world.cloud.purge()
    world.advancer.deliver(execution, [Delivery("1", Dead("1", None, "it cannot be folded")), Delivery("2", start)])


FAILS = {"a": Failure("no"), "inner": Failure("no")}
SCENARIOS = [
    Scenario(
        WORK,
        [
            (REQUESTED, RUNNING),
            (RUNNING, COMPLETED),
            (TaskStatus.PENDING, TaskStatus.SCHEDULED),
            (TaskStatus.SCHEDULED, TaskStatus.COMPLETED),
        ],
    ),
    Scenario(WORK, [(REQUESTED, CANCELLED)], begins=cancelled_first),
    Scenario(WORK, [(REQUESTED, FAILED)], begins=poisoned),
    Scenario(
        WORK,
        [(RUNNING, FAILED), (FAILED, RUNNING), (TaskStatus.SCHEDULED, TaskStatus.FAILED)],
        script=FAILS,
        retried=True,
    ),
    Scenario(
        WORK,
        [(RUNNING, CANCELLED), (CANCELLED, RUNNING), (TaskStatus.SCHEDULED, TaskStatus.CANCELLED)],
        told=((5, Cancel()),),
        retried=True,
    ),
    Scenario(timed(WORK), [(RUNNING, TIMED_OUT), (TIMED_OUT, RUNNING)], retried=True),
    Scenario(
        WORK,
        [(TaskStatus.SCHEDULED, TaskStatus.TIMED_OUT)],
        script={"a": Failure("slow", timeout=True)},
    ),
    Scenario(WORK, [(RUNNING, PAUSED), (PAUSED, RUNNING)], told=((2, Pause()), (4, Resume()))),
    Scenario(WORK, [(PAUSED, COMPLETED)], told=((2, Pause()),)),
    Scenario(WORK, [(PAUSED, FAILED)], script=FAILS, told=((2, Pause()),)),
    Scenario(WORK, [(PAUSED, CANCELLED)], told=((2, Pause()), (4, Cancel()))),
    Scenario(timed(WORK), [(PAUSED, TIMED_OUT)], told=((2, Pause()),)),
    Scenario(
        ASK,
        [
            (RUNNING, WAITING),
            (WAITING, COMPLETED),
            (TaskStatus.PENDING, TaskStatus.WAITING),
            (TaskStatus.WAITING, TaskStatus.COMPLETED),
        ],
        told=((5, ANSWERED),),
    ),
    Scenario(ASK, [(WAITING, CANCELLED), (TaskStatus.WAITING, TaskStatus.CANCELLED)], told=((5, Cancel()),)),
    Scenario(timed(ASK), [(WAITING, TIMED_OUT)]),
    Scenario(
        ASK.replace("}}]", "}, timeout: 5}]"),
        [(WAITING, FAILED), (TaskStatus.WAITING, TaskStatus.TIMED_OUT)],
    ),
    Scenario(
        ASK.replace("}}]", "}, on_success: b}, {name: b, action: t.do}]"), [(WAITING, RUNNING)], told=((5, ANSWERED),)
    ),
    Scenario(ASK, [(WAITING, PAUSED), (PAUSED, WAITING)], told=((2, Pause()), (4, Resume()), (6, ANSWERED))),
    Scenario(
        WORK.replace("t.do", f"t.do{TRY_AGAIN}"),
        [(TaskStatus.SCHEDULED, TaskStatus.RETRYING), (TaskStatus.RETRYING, TaskStatus.SCHEDULED)],
        script=FAILS,
    ),
    Scenario(
        WORK.replace("t.do", f"t.do{TRY_AGAIN}"),
        [(TaskStatus.RETRYING, TaskStatus.CANCELLED)],
        script=FAILS,
        told=((10.5, Cancel()),),
    ),
    Scenario(
        CALL % TRY_AGAIN,
        [
            (TaskStatus.WAITING, TaskStatus.RETRYING),
            (TaskStatus.RETRYING, TaskStatus.WAITING),
            (TaskStatus.WAITING, TaskStatus.FAILED),
        ],
        script=FAILS,
    ),
    Scenario(
        NO_ACTION % 1,
        [(TaskStatus.PENDING, TaskStatus.RETRYING), (TaskStatus.RETRYING, TaskStatus.COMPLETED)],
    ),
    Scenario(NO_ACTION % 2, [(TaskStatus.RETRYING, TaskStatus.FAILED)]),
    Scenario("tasks: [{name: a, action: core.noop}]", [(TaskStatus.PENDING, TaskStatus.COMPLETED)]),
    Scenario(WORK.replace("t.do", "t.do, when: '{{ false }}'"), [(TaskStatus.PENDING, TaskStatus.SKIPPED)]),
    Scenario(
        HOPELESS,
        [(TaskStatus.PENDING, TaskStatus.FAILED), (TaskStatus.PENDING, TaskStatus.CANCELLED)],
        retried=True,
    ),
    Scenario(HELD, [(TaskStatus.PENDING, TaskStatus.HELD)], script=FAILS),
    Scenario(
        LIST,
        [(TaskStatus.PENDING, TaskStatus.RUNNING), (TaskStatus.RUNNING, TaskStatus.COMPLETED)],
    ),
    Scenario(LIST, [(TaskStatus.RUNNING, TaskStatus.FAILED)], script=FAILS),
    Scenario(LIST, [(TaskStatus.RUNNING, TaskStatus.CANCELLED)], told=((5, Cancel()),)),
    Scenario(
        WORK.replace("t.do", "t.do, publish: {x: '{{ result.nope }}'}"),
        [(TaskStatus.COMPLETED, TaskStatus.FAILED)],
    ),
]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: ", ".join(f"{a}-{b}" for a, b in one.moves))
def test_the_moves_of_a_scenario_happen(scenario: Scenario) -> None:
    assert scenario.shown() - scenario.play() == set()


def test_every_move_has_a_scenario() -> None:
    """A move that no scenario shows may as well not be in the tables."""
    tables: list[Any] = [MOVES, TASK_MOVES]
    moves = {(type(after), before, after) for table in tables for before in table for after in table[before]}
    assert set(chain.from_iterable(scenario.shown() for scenario in SCENARIOS)) == moves


def test_every_status_is_in_its_table() -> None:
    assert set(MOVES) == set(ExecutionStatus)
    assert set(TASK_MOVES) == set(TaskStatus)


def test_what_has_ended_only_a_retry_moves_on() -> None:
    assert {status for status in ExecutionStatus if MOVES[status] <= {RUNNING}} == ENDED_EXECUTION
