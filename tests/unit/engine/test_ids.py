"""Names that are made from what they are about (promise 3)."""

from __future__ import annotations

from attune.engine.ids import AttemptId, child_id, dedup_id, execution_id
from attune.engine.messages import Cancel, Dead, Start, TaskEnded, TimerFired, TimerKind
from attune.model.status import TaskStatus

START = Start(
    execution="01E",
    workflow="t.w",
    workflow_version=3,
    parameters={"ü": [1, None]},
    created_at=1.5,
    trigger={"type": "api"},
    identity="me",
)
ENDED = TaskEnded(
    AttemptId("a", 2, 7, 3), TaskStatus.FAILED, None, has_result=True, error={"type": "X"}, resend_id="salt"
)


def test_execution_ids_sort_by_time_and_have_26_characters():
    ids = [execution_id(1_767_225_600 + seconds, b"\xff" * 10) for seconds in range(100)]
    assert ids == sorted(ids)
    assert {len(each) for each in ids} == {26}


def test_a_child_has_the_same_id_however_often_it_is_asked_for():
    first = child_id("01PARENT", AttemptId("sub"), 1.0)
    assert first == child_id("01PARENT", AttemptId("sub"), 1.0)
    assert first != child_id("01PARENT", AttemptId("sub", number=2), 1.0)
    assert first != child_id("01OTHER", AttemptId("sub"), 1.0)


def test_no_id_stands_for_two_things():
    attempts = [AttemptId("a", v, i, n) for v in (1, 2, 11) for i in (None, 0, 1, 11) for n in (1, 2, 11)]
    messages = [TaskEnded(attempt, TaskStatus.COMPLETED) for attempt in attempts]
    messages += [TimerFired(kind, attempt) for kind in TimerKind for attempt in [None, *attempts]]
    messages += [Cancel(request_id="1"), Cancel(request_id="2"), Dead("1"), Dead("2"), START]
    ids = [message.dedup for message in messages]
    assert len(set(ids)) == len(ids)
    assert all(len(each) <= 128 and each.isalnum() for each in ids)


def test_a_repair_has_a_fresh_id_and_a_copy_the_same():
    assert TaskEnded(AttemptId("a"), TaskStatus.COMPLETED, resend_id="x").dedup != ENDED.dedup
    assert (
        TaskEnded(AttemptId("a"), TaskStatus.COMPLETED, 1).dedup == TaskEnded(AttemptId("a"), TaskStatus.FAILED).dedup
    )
    assert dedup_id("ab", "c") != dedup_id("a", "bc")
