"""The promises: crashes, duplicates and poison at every call of every port, in the simulator.

A run without faults counts the calls. Then one run per call, in which the process dies before it, after it, or in
which everything is delivered twice. After each: same outcome, nothing run twice after its result was recorded.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from attune.engine.messages import Cancel, Dead, Pause, Resume, TaskEnded
from attune.execution.ports import Letter, Received
from attune.language.status import ExecutionStatus

WORKFLOWS = {
    "chain": """
tasks:
  - {name: a, action: t.do, on_success: b, publish: [{v: 1}]}
  - {name: b, action: t.do, input: {v: "{{ vars.v }}"}, on_success: c}
  - {name: c, action: t.do}
output_map: "{{ task.b.result.v }}"
""",
    "diamond": """
tasks:
  - {name: a, action: t.do, on_success: [b, c]}
  - {name: b, action: t.do, on_success: d}
  - {name: c, action: t.do, on_success: d}
  - {name: d, action: t.do}
""",
    "items": """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(5) | list }}", concurrency: 2,
     input: {n: "{{ item }}"}, on_success: b}
  - {name: b, action: t.do, input: {all: "{{ task.a.result | map(attribute='n') | list }}"}}
output_map: "{{ task.b.result.all }}"
""",
    "chunks": """
vars: {v: 1}
tasks:
  - {name: a, action: t.do, with_items: "{{ range(5) | list }}", input: {n: "{{ item + vars.v }}"}, on_success: b}
  - {name: b, action: t.do, input: {all: "{{ task.a.result | map(attribute='n') | list }}"}}
output_map: "{{ task.b.result.all }}"
""",
    "chunk retries": """
tasks:
  - {name: a, action: t.do, with_items: [1, 2, 3], concurrency: 1, tolerate_failures: 3, retry: {count: 1, delay: 30},
     on_success: b}
  - {name: b, action: t.do}
output_map: "{{ task.a.failed_count }}"
""",
    "retry": """
tasks:
  - {name: a, action: t.do, retry: {count: 2, delay: 30}, on_success: b}
  - {name: b, action: core.sleep, input: {seconds: 20}}
""",
    "child": """
tasks:
  - {name: sub, action: t.child, on_success: after}
  - {name: after, action: t.do, input: {n: "{{ task.sub.result.n }}"}}
output_map: "{{ task.after.result.n }}"
""",
    "parallel": """
tasks:
  - name: both
    type: parallel
    tasks:
      - {name: a, action: t.do, input: {n: 1}}
      - {name: b, action: t.do, input: {n: 2}}
    on_success: after
  - {name: after, action: t.do, input: {n: "{{ task.both.result.b.n }}"}}
output_map: "{{ task.after.result.n }}"
""",
    "loop": """
vars: {n: 0}
tasks:
  - name: rounds
    type: loop
    while: "{{ vars.n < 3 }}"
    tasks:
      - {name: step, action: t.do, publish: [{n: "{{ vars.n + 1 }}"}], on_success: nap}
      - {name: nap, action: core.sleep, input: {seconds: 5}}
output_map: "{{ task.rounds.result.iterations }}"
""",
    "event": """
tasks:
  - {name: a, action: t.do, on_success: paid}
  - {name: paid, action: core.wait_for_event, input: {event_type: Paid, within: 1h}, timeout: 1h, on_success: b}
  - {name: b, action: t.do, input: {n: "{{ task.paid.result.id }}"}}
output_map: "{{ task.b.result.n }}"
""",
    "failure": """
tasks:
  - {name: x, action: t.do, on_failure: clean}
  - {name: clean, action: t.do, on_complete: [fail]}
""",
}
RETRIED = """
tasks:
  - {name: a, action: t.do, with_items: [0, 1, 2], concurrency: 2, input: {n: "{{ item }}"}, on_success: d}
  - {name: b, action: t.do, on_success: d}
  - {name: d, action: t.do, input: {all: "{{ task.a.result | map(attribute='n') | list }}"}}
