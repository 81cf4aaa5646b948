"""Messages as they travel."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from attune.engine.ids import AttemptId
from attune.engine.messages import (
    Answer,
    Cancel,
    ChunkEnded,
    Dead,
    EventArrived,
    Message,
    Nudge,
    Parent,
    Pause,
    Resume,
    RetryExecution,
    Start,
    StartChunk,
    TaskEnded,
    TimerFired,
    TimerKind,
)
from attune.engine.wire import FORMS, decode, encode
from attune.model.status import TaskStatus

ATTEMPT = AttemptId("a", 2, 7, 3)
EXAMPLES = [
    Start(
        execution="01E",
        workflow="t.w",
        workflow_version=3,
        parameters={"ü": [1, None]},
        created_at=1.5,
        trigger={"type": "api"},
        identity="me",
        parent=Parent("01P", ATTEMPT, 2),
    ),
    TaskEnded(ATTEMPT, TaskStatus.FAILED, None, has_result=True, error={"type": "X"}, resend_id="again"),
    TimerFired(TimerKind.RETRY, ATTEMPT, "again"),
    TimerFired(TimerKind.WORKFLOW_TIMEOUT),
    Answer(ATTEMPT, {"yes": True}, "me"),
    EventArrived(ATTEMPT, {"id": "1", "detail": {}}),
    Cancel("why", "2", 5),
    Pause("why", "2", "me"),
    Resume("2", "me"),
    RetryExecution("2", ("a", "b"), workflow_version=4, parameters={"x": 1}, by="me"),
    StartChunk(
        task="a", visit=2, number=7, first=100, stop=200, window=10, resend_id="again", attempt_base=3, whole=True
    ),
    ChunkEnded(task="a", visit=2, number=7, failed=1, indexes=[104], resend_id="again", attempt_base=3),
    Dead("2", {"type": "pause"}, "it cannot be folded"),
    Nudge("2", (ATTEMPT,)),
]


def test_every_kind_of_message_has_a_form_and_an_example():
    kinds = set(get_args(Message))
    assert set(FORMS) == kinds
    assert {type(example) for example in EXAMPLES} == kinds


def test_no_two_kinds_have_the_same_name():
    assert len({form.name for form in FORMS.values()}) == len(FORMS)


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_every_message_survives_the_queue(message):
    assert decode(json.loads(json.dumps(encode(message)))) == message


def test_fields_travel_under_the_names_that_they_had_first():
    """Messages of an earlier release lie on the queues of a stack that is brought up to date."""
    assert encode(Cancel("why", "2", 5)) == {"type": "cancel", "reason": "why", "generation": "2", "run": 5}
    assert encode(TimerFired(TimerKind.SLEEP, None, "x")) == {
        "type": "timer",
        "kind": "sleep",
        "attempt": None,
        "salt": "x",
    }
    assert encode(ChunkEnded(task="a", visit=1, number=0))["base"] == 0
