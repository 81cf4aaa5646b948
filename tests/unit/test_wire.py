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
    Start("01E", "t.w", 3, {"ü": [1, None]}, 1.5, {"type": "api"}, "me", Parent("01P", ATTEMPT, 2)),
    TaskEnded(ATTEMPT, TaskStatus.FAILED, None, True, {"type": "X"}, "again"),
    TimerFired(TimerKind.RETRY, ATTEMPT, "again"),
    TimerFired(TimerKind.WORKFLOW_TIMEOUT),
    Answer(ATTEMPT, {"yes": True}, "me"),
    EventArrived(ATTEMPT, {"id": "1", "detail": {}}),
    Cancel("why", "2", 5),
    Pause("why", "2", "me"),
    Resume("2", "me"),
    RetryExecution("2", ("a", "b"), 4, {"x": 1}, "me"),
    StartChunk("a", 2, 7, 100, 200, 10, "again", 3, True),
    ChunkEnded("a", 2, 7, 1, [104], "again", 3),
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
    assert encode(ChunkEnded("a", 1, 0))["base"] == 0
