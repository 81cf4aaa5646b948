"""Random workflows that fail, are cancelled or run out of time, and are retried.

The invariants, besides those of ``test_properties``, which are looked at here too:

1.  Where failures are not handled, an execution that failed and is retried when nothing fails any more ends as one in
    which nothing had failed: the same status, visits, counts, variables and output. What had completed does not run
    again, and the numbers of attempts only grow.
2.  Whatever happens, and whatever tasks are named, every execution ends, and no attempt runs twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import event, given
from hypothesis import strategies as st
from tests.unit.engine.properties_plans import GOOD, Plan, Timing, dags, loops, timings
from tests.unit.engine.properties_world import PlannedWorld, Story, Watch
from tests.unit.engine.test_properties import examples, messages

from attune.engine.messages import Resume, RetryExecution
from attune.engine.state import State
from attune.model.status import ExecutionStatus

_LAST = Resume("last")
SAFE = ("{{ succeeded() }}", "{{ false }}", "{{ result.go == 1 }}", "{{ succeeded() and result.go == 2 }}")
HANDLING = ("on_failure", "on_timeout", "on_complete", "tolerate_failures")


def now_unhandled(plan: Plan) -> Plan:
    """The plan without anything that handles a failure, tries again, or counts what comes early."""
    return replace(plan, tasks=tuple(_bare(task) for task in plan.tasks))


def _bare(task: dict[str, Any]) -> dict[str, Any]:
    dropped = {*HANDLING, "retry", "join", "next"} | ({"timeout"} if task.get("action") == "core.sleep" else set())
    kept = {key: value for key, value in task.items() if key not in dropped}
    entries = [entry for entry in task.get("next", []) if entry.get("when") in SAFE]
    members = [_bare(member) for member in task.get("tasks", [])]
    return kept | ({"next": entries} if entries else {}) | ({"tasks": members} if members else {})


class MendedWorld(PlannedWorld):
    """A planned world in which nothing fails once it is mended."""

    mended = False

    def end(self, task: str, visit: int, index: int | None, number: int) -> str:
        """What would have failed ends well, and so does whatever is tried again."""
        end = super().end(task, visit, index, number)
        return "0" if self.mended and (number > 1 or end not in GOOD) else end

    def retry_now(self, request_id: str, *names: str) -> State:
        """Ask for a retry and run to the end."""
        self.post(self.execution, RetryExecution(request_id, names))
        return self.go_on()


def ends(world: MendedWorld) -> dict[str, Any]:
    """All of an end that must not show whether something had failed before."""
    state = world.state(world.execution)
    counts = [state.visits_of(index) for index in range(state.size)]
    return {
        "status": state.status,
        "codes": "".join(state.codes),
        "visits": counts,
        "items": state.item_counts,
        "output": world.output(world.execution),
    }


@examples(120)
@given(st.data())
def test_a_retry_mends_an_execution_as_if_nothing_had_failed(data: st.DataObject) -> None:
    plan = now_unhandled(data.draw(dags()))
    timing = data.draw(timings(plan))
    world = MendedWorld(plan, timing)
    Watch(world)
    first = world.finish()
    event(f"first {first.status}")
    if first.status is not ExecutionStatus.FAILED:
        return
    ran = _ended_well(world)
    world.mended = True
    begun = len(world.runner.ran)
    world.retry_now("r1")
    assert not [attempt for attempt in _keys(world.runner.ran[begun:]) if attempt in ran]
    at_once = MendedWorld(plan, timing)
    at_once.mended = True
    at_once.finish()
    assert ends(world) == ends(at_once)
    _numbers_grow(world)


def _ended_well(world: MendedWorld) -> set[tuple[str, int, int | None]]:
    return {key[:3] for key, status in world.attempts().items() if status == "completed"}


def _keys(attempts: Any) -> Iterator[tuple[str, int, int | None]]:
    return ((a.task, a.visit, a.index) for a in attempts if a.task != "inner")


def _numbers_grow(world: MendedWorld) -> None:
    last: dict[Any, int] = {}
    for attempt in world.runner.ran:
        key = (attempt.execution_id, attempt.task, attempt.visit, attempt.index)
        assert attempt.number > last.get(key, 0), f"{key} ran as {attempt.number} after {last.get(key)}"
        last[key] = attempt.number


@examples(120)
@given(st.data(), st.sampled_from([dags, loops]))
def test_whatever_happens_a_retried_execution_ends_and_keeps_the_promises(data: st.DataObject, graphs: Any) -> None:
    plan = data.draw(graphs(races=True))
    timing: Timing = data.draw(timings(plan))
    world = MendedWorld(plan, timing)
    Story(world)
    Watch(world)
    control = data.draw(st.lists(st.tuples(st.integers(0, 40).map(float), messages), max_size=2))
    state = world.finish(*control, (5000.0, _LAST))
    for number in range(data.draw(st.integers(1, 3))):
        if state.status is ExecutionStatus.COMPLETED:
            break
        world.mended = data.draw(st.booleans())
        begun = [task.name for task in world.graph.tasks if state.begun >> task.index & 1]
        names = data.draw(st.lists(st.sampled_from(begun), max_size=2)) if begun else []
        _control_later(world, data.draw(st.lists(st.tuples(st.integers(0, 40), messages), max_size=2)), number)
        state = world.retry_now(f"r{number}", *names)
        event(f"then {state.status}")
        assert state.status.ended
        assert not state.active
        assert len(state.retried) == number + 1
    _no_attempt_ran_twice(world)


def _control_later(world: MendedWorld, control: Any, number: int) -> None:
    for place, (delay, message) in enumerate([*control, (5000, _LAST)]):
        fresh = replace(message, request_id=f"{number}.{place}")
        world.cloud.at(world.clock.now() + delay, lambda fresh=fresh: world.post(world.execution, fresh))


def _no_attempt_ran_twice(world: MendedWorld) -> None:
    ran = [(a.execution_id, a.task, a.visit, a.index, a.number) for a in world.runner.ran]
    assert len(ran) == len(set(ran))
