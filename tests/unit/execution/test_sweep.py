"""The liveness bound: whatever single thing is lost, an execution moves again within BOUND and ends as it would have.

A run without faults counts what is sent: messages, task messages, timers. Then one run for each of them, in which just
that one is lost, with a sweep every five minutes of virtual time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from tests.explore.run import BOUND, PERIOD
from tests.explore.workflows import WORKFLOWS
from tests.explore.workflows.children import CHILD

from attune import simulator
from attune.adapters.memory.cloud import MemoryCloud
from attune.adapters.memory.execution_store import StateOf
from attune.adapters.memory.inspector import MemoryInspector
from attune.engine.facts import START
from attune.engine.messages import Cancel, Pause, Resume
from attune.execution.diagnosis import BACKLOGGED, UNCLAIMED
from attune.execution.examiner import Examiner
from attune.execution.ports.queues import Envelope
from attune.execution.sweeper import Sweeper
from attune.execution.waits import LookBack
from attune.model.status import ExecutionStatus

SLOW_CHILD = """
ref: t.child
tasks: [{name: inner, action: core.sleep, input: {seconds: 3600}}]
"""
MORE = {
    "timeout": """
tasks:
  - {name: ask, action: core.inquiry, input: {prompt: "well?"}, timeout: 600, on_timeout: late}
  - {name: late, action: t.do, input: {n: 1}}
output_map: "{{ task.late.result.n }}"
""",
    "deadline": """
timeout: 900
tasks: [{name: ask, action: core.inquiry, input: {prompt: "well?"}}]
""",
    "children": """
tasks: [{name: sub, action: t.child, with_items: [1, 2, 3]}]
output_map: "{{ task.sub.result | length }}"
""",
}
LISTS = {
    "tasks": 'tasks: [{name: a, action: t.do, with_items: "{{ range(10) | list }}", input: {n: "{{ item }}"}}]',
    "few at a time": """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(10) | list }}", concurrency: 3, on_success: b}
  - {name: b, action: t.do, input: {n: "{{ task.a.total_count }}"}}
output_map: "{{ task.b.result.n }}"
""",
    "retries": """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(6) | list }}", retry: {count: 2, delay: 30}}
""",
    "sleeps": "tasks: [{name: a, action: core.sleep, with_items: [10, 20, 30, 40, 9], input: {seconds: '{{ item }}'}}]",
    "children": 'tasks: [{name: a, action: t.child, with_items: "{{ range(6) | list }}"}]',
    "questions": """
tasks:
  - {name: a, action: core.inquiry, with_items: [1, 2, 3, 4, 5, 6], input: {prompt: "well?"}, timeout: 60,
     on_complete: noop}
