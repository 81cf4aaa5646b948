"""Warm states: folding on what this process saved last spares reads, and never changes what comes of an execution.

Processes that take turns have stale states all the time: ``test_explore`` has three of them at every crash point.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest
from tests.explore.workflows import WORKFLOWS

from attune.engine.messages import Pause, Resume
from attune.engine.state import State
from attune.execution.advancer import Advancer
from attune.execution.ports.queues import Delivery
from attune.execution.warm import WarmStates
from attune.model.status import ExecutionStatus

CHAIN = """
tasks:
  - {name: a, action: t.do, on_success: b}
  - {name: b, action: t.do, input: {v: 1}, on_success: c}
  - {name: c, action: t.do}
output_map: "{{ task.b.result.v }}"
"""


def twin(w: Any) -> Advancer:
    """A second process on the same world."""
    one = w.advancer
    return Advancer(one._store, one._catalog, one._dispatcher, one._clock)


@pytest.mark.parametrize("name", ["chain", "items", "chunks", "retry_later", "child", "loop", "failure"])
@pytest.mark.parametrize("containers", [2, 3])
def test_processes_that_take_turns_run_no_attempt_twice_and_leave_the_records_of_one(world, name, containers):
    scenario = WORKFLOWS[name]
    worlds = [
        world(*scenario.texts, script=scenario.script, chunk_size=scenario.chunk_size, containers=count)
        for count in (1, containers)
    ]
    alone, together = [w.go() for w in worlds]
    assert alone == together
    ran = [(a.execution_id, a.task, a.visit, a.index, a.number) for a in worlds[1].runner.ran]
    assert len(ran) == len(set(ran))
    assert records(worlds[0]) == records(worlds[1])


def records(w: Any) -> dict[Any, str]:
    """All that is stored, but for the names that workers gave themselves."""
    return {key: re.sub('"token": "[^"]*"', "", text) for key, text in w.store.items.items()}


def loads(w: Any) -> Counter[str]:
    """How often the store's methods are called from now on."""
    counts: Counter[str] = Counter()

    class Counting:
        def __init__(self, store: Any) -> None:
            self._store = store

        def __getattr__(self, name: str) -> Any:
            counts[name] += 1
            return getattr(self._store, name)

    w.advancer._store = Counting(w.store)
    return counts


def test_a_chain_is_loaded_once_and_where_it_writes_its_output(world):
    w = world(CHAIN)
    counts = loads(w)
    assert w.go().status is ExecutionStatus.COMPLETED
    assert (counts["load"], counts["save"]) == (2, 4)


def test_a_stale_fold_that_comes_to_nothing_is_folded_again_on_the_state_as_it_is(world):
    """Else a result that only the other process knew to be awaited would be thrown away."""
    w = world(CHAIN)
    execution = w.start("t.w", {})
    w.cloud.step(), w.cloud.step()
    other, stale = twin(w), w.advancer._warm.take(execution)
    assert stale is not None
    other.advance(execution, [Delivery("5" * 20, Pause())])
    w.advancer._warm.put(stale)
    w.advancer.advance(execution, [Delivery("6" * 20, Resume())])
    assert not w.state(execution).paused


def test_a_message_that_the_stale_state_has_absorbed_is_answered_by_the_saved_one(world):
    w = world(CHAIN)
    execution = w.start("t.w", {})
    w.cloud.step(), w.cloud.step()
    sent = []
    w.advancer._dispatcher.send = lambda state, effects: sent.extend(effects)
    start = w.store.load_start(execution)
    w.advancer.advance(execution, [Delivery(w.state(execution).absorbed, start)])
    assert [effect.attempt.task for effect in sent] == ["a"]


def _state(name: str, size: int, status: ExecutionStatus = ExecutionStatus.RUNNING) -> State:
    return State(execution=name, workflow="t.w", workflow_version=1, created_at=0.0, size=size, status=status)


def test_the_memory_is_bounded_and_forgets_what_was_saved_longest_ago():
    warm = WarmStates(limit=400)
    for name in "abc":
        warm.put(_state(name, 100))
    assert [warm.take(name) is not None for name in "abc"] == [False, True, True]
    warm.put(_state("large", 1000))
    warm.put(_state("ended", 1, ExecutionStatus.COMPLETED))
    assert warm.take("large") is None
    assert warm.take("ended") is None
