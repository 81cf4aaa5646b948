"""Children and parts of lists that were not told of what happened above them: found, and told again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.unit.execution.test_doctor import HOUR, Ward
from tests.unit.execution.test_sweep import BOUND, PERIOD, SLOW_CHILD, Loss, Safe, lossy

from attune.adapters.memory.execution_store import StateOf
from attune.engine.messages import Cancel, Dead, Pause, Resume, RetryExecution
from attune.engine.state import State
from attune.execution.ports.queues import Envelope
from attune.model.status import ExecutionStatus

PARENT = "tasks: [{name: sub, action: t.child}]"
LIST = """
tasks:
  - {name: a, action: core.sleep, with_items: [9000, 9000, 9000, 9000, 9000, 9000, 9000, 9000, 9000],
     input: {seconds: "{{ item }}"}}
"""
LOOP = """
vars: {n: 0}
tasks:
  - name: rounds
    type: loop
    while: "{{ vars.n < 50 }}"
    tasks: [{name: nap, action: core.sleep, input: {seconds: 60}, publish: [{n: "{{ vars.n + 1 }}"}]}]
"""
BUSY = f"""
{LOOP}
  - name: group
    type: parallel
    timeout: 60
    on_timeout: noop
    tasks:
      - {{name: a, action: core.sleep, with_items: [1, 2, 3, 4, 5], input: {{seconds: 9000}}}}
