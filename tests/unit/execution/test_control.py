"""Cancel, pause and resume as use cases: whom they may tell, and what they tell."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from tests.conftest import World

from attune.engine.ids import chunk_id
from attune.engine.messages import Cancel, Pause, Resume
from attune.exceptions import Conflict, NotFound
from attune.execution.control import Control, Controlled
from attune.execution.ports.queues import Envelope
from attune.execution.queries import Reader
from attune.model.status import ExecutionStatus

NAP = "tasks: [{name: nap, action: core.sleep, input: {seconds: 60}}]"
VERBS = ("cancel", "pause", "resume")


class Kept:
    """A mailbox that nobody empties."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    def post(self, envelopes: Sequence[Envelope]) -> None:
        self.envelopes += envelopes


def control(w: World, mailbox: Any = None) -> Control:
    return Control(Reader(w.store, w.directory, w.catalog), mailbox or w.ports.mailbox, w.clock)


def asleep() -> tuple[World, str]:
    w = World(NAP)
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 1)
    return w, execution


def test_each_is_told_under_an_id_of_its_own_with_the_reason_and_who_asked():
    w, execution = asleep()
    w.clock.set(1_767_225_700.25)
    mailbox = Kept()
    told = control(w, mailbox)
    told.cancel(execution, reason="enough")
    told.pause(execution, reason="lunch", by="ann")
    told.resume(execution, by="ben")
    request = "api.1767225700.250000"
    messages = [Cancel("enough", request), Pause("lunch", request, "ann"), Resume(request, "ben")]
    assert mailbox.envelopes == [Envelope(execution, message) for message in messages]


def test_the_answer_says_where_the_execution_stands_before_it_hears_of_it():
    w, execution = asleep()
    assert control(w).pause(execution) == Controlled(id=execution, status=ExecutionStatus.WAITING)
    w.run(until=w.clock.now() + 1)
    assert control(w).resume(execution) == Controlled(id=execution, status=ExecutionStatus.PAUSED)


def test_one_that_has_not_begun_can_be_cancelled():
    w = World(NAP)
    execution = w.start("t.w", {})
    assert control(w).cancel(execution).status is ExecutionStatus.REQUESTED
    w.run()
    assert w.state(execution).status is ExecutionStatus.CANCELLED


def test_pausing_twice_is_two_messages():
    w, execution = asleep()
    for verb in ("pause", "resume", "pause"):
        getattr(control(w), verb)(execution)
        w.run(until=w.clock.now() + 1)
        w.clock.set(w.clock.now() + 1)
    assert w.state(execution).status is ExecutionStatus.PAUSED


@pytest.mark.parametrize("verb", VERBS)
def test_what_has_ended_can_be_told_nothing(verb):
    w, execution = asleep()
    w.run()
    mailbox = Kept()
    with pytest.raises(Conflict, match=r"has ended \(completed\)") as refused:
        getattr(control(w, mailbox), verb)(execution)
    assert refused.value.details == {"execution_id": execution, "status": "completed"}
    assert mailbox.envelopes == []


@pytest.mark.parametrize("verb", VERBS)
def test_what_is_not_there_is_not_found_and_a_chunk_is_nobody_s_to_tell(verb):
    w, execution = asleep()
    for name in ("nobody", chunk_id(execution, "nap", 1, 0)):
        with pytest.raises(NotFound):
            getattr(control(w), verb)(name)