""",
}
"""Cut into chunks of four items and fewer."""
USUAL = ("chain", "diamond", "items", "chunks", "retry", "child", "parallel", "loop", "failure")
ALL = {name: WORKFLOWS[name].texts[0] for name in USUAL} | MORE


@dataclass
class Loss:
    """Loses the message with this number; counts what is sent."""

    number: int = -1
    sent: int = 0
    lost: list[Any] = field(default_factory=list)
    at: float = 0.0

    def take(self, messages: Sequence[Any], now: float) -> list[Any]:
        """What is left of them."""
        kept = []
        for message in messages:
            self.sent += 1
            if self.sent == self.number:
                self.lost.append(message)
                self.at = now
            else:
                kept.append(message)
        return kept


class LossyCloud(MemoryCloud):
    """Loses what its ``loss`` takes; what a sweep posts goes past it."""

    def __init__(self, clock: Any, order: Any, loss: Loss) -> None:
        super().__init__(clock, order)
        self.loss = loss

    def post(self, envelopes: Sequence[Envelope]) -> None:
        super().post(self.loss.take(envelopes, self.clock.now()))

    def send(self, messages: Sequence[Any]) -> None:
        super().send(self.loss.take(messages, self.clock.now()))

    def set(self, execution: str, timers: Sequence[Any], now: float) -> None:
        super().set(execution, self.loss.take(timers, now), now)

    def backlog(self) -> int:
        return len(self._tasks.waiting())


class Safe:
    """A mailbox that loses nothing: one thing is lost in a run, and it is not a repair."""

    def __init__(self, cloud: LossyCloud) -> None:
        self._cloud = cloud

    def post(self, envelopes: Sequence[Envelope]) -> None:
        MemoryCloud.post(self._cloud, envelopes)


def lossy(world: Any, text: str, loss: Loss, fail: Any, child: str = CHILD, chunk_size: int | None = None) -> Any:
    """A world in which one message is lost on its way, with a sweeper."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator, "MemoryCloud", lambda clock, order: LossyCloud(clock, order, loss))
        script = {"x": fail(), **({"a": [fail(), "fine"]} if "retry" in text else {})}
        w = world(text, child, script=script, chunk_size=chunk_size)
    inspector = MemoryInspector(w.store, w.catalog)
    examiner = Examiner(
        inspector=inspector,
        store=w.store,
        catalog=w.catalog,
        look_back=LookBack(w.store, w.known_events),
        backlog=w.cloud.backlog,
    )
    w.sweeper = Sweeper(inspector=inspector, examiner=examiner, mailbox=Safe(w.cloud), clock=w.clock, waiting=lambda: 0)
    return w


def live(w: Any) -> bool:
    return any(
        (state := w.store.load(owner)) is None or not state.status.ended
        for owner in {owner for owner, place in w.store.items if place == START}
    )


def run(w: Any, most: float = 4 * 3600) -> list[Any]:
    """Let time pass, with a sweep every period, until everything has ended; returns what the sweeps did."""
    swept, until = [], w.clock.now() + most
    while live(w) and w.clock.now() < until:
        following = w.clock.now() + PERIOD
        w.run(until=following)
        w.clock.set(following)
        swept.append(w.sweeper.sweep())
        w.run(until=following)
    w.run()
    return swept


def outcome(w: Any, execution: str) -> tuple[Any, ...]:
    """How it ended, and every task that ran, as often as it ran."""
    ended = w.ended(execution)
    state = w.state(execution)
    return ended.status, ended.output, "".join(state.codes), state.item_counts, sorted(ended.ran)


def undisturbed(world: Any, text: str, fail: Any, **more: Any) -> tuple[int, float, Any]:
    """How much is sent without a fault, how long it takes, how it ends; the sweeps find nothing to do."""
    loss = Loss()
    w = lossy(world, text, loss, fail, **more)
    execution, begun = w.start("t.w", {}), w.clock.now()
    swept = run(w)
    assert not any(one.repairs for one in swept), "a sweep must not touch what is well"
    return loss.sent, w.clock.now() - begun, outcome(w, execution)


@pytest.mark.parametrize("name", ALL)
def test_whatever_single_message_is_lost_the_execution_ends_as_without_the_loss(world, fail, name):
    lose_each(world, ALL[name], fail)


@pytest.mark.parametrize("name", LISTS)
def test_so_it_is_with_lists_in_chunks(world, fail, name):
    lose_each(world, LISTS[name], fail, chunk_size=4)


def lose_each(world: Any, text: str, fail: Any, **more: Any) -> None:
    """A run for each message that is sent, in which just that one is lost."""
    sent, took, expected = undisturbed(world, text, fail, **more)
    assert sent > 1
    for number in range(1, sent + 1):
        loss = Loss(number)
        w = lossy(world, text, loss, fail, **more)
        execution, begun = w.start("t.w", {}), w.clock.now()
        run(w)
        assert outcome(w, execution) == expected, f"after the loss of {loss.lost}"
        assert w.clock.now() - begun <= took + BOUND, f"after the loss of {loss.lost}"