"""
"""Its list is given up while the execution is saved every minute."""


@dataclass
class Deafness(Loss):
    """Messages of these kinds do not arrive, unless a sweep or somebody from outside posts them."""

    kinds: tuple[type, ...] = ()

    def take(self, messages: Sequence[Any], now: float) -> list[Any]:
        kept = [message for message in messages if not isinstance(getattr(message, "message", None), self.kinds)]
        self.lost += [message for message in messages if message not in kept]
        return kept


class World:
    """An execution with something below it, and a sweep every few minutes. Nothing below hears of ``deaf_to``."""

    def __init__(self, world: Any, fail: Any, text: str, *deaf_to: type, child: str = SLOW_CHILD) -> None:
        self.loss = Deafness()
        self.w = lossy(world, text, self.loss, fail, child=child, chunk_size=4)
        self.execution = self.w.start("t.w", {})
        self.w.run(until=self.w.clock.now() + 1)
        self.loss.kinds = deaf_to
        self.repairs: Counter[str] = Counter()

    def say(self, message: Any, to: str = "") -> World:
        Safe(self.w.cloud).post([Envelope(to or self.execution, message)])
        return self.wait(1)

    def wait(self, seconds: float) -> World:
        until = self.w.clock.now() + seconds
        self.w.run(until=until)
        self.w.clock.set(max(until, self.w.clock.now()))
        return self

    def sweep(self, seconds: float = BOUND) -> World:
        until = self.w.clock.now() + seconds
        while self.w.clock.now() < until:
            self.wait(PERIOD)
            self.repairs += self.w.sweeper.sweep().repairs
            self.wait(1)
        return self

    @property
    def below(self) -> list[State]:
        """The states of its children and chunks."""
        keys = [place.chunk or owner for owner, place in self.w.store.items if isinstance(place, StateOf)]
        return [self.w.state(name) for name in sorted(keys) if name != self.execution]

    def statuses(self) -> set[ExecutionStatus]:
        return {state.status for state in self.below}


class TestPause:
    def test_a_child_that_was_not_told_is_paused_and_goes_on_with_its_parent(self, world: Any, fail: Any) -> None:
        it = World(world, fail, PARENT, Pause).say(Pause("wait")).sweep()
        (child,) = it.below
        assert it.loss.lost
        assert child.paused
        assert (child.pause_note or {})["by"] == it.execution
        assert it.repairs == {"left_running": 1}
        it.say(Resume()).sweep(2 * HOUR)
        assert it.statuses() == {ExecutionStatus.COMPLETED}
        assert it.w.state(it.execution).status is ExecutionStatus.COMPLETED

    def test_so_is_a_part_of_a_list(self, world: Any, fail: Any) -> None:
        it = World(world, fail, LIST, Pause).say(Pause("wait")).sweep()
        assert len(it.below) == 3
        assert all(state.paused for state in it.below)
        it.say(Resume()).sweep(4 * HOUR)
        assert it.w.state(it.execution).status is ExecutionStatus.COMPLETED

    def test_a_second_pause_counts_although_the_first_was_folded(self, world: Any, fail: Any) -> None:
        it = World(world, fail, PARENT).say(Pause("one")).wait(10).say(Resume()).wait(10)
        it.loss.kinds = (Pause,)
        it.say(Pause("two", "2")).sweep()
        assert it.below[0].paused

    def test_a_child_that_somebody_resumed_is_left_alone(self, world: Any, fail: Any) -> None:
        it = World(world, fail, PARENT).say(Pause("wait"))
        it.say(Resume("mine"), to=it.below[0].execution).sweep(HOUR / 2)
        assert not it.below[0].paused
        assert it.repairs == {}

    def test_a_child_whose_parent_resumed_it_late_is_paused_with_the_next_pause(self, world: Any, fail: Any) -> None:
        it = World(world, fail, PARENT).say(Pause("one", "p1")).say(Resume("r1"))
        it.loss.kinds = (Pause,)
        it.say(Pause("two", "p2"))
        child = it.below[0].execution
        it.say(Pause("of the first", "late", it.execution), to=child).say(Resume("late", it.execution), to=child)
        assert not it.below[0].paused
        it.sweep()
        assert it.below[0].paused

    def test_who_was_told_is_not_told_again(self, world: Any, fail: Any) -> None:
        for text in (PARENT, LIST):
            assert World(world, fail, text).say(Pause("wait")).sweep(HOUR / 2).repairs == {}

    def test_the_child_of_one_that_is_parked_goes_on(self, world: Any, fail: Any) -> None:
        it = World(world, fail, PARENT).say(Dead("m-1", {"type": "no such thing"})).sweep(HOUR / 2)
        assert it.w.state(it.execution).paused
        assert not it.below[0].paused
        assert it.repairs == {}


class TestCancellation:
    def test_parts_of_a_list_that_were_not_told_are_cancelled(self, world: Any, fail: Any) -> None:
        it = World(world, fail, LIST, Cancel).say(Cancel("enough"))
        assert it.statuses() == {ExecutionStatus.RUNNING}
        it.sweep()
        assert it.statuses() == {ExecutionStatus.CANCELLED}
        assert it.repairs == {"orphan": 3}
        assert it.sweep(HOUR).repairs == {"orphan": 3}

    def test_so_are_they_if_their_execution_goes_on_and_never_stands_still(self, world: Any, fail: Any) -> None:
        it = World(world, fail, BUSY, Cancel).wait(61).sweep()
        assert it.loss.lost
        assert not it.w.state(it.execution).status.ended
        assert it.statuses() == {ExecutionStatus.CANCELLED}

    def test_a_child_that_never_stands_still_is_cancelled_with_its_parent(self, world: Any, fail: Any) -> None:
        it = World(world, fail, PARENT, Cancel, child="ref: t.child\n" + LOOP).say(Cancel("enough")).sweep()
        assert it.loss.lost
        assert it.statuses() == {ExecutionStatus.CANCELLED}

    def test_who_was_told_is_not_told_again(self, world: Any, fail: Any) -> None:
        assert World(world, fail, LIST).say(Cancel("enough")).sweep(HOUR / 2).repairs == {}
        assert World(world, fail, BUSY).wait(61).sweep(HOUR / 2).repairs == {}

    def test_a_part_that_a_retry_has_begun_again_meanwhile_is_not_cancelled(self, world: Any, fail: Any) -> None:
        """The sweep looks, the execution is retried, then comes what the sweep posted."""
        it = World(world, fail, LIST, Cancel).say(Cancel("enough")).wait(HOUR)
        posted: list[Envelope] = []
        it.w.sweeper._mailbox.post = posted.extend
        it.sweep()
        chunk = posted[0].execution
        it.say(Cancel("enough", "late"), to=chunk)
        assert it.w.state(chunk).status is ExecutionStatus.CANCELLED
        it.say(RetryExecution("again"))
        assert it.w.state(chunk).status is ExecutionStatus.RUNNING
        it.say(posted[0].message, to=chunk)
        assert it.w.state(chunk).status is ExecutionStatus.RUNNING


class TestDoctor:
    """The same, said and mended by hand."""

    def ward(self, world: Any, fail: Any, text: str) -> Ward:
        ward = Ward(world, fail, text, child=SLOW_CHILD, chunk_size=4)
        ward.run(1)
        return ward

    def tell(self, ward: Ward, message: Any, seconds: float) -> Ward:
        """The execution hears it, and nothing below."""
        ward.loss.take = lambda messages, now: []  # type: ignore[method-assign]
        Safe(ward.w.cloud).post([Envelope(ward.execution, message)])
        return ward.run(seconds)

    def test_it_pauses_a_child_that_was_not_told(self, world: Any, fail: Any) -> None:
        ward = self.tell(self.ward(world, fail, PARENT), Pause("wait"), 60)
        assert ward.doctor.repair(ward.child()).repaired == (), "the news may be on its way"
        found = ward.run(600).doctor.diagnosis(ward.child())
        assert found.sentence.startswith(f"it goes on although {ward.execution} is paused, and the news of that was")
        assert ward.doctor.repair(ward.execution).repaired == (ward.child(),)
        assert ward.run(1).w.state(ward.child()).paused

    def test_it_cancels_the_parts_of_a_list_of_an_execution_that_has_ended(self, world: Any, fail: Any) -> None:
        ward = self.tell(self.ward(world, fail, LIST), Cancel("enough"), 60)
        assert not any(finding.repairable for finding in ward.doctor.diagnosis(ward.execution).findings)
        found = ward.run(600).doctor.diagnosis(ward.execution)
        assert [finding.code for finding in found.findings] == ["orphan"] * 3 + ["ended"]
        assert "items from 0 on of task 'a' run on, though the execution no longer waits for them" in found.sentence
        assert ward.doctor.repair(ward.execution).repaired == (ward.execution,)
        ward.run(1)
        chunks = {place.chunk for _, place in ward.w.store.items if isinstance(place, StateOf) and place.chunk}
        assert {ward.w.state(chunk).status for chunk in chunks} == {ExecutionStatus.CANCELLED}