output_map: "{{ task.d.result.all }}"
"""
CHILD = """
ref: t.child
tasks: [{name: inner, action: t.do, input: {n: 7}}]
output_map: {n: "{{ task.inner.result.n }}"}
"""


class Crash(BaseException):
    """The process is gone."""


@dataclass
class Fault:
    """Dies before or after the call with this number; counts calls until then."""

    number: int = -1
    after: bool = False
    calls: int = 0

    def around(self, method: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            hit = self.calls == self.number
            if hit and not self.after:
                raise Crash
            result = method(*args, **kwargs)
            if hit:
                raise Crash
            return result

        return call


class Faulty:
    """A port that dies at a call."""

    def __init__(self, port: Any, fault: Fault) -> None:
        self._port, self._fault = port, fault

    def __getattr__(self, name: str) -> Any:
        return self._fault.around(getattr(self._port, name))


def faulty_world(world: Any, name: str, fault: Fault, fail: Any, *, twice: bool = False) -> Any:
    """A world whose handlers reach every port through the fault, and die with their whole invocation."""
    script = {"x": fail(), **({"a": [fail(), "fine"]} if name in ("retry", "chunk retries") else {})}
    w = world(WORKFLOWS.get(name, RETRIED), CHILD, script=script, chunk_size=2 if name.startswith("chunk") else None)
    w.event({"id": "e-1", "source": "shop", "detail-type": "Paid", "detail": {}})
    for owner in (w.advancer, w.advancer._dispatcher, w.advancer._dispatcher._look_back, w.worker):
        for slot in ("_store", "_events", "_mailbox", "_tasks", "_timers"):
            if hasattr(owner, slot):
                setattr(owner, slot, Faulty(getattr(owner, slot), fault))
    w.cloud.on_letters = _dying(w.cloud.on_letters, twice)
    w.cloud.on_tasks = _dying(w.cloud.on_tasks, twice)
    return w


def _dying(handler: Any, twice: bool) -> Any:
    def call(*args: Any) -> Any:
        try:
            answer = handler(*args)
            return handler(*args) if twice else answer
        except Crash:
            raise RuntimeError("the invocation died") from None

    return call


def outcome(w: Any) -> tuple[Any, ...]:
    """How the run ended, and every attempt that ran, as often as it ran."""
    ended = w.go()
    state = w.state(ended.execution)
    return ended.status, ended.output, "".join(state.codes), state.item_counts


@pytest.mark.parametrize("name", WORKFLOWS)
def test_a_crash_at_any_call_changes_nothing_but_the_time(world, fail, name):
    count = Fault()
    expected = outcome(faulty_world(world, name, count, fail))
    assert count.calls > 10
    assert (expected[0] is ExecutionStatus.FAILED) == (name == "failure")
    for number in range(1, count.calls + 1):
        for after in (False, True):
            w = faulty_world(world, name, Fault(number, after), fail)
            assert outcome(w) == expected, f"crash {'after' if after else 'before'} call {number}"
            assert not w.cloud.dead
            _nothing_ran_after_its_result_was_recorded(w)


def retried(w: Any) -> tuple[Any, ...]:
    """How a run ended whose failures were mended, and that was then retried."""
    first = w.go()
    assert first.status is ExecutionStatus.FAILED
    w.runner.script.clear()
    w.retry(first.execution)
    w.run()
    ended, state = w.ended(first.execution), w.state(first.execution)
    return ended.status, ended.output, "".join(state.codes), state.item_counts, state.retried


HOW = ["retried", "chunks retried"]


def failing_world(world: Any, name: str, fault: Fault, fail: Any, *, twice: bool = False) -> Any:
    """One item of three fails, and a task beside."""
    w = faulty_world(world, name, fault, fail, twice=twice)
    w.runner.script |= {"a": lambda a: fail() if a.index == 1 else {"n": a.index}, "b": fail()}
    return w


@pytest.mark.parametrize("name", HOW)
def test_a_crash_at_any_call_of_a_retry_changes_nothing_but_the_time(world, fail, name):
    count = Fault()
    expected = retried(failing_world(world, name, count, fail))
    assert expected[:2] == (ExecutionStatus.COMPLETED, [0, 1, 2])
    for number in range(1, count.calls + 1):
        for after in (False, True):
            w = failing_world(world, name, Fault(number, after), fail)
            assert retried(w) == expected, f"crash {'after' if after else 'before'} call {number}"
            assert not w.cloud.dead
            _nothing_ran_after_its_result_was_recorded(w)


@pytest.mark.parametrize("name", HOW)
def test_every_batch_of_a_retry_delivered_twice_runs_nothing_twice(world, fail, name):
    w = failing_world(world, name, Fault(), fail, twice=True)
    assert retried(w) == retried(failing_world(world, name, Fault(), fail))
    ran = [(a.task, a.index, a.number) for a in w.runner.ran]
    assert sorted(ran, key=str) == sorted(
        [("a", 0, 1), ("a", 1, 1), ("a", 1, 2), ("a", 2, 1), ("b", None, 1), ("b", None, 2), ("d", None, 1)], key=str
    )


def _nothing_ran_after_its_result_was_recorded(w: Any) -> None:
    ran = [(a.execution_id, a.task, a.visit, a.index, a.number) for a in w.runner.ran]
    again = [attempt for attempt in set(ran) if ran.count(attempt) > 1]
    assert len(again) <= 10, "only attempts whose worker died before recording may run again"


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_batch_delivered_twice_changes_nothing_and_runs_nothing_twice(world, fail, name):
    expected = outcome(faulty_world(world, name, Fault(), fail))
    w = faulty_world(world, name, Fault(), fail, twice=True)
    assert outcome(w) == expected
    ran = [(a.execution_id, a.task, a.visit, a.index, a.number) for a in w.runner.ran]
    assert len(ran) == len(set(ran))


def test_a_crash_between_save_and_send_is_mended_by_the_same_message(world, fail):
    w = world(WORKFLOWS["chain"])
    sends = 0
    send = w.advancer._dispatcher.send

    def dies_once(state: Any, effects: Any) -> None:
        nonlocal sends
        sends += 1
        if sends == 1:
            raise RuntimeError("died between save and send")
        send(state, effects)

    w.advancer._dispatcher.send = dies_once
    ended = w.go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert ended.ran == ["a", "b", "c"]


def test_without_the_outbox_that_crash_would_lose_the_task(world):
    """The test above can fail: with the outbox gone, the execution stands still for ever."""
    w = world(WORKFLOWS["chain"])
    w.advancer._send_again = lambda state: None
    send, first = w.advancer._dispatcher.send, [True]

    def dies_once(state: Any, effects: Any) -> None:
        if first.pop() if first else False:
            raise RuntimeError("died")
        send(state, effects)

    w.advancer._dispatcher.send = dies_once
    execution = w.start("t.w", {})
    w.run()
    assert w.state(execution).status is ExecutionStatus.RUNNING


def test_a_zombies_save_is_refused_and_what_the_state_has_absorbed_is_not_folded_again(world):
    w = world(WORKFLOWS["chain"])
    execution = w.start("t.w", {})
    w.cloud.step()
    old = w.store.load(execution)
    assert old is None
    w.run()
    state = w.store.load(execution)
    assert not w.store.save(state, expected=1), "a version that has gone by"


def test_an_attempt_that_is_not_idempotent_is_not_run_again_when_its_worker_dies(world):
    w = world(
        """
