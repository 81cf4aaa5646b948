"""What every ExecutionStore promises, asked of the one in DynamoDB and of the one in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import pytest

from attune.adapters.aws.dynamodb.execution_store import DynamoStore
from attune.adapters.memory.execution_store import MemoryStore
from attune.engine.effects import (
    Write,
    WriteItems,
    WriteOutput,
    WriteRecord,
    WriteRetry,
    WriteScope,
    WriteVars,
    WriteVerdict,
    WriteWait,
)
from attune.engine.facts import START, ItemsFact, RecordFact, RecordsFact, ScopeFact, VarsFact
from attune.engine.ids import AttemptId
from attune.engine.messages import Parent
from attune.engine.visits import Active, Visit
from attune.exceptions import task_error
from attune.execution.ports.execution_store import ClaimStatus, Record
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus, TaskStatus

EXECUTION = "01JEXECVT10N00000000000001"
NOW = 1_767_225_600.25
ERROR = task_error("Oops", "it broke")
PATTERN = {"detail-type": ["Paid"]}
WRITTEN = [
    (WriteVars(7, {"v": {"deep": [1.5]}}), {"v": {"deep": [1.5]}}),
    (
        WriteRecord(AttemptId("bad", 1, None, 2), TaskStatus.FAILED, error=ERROR),
        {"status": "failed", "result": None, "error": ERROR},
    ),
    (
        WriteWait(
            AttemptId("wait"), WaitKind.EVENT, terms={"pattern": PATTERN, "within": 60.0}, since=NOW, limit=NOW + 9
        ),
        {"pattern": PATTERN, "within": 60.0, "since": NOW, "limit": NOW + 9},
    ),
    (WriteVerdict("each", 1, ERROR), ERROR),
    (WriteItems("each", 1, [1, "two", {"three": 3}]), [1, "two", {"three": 3}]),
    (WriteScope("long", 1, {"total": 700}), {"total": 700}),
    (
        WriteRetry(number=1, at=NOW, by="me", from_=["a"], workflow_version=2, parameters=None),
        {"number": 1, "at": NOW, "by": "me", "from_": ["a"], "workflow_version": 2, "parameters": None},
    ),
    (WriteOutput({"o": 1}, None), {"output": {"o": 1}, "error": None}),
]
"""A write of each kind, and the fact that it makes."""


@pytest.fixture(params=["memory", "dynamodb"])
def store(request):
    """A store that is empty."""
    if request.param == "memory":
        return MemoryStore()
    return DynamoStore(request.getfixturevalue("table"), request.getfixturevalue("blobs"))


def finish(store, attempt, result=None, status="completed", error=None):
    return store.finish(EXECUTION, attempt, Record(status, result, error), NOW + 9)


class TestStart:
    def test_what_an_execution_was_started_with_is_written_once(self, store, make):
        assert store.create(make.start())
        assert not store.create(make.start(parameters={"other": True}))
        assert store.load_start(EXECUTION) == make.start()

    def test_a_start_keeps_parent_trigger_and_identity(self, store, make):
        given = make.start(
            parent=Parent("01JPARENT00000000000000000", AttemptId("call", 2, 7, 3), 2),
            trigger={"type": "event", "event": {"detail": {"x": 1}}},
            identity="ann",
        )
        store.create(given)
        assert store.load_start(EXECUTION) == given

    def test_nobody_has_started_an_unknown_execution(self, store, make):
        assert store.load_start(EXECUTION) is None


class TestState:
    def test_an_unknown_execution_has_no_state(self, store, make):
        assert store.load(EXECUTION) is None

    def test_a_state_comes_back_as_it_was_saved(self, store, make):
        given = make.state(
            status=ExecutionStatus.PAUSED,
            absorbed="00000000000000000042",
            codes=["c", ".", "f"],
            active={(1, 1): Visit(1, 1, single=Active(TaskStatus.SCHEDULED))},
            parent=Parent("01JPARENT00000000000000000", AttemptId("call"), 1),
            error=ERROR,
            outbox=[["r", 1, 1, 1]],
        )
        assert store.save(given, 0)
        assert store.load(EXECUTION) == replace(given, version=1)

    def test_a_save_on_an_old_version_is_refused_and_changes_nothing(self, store, make):
        assert store.save(make.state(), 0)
        assert store.save(make.state(absorbed="1"), 1)
        assert not store.save(make.state(absorbed="zombie"), 1)
        assert not store.save(make.state(absorbed="zombie"), 0)
        assert not store.save(make.state(absorbed="zombie"), 3)
        found = store.load(EXECUTION)
        assert (found.version, found.absorbed) == (2, "1")

    def test_executions_do_not_see_each_other(self, store, make):
        store.save(make.state(), 0)
        assert store.load("01JEXECVT10N00000000000002") is None


class TestFacts:
    def test_every_fact_asked_for_is_in_the_answer(self, store, make):
        wanted = [START, *(write.fact for write, _ in WRITTEN)]
        assert store.facts(EXECUTION, wanted) == dict.fromkeys(wanted)

    def test_every_kind_of_write_makes_its_fact(self, store, make):
        assert {type(write) for write, _ in WRITTEN} == set(get_args(Write))
        store.write(EXECUTION, [write for write, _ in WRITTEN])
        store.save(make.state(), 0)
        made = {write.fact: value for write, value in WRITTEN}
        assert store.facts(EXECUTION, made) == made

    def test_a_retry_that_begins_chunks_again_has_a_scope_of_its_own(self, store, make):
        first, second = ({"total": 7, "of": base} for base in (0, 2))
        store.write(EXECUTION, [WriteScope("long", 1, first, 0), WriteScope("long", 1, second, 2)])
        store.write(EXECUTION, [WriteItems("long", 1, ["a"], 0)])
        wanted = [ItemsFact("long", 1), ScopeFact("long", 1, 2), ItemsFact("long", 1, 0)]
        assert list(store.facts(EXECUTION, wanted).values()) == [first, second, ["a"]]

    def test_the_start_is_a_fact(self, store, make):
        store.create(make.start())
        assert store.facts(EXECUTION, [START])[START]["parameters"] == {"a": [1, None, "ä"]}

    def test_records_of_a_visit_stand_in_the_order_of_its_items_with_gaps_where_none_ended(self, store, make):
        store.write(EXECUTION, [WriteItems("each", 1, list("abcdefghijkl"))])
        for index in (10, 2, 0):
            finish(store, AttemptId("each", 1, index), index * 100)
        rows = store.facts(EXECUTION, [RecordsFact("each", 1)])[RecordsFact("each", 1)]
        assert len(rows) == 12
        assert {i: row["result"] for i, row in enumerate(rows) if row} == {0: 0, 2: 200, 10: 1000}

    def test_records_of_a_visit_tell_of_the_last_attempt_that_ended(self, store, make):
        store.write(EXECUTION, [WriteItems("each", 2, ["x", "y"])])
        finish(store, AttemptId("each", 2, 0, 2), "second")
        finish(store, AttemptId("each", 2, 0, 1), None, "failed", ERROR)
        finish(store, AttemptId("each", 2, 1, 1), None, "failed", ERROR)
        store.claim(make.task(AttemptId("each", 2, 1, 2)), "token", NOW, NOW + 60)
        finish(store, AttemptId("each", 1, 1, 1), "of another visit")
        finish(store, AttemptId("eac", 2, 1, 1), "of another task")
        rows = store.facts(EXECUTION, [RecordsFact("each", 2)])[RecordsFact("each", 2)]
        assert [(row["status"], row["result"]) for row in rows] == [("completed", "second"), ("failed", None)]

    def test_what_is_read_can_be_changed_without_changing_what_is_stored(self, store, make):
        store.write(EXECUTION, [WriteVars(1, {"list": []})])
        store.save(make.state(), 0)
        store.facts(EXECUTION, [VarsFact(1)])[VarsFact(1)]["list"].append("mine")
        assert store.facts(EXECUTION, [VarsFact(1)])[VarsFact(1)] == {"list": []}

    def test_variables_of_a_refused_save_can_be_written_anew(self, store, make):
        store.save(make.state(), 0)
        store.write(EXECUTION, [WriteVars(1, {"who": "loser"})])
        assert not store.save(make.state(), 0)
        store.write(EXECUTION, [WriteVars(1, {"who": "winner"})])
        assert store.save(make.state(), 1)
        assert store.facts(EXECUTION, [VarsFact(1)])[VarsFact(1)] == {"who": "winner"}


class TestClaim:
    def test_an_attempt_that_nobody_has_begun_is_granted(self, store, make):
        claim = store.claim(make.task(), "mine", NOW, NOW + 60)
        assert (claim.status, claim.lease_until) == (ClaimStatus.GRANTED, NOW + 60)

    def test_my_own_claim_is_granted_again_because_its_reply_may_have_been_lost(self, store, make):
        store.claim(make.task(idempotent=False), "mine", NOW, NOW + 60)
        assert store.claim(make.task(idempotent=False), "mine", NOW + 1, NOW + 61).status is ClaimStatus.GRANTED

    def test_an_attempt_under_a_living_lease_is_running(self, store, make):
        store.claim(make.task(), "theirs", NOW, NOW + 60)
        claim = store.claim(make.task(), "mine", NOW + 60, NOW + 120)
        assert (claim.status, claim.lease_until) == (ClaimStatus.RUNNING, NOW + 60)

    def test_the_lease_of_a_dead_worker_is_taken_over_if_the_action_may_run_twice(self, store, make):
        store.claim(make.task(), "theirs", NOW, NOW + 60)
        assert store.claim(make.task(), "mine", NOW + 61, NOW + 120).status is ClaimStatus.GRANTED
        assert store.claim(make.task(), "theirs", NOW + 62, NOW + 120).status is ClaimStatus.RUNNING

    def test_an_attempt_that_must_not_run_twice_is_lost_with_its_worker(self, store, make):
        store.claim(make.task(idempotent=False), "theirs", NOW, NOW + 60)
        assert store.claim(make.task(idempotent=False), "mine", NOW + 61, NOW + 120).status is ClaimStatus.LOST
        assert store.claim(make.task(idempotent=False), "mine", NOW + 62, NOW + 120).status is ClaimStatus.LOST

    def test_an_attempt_that_ended_is_never_run_again(self, store, make):
        store.claim(make.task(), "mine", NOW, NOW + 60)
        finish(store, AttemptId("a"), {"r": [1]})
        for token in ("mine", "theirs"):
            claim = store.claim(make.task(), token, NOW + 999, NOW + 1999)
            assert (claim.status, claim.record) == (ClaimStatus.ENDED, Record("completed", {"r": [1]}))

    def test_attempts_visits_and_items_are_claimed_apart(self, store, make):
        for attempt in (AttemptId("a"), AttemptId("a", 2), AttemptId("a", 1, 0), AttemptId("a", 1, None, 2)):
            assert store.claim(make.task(attempt), str(attempt), NOW, NOW + 60).status is ClaimStatus.GRANTED

    def test_the_first_result_wins_and_a_loser_is_told_which(self, store, make):
        store.claim(make.task(), "mine", NOW, NOW + 60)
        first = Record("failed", None, ERROR)
        assert store.finish(EXECUTION, AttemptId("a"), first, NOW + 5) == first
        assert store.finish(EXECUTION, AttemptId("a"), Record("completed", 1), NOW + 6) == first
        fact = store.facts(EXECUTION, [RecordFact(AttemptId("a"))])[RecordFact(AttemptId("a"))]
        assert {name: fact[name] for name in ("status", "result", "error")} == first.to_dict()

    def test_an_attempt_that_is_running_has_no_record(self, store, make):
        store.claim(make.task(), "mine", NOW, NOW + 60)
        assert store.facts(EXECUTION, [RecordFact(AttemptId("a"))]) == {RecordFact(AttemptId("a")): None}
        finish(store, AttemptId("a"), 5)
        assert store.facts(EXECUTION, [RecordFact(AttemptId("a"))])[RecordFact(AttemptId("a"))]["result"] == 5

    def test_the_end_of_an_attempt_that_nobody_claimed_is_recorded(self, store, make):
        """A child execution reports its end so."""
        recorded = store.finish(EXECUTION, AttemptId("call"), Record("completed", {"x": 1}), NOW, "01JCH1LD")
        assert recorded == Record("completed", {"x": 1})
        assert store.claim(make.task(AttemptId("call")), "late", NOW, NOW + 1).status is ClaimStatus.ENDED

    def test_null_is_a_result(self, store, make):
        finish(store, AttemptId("a"), None)
        assert finish(store, AttemptId("a"), "late") == Record("completed", None)
