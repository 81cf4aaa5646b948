"""The promises one by one, in the simulator; ``test_explore`` tries out all crash points of all constructs."""

from __future__ import annotations

from typing import Any

import pytest
from tests.explore.workflows.flow import CHAIN

from attune.engine.messages import Cancel, Dead, Pause, Resume, TaskEnded
from attune.engine.wire import encode
from attune.exceptions import Unavailable
from attune.execution.ports.queues import Delivery, Envelope
from attune.execution.worker import PAUSES
from attune.model.status import ExecutionStatus


def test_a_crash_between_save_and_send_is_mended_by_the_same_message(world, fail):
    w = world(CHAIN)
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
    w = world(CHAIN)
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
    w = world(CHAIN)
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


@pytest.mark.parametrize(("refusals", "status", "last"), [(3, "completed", 1 + 2), (7, "failed", sum(PAUSES))])
def test_a_result_that_the_table_refuses_is_offered_again_and_again(world, refusals, status, last):
    w = world("tasks: [{name: a, action: t.once}]")
    finish, begun = w.store.finish, w.clock.now()
    refused: list[float] = []

    def throttled(*args: Any, **kwargs: Any) -> Any:
        if len(refused) < refusals:
            refused.append(w.clock.now() - begun)
            raise Unavailable("too many requests")
        return finish(*args, **kwargs)

    w.store.finish = throttled
    ended = w.go()
    assert (str(ended.status), ended.ran) == (status, ["a"])
    assert refused[-1] == last


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
    w = world(CHAIN, takes={"a": 1})
    lost = []
    post = w.cloud.post

    def loses_first_result(envelopes: list[Envelope]) -> None:
        kept = [x for x in envelopes if not (isinstance(x.message, TaskEnded) and not lost and not lost.append(x))]
        post(kept)

    w.worker._mailbox = type("Port", (), {"post": staticmethod(loses_first_result)})
    execution = w.start("t.w", {})
    w.run()
    assert w.state(execution).status is ExecutionStatus.RUNNING, "the result is lost"
    w.post(execution, Dead("m-2", encode(lost[0].message)))
    w.run()
    assert w.ended(execution).status is ExecutionStatus.COMPLETED


def test_an_execution_whose_start_was_lost_begins_with_its_next_message(world):
    w = world(CHAIN)
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
    w = world(CHAIN)
    execution = w.start("t.w", {})
    start = w.store.load_start(execution)
    w.cloud.purge()
    deliveries = [Delivery("1", start), Delivery("2", Cancel("at once"))]
    w.advancer.deliver(execution, deliveries)
    w.run()
    assert w.ended(execution).status is ExecutionStatus.CANCELLED
    assert w.runner.names() == []