tasks:
  - {name: a, action: t.once, on_failure: handler}
  - {name: handler, action: t.do, input: {t: "{{ task.a.error.type }}"}}
output_map: "{{ task.handler.result.t }}"
"""
    )
    finish = w.store.finish

    def dies_first(*args: Any, **kwargs: Any) -> Any:
        if w.runner.names() == ["a"] and not dies_first.done:
            dies_first.done = True
            raise RuntimeError("the worker died after it ran the action")
        return finish(*args, **kwargs)

    dies_first.done = False
    w.store.finish = dies_first
    ended = w.go()
    assert ended.output == "worker_lost"
    assert ended.ran == ["a", "handler"]


def test_a_duplicate_of_a_running_attempt_waits_until_the_lease_is_over(world):
    w = world("tasks: [{name: a, action: t.do}]", takes={"a": 100})
    batches = []
    handler = w.cloud.on_tasks

    def twice(batch: list[Any]) -> list[int]:
        if not batches:
            batches.append(batch)
            w.store.claim(batch[0], "somebody else", w.clock.now(), w.clock.now() + 500)
        return handler(batch)

    w.cloud.on_tasks = twice
    begun = w.clock.now()
    ended = w.go()
    assert ended.status is ExecutionStatus.COMPLETED
    assert w.clock.now() - begun > 500
    assert ended.ran == ["a"]


def test_a_dead_letter_is_tried_once_more_and_then_parks_the_execution_visibly(world):
    w = world("tasks: [{name: a, action: core.sleep, input: {seconds: 10}}]")
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 1)
    w.post(execution, Dead("m-1", {"type": "no such thing"}))
    w.run()
    state = w.state(execution)
    assert state.status is ExecutionStatus.PAUSED or state.status.ended
    assert state.error is None or state.error["type"] == "poison_message"


def test_a_dead_result_is_folded_when_its_dead_letter_is_told(world):
    w = world(WORKFLOWS["chain"], takes={"a": 1})
    lost = []
    post = w.cloud.post

    def loses_first_result(letters: list[Letter]) -> None:
        kept = [x for x in letters if not (isinstance(x.message, TaskEnded) and not lost and not lost.append(x))]
        post(kept)

    w.worker._mailbox = type("Port", (), {"post": staticmethod(loses_first_result)})
    execution = w.start("t.w", {})
    w.run()
    assert w.state(execution).status is ExecutionStatus.RUNNING, "the result is lost"
    from attune.engine.messages import encode

    w.post(execution, Dead("m-2", encode(lost[0].message)))
    w.run()
    assert w.ended(execution).status is ExecutionStatus.COMPLETED


def test_an_execution_whose_start_was_lost_begins_with_its_next_letter(world):
    w = world(WORKFLOWS["chain"])
    execution = w.start("t.w", {})
    w.cloud.purge()
    w.post(execution, Pause())
    w.run()
    assert w.state(execution).status is ExecutionStatus.PAUSED
    w.post(execution, Resume())
    w.run()
    assert w.ended(execution).status is ExecutionStatus.COMPLETED
    assert w.runner.names() == ["a", "b", "c"]


def test_a_start_and_its_cancellation_in_one_batch_run_nothing(world):
    w = world(WORKFLOWS["chain"])
    execution = w.start("t.w", {})
    start = w.store.load_start(execution)
    w.cloud.purge()
    letters = [Received("1", start), Received("2", Cancel("at once"))]
    w.advancer.deliver(execution, letters)
    w.run()
    assert w.ended(execution).status is ExecutionStatus.CANCELLED
    assert w.runner.names() == []