@pytest.mark.parametrize("name", ["chain", "child", "retry"])
def test_without_sweeps_the_same_losses_leave_executions_standing(world, fail, name):
    """The test above can fail."""
    sent, _, expected = undisturbed(world, ALL[name], fail)
    standing = 0
    for number in range(1, sent + 1):
        w = lossy(world, ALL[name], Loss(number), fail)
        execution = w.start("t.w", {})
        w.run()
        standing += w.store.load(execution) is None or outcome(w, execution) != expected
    assert standing >= sent - 1


def intervened(world: Any, fail: Any, loss: Loss, *messages: Any) -> list[ExecutionStatus]:
    """A workflow that waits for a slow child and is told something every ten minutes; how all of them ended."""
    w = lossy(world, "tasks: [{name: sub, action: t.child}]", loss, fail, child=SLOW_CHILD)
    execution = w.start("t.w", {})
    for count, message in enumerate(messages, 1):
        w.cloud.at(w.clock.now() + 600 * count, partial(Safe(w.cloud).post, [Envelope(execution, message)]))
    run(w)
    return [w.state(owner).status for owner, place in w.store.items if place == StateOf()]


@pytest.mark.parametrize("number", range(1, 6))
def test_a_cancellation_reaches_the_child_even_if_the_news_is_lost(world, fail, number):
    loss = Loss(number)
    assert set(intervened(world, fail, loss, Cancel("enough"))) == {ExecutionStatus.CANCELLED}
    assert loss.lost or number > 4


@pytest.mark.parametrize("number", range(1, 8))
def test_a_child_goes_on_with_its_parent_even_if_the_news_is_lost(world, fail, number):
    loss = Loss(number)
    assert intervened(world, fail, loss, Pause("wait"), Resume()) == [ExecutionStatus.COMPLETED] * 2
    assert loss.lost or number > 6


def test_a_lost_task_beside_a_busy_loop_is_found_though_the_execution_never_stands_still(world, fail):
    text = """
vars: {n: 0}
tasks:
  - {name: lost, action: t.do, input: {n: 1}}
  - name: rounds
    type: loop
    while: "{{ vars.n < 50 }}"
    tasks: [{name: nap, action: core.sleep, input: {seconds: 60}, publish: [{n: "{{ vars.n + 1 }}"}]}]
"""
    w = lossy(world, text, Loss(2), fail)
    begun = w.clock.now()
    w.start("t.w", {})
    while "lost" not in w.runner.names() and w.clock.now() < begun + 2 * BOUND:
        w.run(until=w.clock.now() + PERIOD)
        w.sweeper.sweep()
        w.run(until=w.clock.now() + 1)
    assert w.clock.now() - begun <= BOUND + 1


def test_what_stands_in_line_behind_others_is_left_there(world, fail):
    w = lossy(world, ALL["chain"], Loss(2), fail)
    execution = w.start("t.w", {})
    w.run()
    w.sweeper._examiner._backlog = lambda: 7
    begun = w.clock.now()
    repaired = []
    while not repaired:
        w.clock.set(w.clock.now() + PERIOD)
        repaired = w.sweeper.sweep().repaired
    assert repaired == [execution]
    assert BACKLOGGED <= w.clock.now() - begun <= BACKLOGGED + 2 * PERIOD


def test_only_the_lost_item_is_asked_for_again(world, fail):
    text = 'tasks: [{name: a, action: t.do, with_items: "{{ range(30) | list }}", input: {n: "{{ item }}"}}]'
    loss = Loss(7)
    w = lossy(world, text, loss, fail)
    execution = w.start("t.w", {})
    swept = run(w)
    assert w.ended(execution).status is ExecutionStatus.COMPLETED
    assert sum((one.repairs for one in swept), Counter()) == {"task_lost": 1}
    assert loss.sent == 1 + 30 + 30 + 1, "a start, the items and their ends, and the lost one once more"


