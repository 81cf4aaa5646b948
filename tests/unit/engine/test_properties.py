"""Random workflows with random outcomes, run in the simulator in random orders of completion.

The invariants:

1.  Every execution ends, after a bounded number of steps; nothing is left running, and no message dies.
2.  No task runs before what must precede it: never more often than its sources fired it, and a default join never
    while anything is running that can still reach it in its present round. Nor does any wait longer than that.
3.  What runs, how often, and how it ends is what an independent reading of the language says
    (``properties_reference``). So a default join runs once per round, in loops with forks, side branches and exits too.
4.  Status, output, every attempt and every number of visits are the same in whatever order independent completions
    arrive, and whether or not the execution was paused meanwhile. (Excluded are the races that the language names: the
    target ``fail`` and a visit beyond ``max_visits``, ``fail_fast``; and the workflow's timeout. ``task.x`` of a task
    whose visits overlap is its latest *ended* visit, so it is left out there.)
5.  A state that was stored and read again folds like one that never was, at any point.
6.  Folding a batch is folding its messages one by one: the same state, the same effects.
7.  Folding the same messages again changes nothing and asks for nothing.
8.  The outbox of a state gives the same effects as the fold that made it asked for.
9.  A fold leaves the state that it was given as it was, and writes each fact once.
10. The status of an execution, and of each visit and item, moves as the tables of ``model/status`` say: each single
    move, also those within a fold (``properties_moves``).

5 to 10 are looked at for every single fold of every run (``properties_world``).

The default is the same few hundred workflows on every machine. ``ATTUNE_TEST_EXAMPLES=5000`` tries as many new ones per
test.
"""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from tests.conftest import ACTIONS
from tests.unit.engine.properties_plans import Plan, Timing, dags, loops, timings
from tests.unit.engine.properties_reference import Reference, Runaway
from tests.unit.engine.properties_world import PlannedWorld, Story, Watch

from attune.engine.messages import Cancel, Dead, Message, Pause, Resume
from attune.engine.state import State
from attune.language.compiler import compile_workflow
from attune.language.source import load
from attune.model.status import ExecutionStatus

_MORE = int(os.environ.get("ATTUNE_TEST_EXAMPLES", "0"))


def examples(count: int) -> Any:
    """So many workflows: the same ones each time, unless more are asked for."""
    return settings(
        max_examples=_MORE or count,
        derandomize=not _MORE,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
        phases=[phase for phase in Phase if phase is not Phase.explain],
    )


def run(plan: Plan, timing: Timing, *control: tuple[float, Message]) -> tuple[State, Story, PlannedWorld]:
    """Run with every fold watched."""
    world = PlannedWorld(plan, timing)
    story = Story(world)
    Watch(world)
    state = world.finish(*control)
    assert state.status.ended
    assert not state.active
    assert not (state.status is ExecutionStatus.COMPLETED and (state.fired or state.dropped or state.resumable))
    return state, story, world


def agrees(plan: Plan, timing: Timing) -> None:
    """A run is what the reference says."""
    state, story, world = run(plan, timing)
    reference = Reference(plan)
    try:
        status = reference.run()
    except Runaway:
        event("more visits than allowed")
        assert state.status is ExecutionStatus.FAILED
        return
    event(f"ends {status}")
    assert story.ends == reference.ends
    assert world.attempts() == reference.attempts
    assert held(state, world) == reference.held
    assert str(state.status) == status


def held(state: State, world: PlannedWorld) -> set[str]:
    """The tasks that are held back."""
    return {task.name for task in world.graph.tasks if state.held >> task.index & 1}


@examples(230)
@given(st.data())
def test_a_graph_without_cycles_runs_as_the_language_says(data: st.DataObject) -> None:
    plan = data.draw(dags())
    agrees(plan, data.draw(timings(plan)))


@examples(230)
@given(st.data())
def test_a_graph_with_loops_runs_as_the_language_says(data: st.DataObject) -> None:
    plan = data.draw(loops())
    agrees(plan, data.draw(timings(plan)))


@examples(200)
@given(st.data(), st.sampled_from([dags, loops]))
def test_the_order_of_completion_does_not_matter(data: st.DataObject, graphs: Any) -> None:
    plan = data.draw(graphs())
    told = [outcome(plan, data.draw(timings(plan)), *data.draw(pauses)) for _ in range(3)]
    if any(one["runaway"] for one in told):
        return
    overlapping = {name for one in told for name in one.pop("overlapping")}
    for one in told:
        one["output"] = {name: said for name, said in one["output"].items() if name not in overlapping}
    assert told[1] == told[0]
    assert told[2] == told[0]


pauses = st.one_of(
    st.just(()),
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(
        lambda at: ((min(at), Pause("", "p")), (max(at) + 0.5, Resume("r")))
    ),
)


def outcome(plan: Plan, timing: Timing, *control: tuple[float, Message]) -> dict[str, Any]:
    """All that must not depend on the order of completion."""
    world = PlannedWorld(plan, timing)
    story = Story(world)
    state = world.finish(*control)
    return {
        "runaway": (state.error or {}).get("type") == "max_visits",
        "status": state.status,
        "error": state.error,
        "output": world.output(world.execution),
        "ends": story.ends,
        "attempts": world.attempts(),
        "held": held(state, world),
        "overlapping": story.overlapping,
    }


@examples(230)
@given(st.data(), st.sampled_from([dags, loops]))
def test_no_fold_of_any_run_breaks_a_promise(data: st.DataObject, graphs: Any) -> None:
    plan = data.draw(graphs(races=True))
    control = data.draw(st.lists(st.tuples(st.integers(0, 40), messages), max_size=3))
    timing = data.draw(timings(plan))
    run(plan, timing, *[(float(at), message) for at, message in control], (5000.0, Resume("last")))


messages = st.sampled_from([Cancel("why not"), Pause("", "1"), Resume("1"), Pause("", "2"), Resume("2"), Dead("d")])


BACK = """
tasks:
  - {name: s, action: core.noop, on_success: h}
  - {name: h, action: t.do, on_success: [a, b, c]}
  - {name: a, action: t.do, on_success: j}
  - {name: b, action: t.do, on_success: j}
  - {name: c, action: t.do, next: [{when: "{{ task.h.visit < 2 }}", do: h}]}
  - {name: j, action: t.do, on_failure: h}
"""
EARLY, LATE = {"c": 2, "b": 5}, {"c": 9}


@pytest.mark.parametrize("takes", [EARLY, LATE])
def test_a_new_round_asked_for_early_does_not_swallow_the_join_of_the_present_one(world: Any, takes: Any) -> None:
    assert world(BACK, takes=takes).go().ran.count("j") == 2


def test_overlapping_rounds_of_a_loop_depend_on_timing_and_are_warned_of(world: Any) -> None:
    text = BACK.replace("{name: h,", "{name: h, join: each,")
    early, late = (world(text, takes=takes).go().ran for takes in (EARLY, LATE))
    assert early.count("j") != late.count("j")
    problems = compile_workflow(load(f"ref: t.w{text}", "w.yaml"), pack="t", actions=ACTIONS).problems
    assert [problem.code for problem in problems] == ["overlapping-rounds"]


def test_what_depends_on_an_unhandled_failure_through_a_task_that_never_ran_is_held_too(world: Any, fail: Any) -> None:
    text = """
tasks:
  - {name: a, action: t.do, on_success: between}
  - {name: between, action: t.do, on_success: d}
  - {name: x, action: t.do, on_success: d}
  - {name: d, action: t.do}
"""
    assert world(text, script={"a": fail()}).go().ran == ["a", "x"]
