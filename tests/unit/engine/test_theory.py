"""The examples at the heads of the engine's modules are true."""

from __future__ import annotations

from dataclasses import asdict
from itertools import takewhile
from textwrap import dedent
from types import ModuleType

import pytest
from tests.conftest import Failure, World, graphs

import attune.engine
from attune.engine import outbox, retry_plan, settle
from attune.engine.advance import Folded, fold, initial_state
from attune.engine.effects import Announce, RunTask, WriteOutput
from attune.engine.facts import START, Fact, MissingFacts, OutputFact, RecordFact
from attune.engine.ids import AttemptId
from attune.engine.messages import Message, Start, TaskEnded
from attune.engine.retry_plan import plan
from attune.model.graph import Graph
from attune.model.status import ExecutionStatus, TaskStatus


def example(module: ModuleType) -> str:
    """The workflow at the head of a module."""
    _, _, rest = (module.__doc__ or "").partition("**An example.**")
    block = rest.partition("::\n\n")[2].splitlines()
    return dedent("\n".join(takewhile(lambda line: not line or line[0] == " ", block)))


class Story:
    """Folds one message after the other, without a store."""

    def __init__(self, module: ModuleType) -> None:
        (self.graph,) = graphs(example(module))
        start = Start(execution="01E", workflow="t.w", workflow_version=1, parameters={}, created_at=1.0)
        self.known: dict[Fact, object] = {START: asdict(start)}
        self.state = initial_state(start, self.graph)
        self.last = self.fold(start)

    def fold(self, message: Message, now: float = 2.0) -> Folded:
        """Fold it; what was asked for before is forgotten."""
        self.last = fold(self.graph, self.state, [message], now, self.known)
        self.state = self.last.state
        return self.last

    def ends(
        self, name: str, status: TaskStatus = TaskStatus.COMPLETED, result: object = None, now: float = 2.0
    ) -> Folded:
        """The first attempt of a task's first visit ends."""
        return self.fold(TaskEnded(AttemptId(name), status, result), now)

    def asked(self) -> list[str]:
        """The attempts that the last fold asked for."""
        return [str(effect.attempt) for effect in self.last.effects if isinstance(effect, RunTask)]


def bits(graph: Graph, *names: str) -> int:
    return sum(1 << graph.by_name[name].index for name in names)


def test_the_way_of_a_message_through_the_engine() -> None:
    it = Story(attune.engine)
    assert (it.asked(), it.state.outbox, list(it.state.active)) == (["a#1#-#1"], [["r", 0, 1, 1]], [(0, 1)])
    before = it.state
    with pytest.raises(MissingFacts) as missing:
        it.fold(TaskEnded(AttemptId("a"), TaskStatus.COMPLETED, has_result=False))
    assert missing.value.facts == {RecordFact(AttemptId("a"))}
    assert it.state is before
    it.ends("a", result={"n": 1})
    assert (it.asked(), it.state.codes) == (["b#1#-#1"], ["c", "."])
    assert [dict(effect.input) for effect in it.last.effects if isinstance(effect, RunTask)] == [{"n": 1}]
    it.ends("b", result={})
    assert it.state.status is ExecutionStatus.COMPLETED
    assert [write.fact for write in it.last.writes if isinstance(write, WriteOutput)] == [OutputFact()]
    assert [effect.status for effect in it.last.effects if isinstance(effect, Announce)] == [ExecutionStatus.COMPLETED]


def test_two_branches_that_meet() -> None:
    it = Story(settle)
    join = it.graph.by_name["j"]
    assert join.blockers == bits(it.graph, "s", "a", "b", "c")
    it.ends("s")
    assert it.asked() == ["a#1#-#1", "b#1#-#1"]
    it.ends("a")
    assert (it.asked(), it.state.fired, it.state.running & join.blockers) == ([], {4: {1: 1}}, bits(it.graph, "b"))
    it.ends("b")
    assert (it.asked(), it.state.running & join.blockers) == (["c#1#-#1"], bits(it.graph, "c"))
    it.ends("c")
    assert (it.asked(), it.state.fired) == (["j#1#-#1"], {})


def test_two_branches_of_which_one_fails() -> None:
    it = Story(settle)
    it.ends("s")
    it.ends("b", TaskStatus.FAILED)
    it.ends("a")
    assert (it.state.status, it.state.held) == (ExecutionStatus.FAILED, bits(it.graph, "j"))


def test_where_a_retry_goes_on() -> None:
    it = Story(retry_plan)
    it.ends("a")
    it.ends("c")
    it.ends("b", TaskStatus.FAILED)
    state, graph = it.state, it.graph
    assert (state.resumable, state.dropped, state.latest(3)) == ({(1, 1): 1}, {3: {2: 1}}, TaskStatus.HELD)
    assert dict(plan(graph, state).run) == {(1, 1): 1}
    everything = plan(graph, state, ["a"])
    assert (dict(everything.run), everything.redone, everything.stands) == ({(0, 1): 1}, 0b1111, {})
    half = plan(graph, state, ["c"])
    assert (dict(half.run), half.redone, half.stands) == ({(2, 1): 1}, bits(graph, "c", "d"), {(1, 1): 1})


@pytest.mark.parametrize(
    ("names", "ran", "status"),
    [((), ["b", "d"], "completed"), (("a",), ["a", "b", "c", "d"], "completed"), (("c",), ["c"], "failed")],
)
def test_what_a_retry_runs(names: tuple[str, ...], ran: list[str], status: str) -> None:
    world = World(example(retry_plan), script={"b": Failure("no")})
    execution = world.go().execution
    world.runner.script.clear()
    world.runner.ran.clear()
    world.retry(execution, *names)
    world.run()
    assert (sorted(world.runner.names()), world.state(execution).status) == (ran, status)


def test_what_an_outbox_holds() -> None:
    it = Story(outbox)
    assert it.state.outbox == [["r", 1, 1, 1], ["i", 0, 1, 1, [[0, 2]]]]
    known = {**it.known, **{write.fact: write.values for write in it.last.writes}}
    rebuilt = outbox.rebuild(it.graph, it.state, known)
    assert [effect.input for effect in rebuilt if isinstance(effect, RunTask)] == [{}, *({"x": x} for x in "xyz")]
    it.known = known
    it.ends("b", TaskStatus.FAILED, now=10.0)
    assert it.state.outbox == [["t", "retry", 15.0, ["b", 1, None, 2]]]
    assert list(it.state.active[0, 1].items.active) == [0, 1, 2]