def test_a_repair_is_not_repeated_while_it_may_be_under_way(world, fail):
    w = lossy(world, ALL["chain"], Loss(2), fail)
    w.start("t.w", {})
    w.run()
    w.sweeper._mailbox = Safe(LossyCloud(w.clock, None, Loss()))  # nothing that is posted there arrives
    repairs = []
    for _ in range(6):
        w.clock.set(w.clock.now() + UNCLAIMED / 2)
        repairs.append(w.sweeper.sweep().repairs.total())
    assert repairs.count(1) <= 3


def test_a_bounded_run_goes_on_where_the_last_one_stopped(world, fail):
    w = lossy(world, MORE["timeout"].replace("timeout: 600, ", ""), Loss(), fail)
    executions = [w.start("t.w", {}) for _ in range(250)]
    w.run()
    w.clock.set(w.clock.now() + 1000)
    looked = [w.sweeper.sweep(most=100).looked for _ in range(4)]
    assert looked == [100, 100, 50, 100]
    assert len(executions) == 250


def test_a_start_that_never_arrives_is_sent_again_until_it_does(world, fail):
    w = lossy(world, ALL["chain"], Loss(1), fail)
    execution = w.start("t.w", {})
    mailbox, w.sweeper._mailbox = w.sweeper._mailbox, Safe(LossyCloud(w.clock, None, Loss()))
    for _ in range(3):
        w.clock.set(w.clock.now() + PERIOD)
        assert w.sweeper.sweep().repaired == [execution]
    w.sweeper._mailbox = mailbox
    run(w)
    assert w.ended(execution).status is ExecutionStatus.COMPLETED


def test_a_dead_worker_is_found_when_its_lease_is_over_even_if_its_message_is_gone(world, fail):
    w = lossy(world, ALL["chain"], Loss(), fail)
    execution = w.start("t.w", {})

    def dies(batch: list[Any]) -> list[int]:
        w.store.claim(batch[0], "dead", w.clock.now(), w.clock.now() + 900)
        return []

    w.cloud.on_tasks = dies
    w.run()
    begun = w.clock.now()
    w.cloud.on_tasks = w._work
    swept = run(w)
    assert w.ended(execution).status is ExecutionStatus.COMPLETED
    assert sum((one.repairs for one in swept), Counter()) == {"worker_gone": 1}
    assert 900 < w.clock.now() - begun <= 900 + BOUND


def test_one_execution_that_cannot_be_read_does_not_keep_the_sweep_from_the_others(world, fail):
    w = lossy(world, ALL["chain"], Loss(), fail)
    w.cloud.on_tasks = lambda batch: []
    bad, good = w.start("t.w", {}), w.start("t.w", {})
    w.run()
    stored = w.store.items[bad, StateOf()]
    w.store.items[bad, StateOf()] = stored.replace('"workflow_version": 1', '"workflow_version": 99')
    w.clock.set(w.clock.now() + 1000)
    swept = w.sweeper.sweep()
    assert swept.unreadable == [bad]
    assert swept.repaired == [good]


def test_while_the_mailboxes_are_full_it_adds_no_messages(world, fail):
    w = lossy(world, ALL["chain"], Loss(2), fail)
    w.start("t.w", {})
    w.run()
    w.clock.set(w.clock.now() + 1000)
    w.sweeper._waiting = lambda: 5000
    assert w.sweeper.sweep().looked == 0
    assert w.sweeper._inspector.notes().at == w.clock.now()
    w.sweeper._waiting = lambda: 999
    assert w.sweeper.sweep().repairs == {"task_lost": 1}


def test_a_part_of_a_list_goes_on_with_its_execution_even_if_the_news_is_lost(world, fail):
    text = "tasks: [{name: a, action: core.sleep, with_items: [9, 9, 9, 9, 9], input: {seconds: 9}, concurrency: 1}]"
    loss = Loss()
    w = lossy(world, text, loss, fail, chunk_size=4)
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 1)
    w.cloud.at(w.clock.now(), partial(Safe(w.cloud).post, [Envelope(execution, Pause("wait"))]))
    w.run(until=w.clock.now() + 60)
    w.cloud.at(w.clock.now(), partial(Safe(w.cloud).post, [Envelope(execution, Resume())]))
    loss.number = loss.sent + 1
    run(w)
    assert isinstance(loss.lost[0].message, Resume), "the one to the chunk"
    assert w.ended(execution).status is ExecutionStatus.COMPLETED


@pytest.mark.parametrize(
    ("text", "kept", "reads"),
    [
        ("event_type: Paid", [], 0),
        ("event_type: Paid", ["Paid"], 1),
        ("event_type: Paid", ["Sold"], 0),
        ("event_type: Paid, within: 1h", [], 1),
        ("pattern: {source: [shop]}", [], 1),
    ],
)
def test_a_wait_is_held_against_the_events_that_were_kept_where_there_may_be_one(world, fail, text, kept, reads):
    w = lossy(world, f"tasks: [{{name: hear, action: core.wait_for_event, input: {{{text}}}}}]", Loss(), fail)
    w.start("t.w", {})
    w.run()
    for kind in kept:
        w.known_events.keep(kind, {"id": "e-1", "source": "mall", "detail-type": kind}, w.clock.now() - 9, 1e6)
    w.clock.set(w.clock.now() + 1000)
    facts, asked = w.store.facts, []
    w.store.facts = lambda execution, keys: asked.append(keys) or facts(execution, keys)
    assert w.sweeper.sweep().repairs == {}
    assert len(asked) == reads


def test_a_round_reads_what_was_kept_of_a_type_once_however_many_wait(world, fail):
    text = "tasks: [{name: hear, action: core.wait_for_event, with_items: [1, 2, 3], input: {event_type: Paid}}]"
    w = lossy(world, text, Loss(), fail)
    for _ in range(3):
        w.start("t.w", {})
    w.run()
    w.known_events.keep("Paid", {"id": "e-1", "detail-type": "Paid"}, w.clock.now() - 9, 1e6)
    w.clock.set(w.clock.now() + 1000)
    kept, asked = w.known_events.kept, []
    w.known_events.kept = lambda kind, since: asked.append(kind) or kept(kind, since)
    w.sweeper.sweep()
    assert asked == ["Paid"]


def test_what_has_ended_is_remembered_no_longer(world, fail):
    w = lossy(world, ALL["chain"], Loss(2), fail)
    w.start("t.w", {})
    w.run()
    w.clock.set(w.clock.now() + 200)
    w.sweeper.sweep()
    assert len(w.sweeper._inspector.notes().marks) == 1
    run(w)
    w.sweeper.sweep()
    assert w.sweeper._inspector.notes().marks == {}


def test_a_child_that_was_never_created_is_found_beside_a_busy_loop(world, fail):
    text = """
vars: {n: 0}
tasks:
  - {name: sub, action: t.child}
  - name: rounds
    type: loop
    while: "{{ vars.n < 50 }}"
    tasks: [{name: nap, action: core.sleep, input: {seconds: 60}, publish: [{n: "{{ vars.n + 1 }}"}]}]
"""
    w = lossy(world, text, Loss(2), fail)
    create, lost = w.store.create, []

    def loses_first_child(start: Any) -> bool:
        if start.parent is None or lost:
            return create(start)
        lost.append(start)
        return True

    w.store.create = loses_first_child
    begun = w.clock.now()
    w.start("t.w", {})
    while not w.runner.names() and w.clock.now() < begun + 2 * BOUND:
        w.run(until=w.clock.now() + PERIOD)
        w.sweeper.sweep()
        w.run(until=w.clock.now() + 1)
    assert lost
    assert w.runner.names() == ["inner"]
    assert w.clock.now() - begun <= BOUND + 1
