"""Listings, idempotency keys and tokens."""

from __future__ import annotations

import pytest

from attune.adapters.aws.blobs import INLINE_LIMIT
from attune.adapters.aws.dynamodb.directory import DynamoDirectory
from attune.adapters.aws.dynamodb.execution_store import DynamoStore
from attune.engine.effects import WriteRecord
from attune.engine.ids import AttemptId, execution_id
from attune.exceptions import InvalidRequest
from attune.execution.ports.directory import Page
from attune.execution.ports.execution_store import Record
from attune.execution.queries import Reader
from attune.model.status import ExecutionStatus, TaskStatus


@pytest.fixture
def store(table, blobs):
    return DynamoStore(table, blobs)


@pytest.fixture
def directory(table, blobs):
    return DynamoDirectory(table, blobs)


@pytest.fixture
def executions(store, make):
    """Twelve, oldest first: every third one failed, the others are running; workflows t.even and t.odd in turn."""
    ids = [execution_id(make.now + n, bytes(10)) for n in range(12)]
    for n, execution in enumerate(ids):
        workflow = "t.odd" if n % 2 else "t.even"
        store.create(make.start(execution, workflow=workflow))
        store.save(make.state(execution, workflow=workflow), 0)
        if n % 3 == 0:
            store.save(make.state(execution, workflow=workflow, status=ExecutionStatus.FAILED), 1)
    return ids


def all_pages(directory, **query):
    pages = [directory.executions(**query)]
    while pages[-1].cursor is not None:
        pages.append(directory.executions(**query, cursor=pages[-1].cursor))
    return [list(page.executions) for page in pages]


def everything(directory, **query):
    return [execution for page in all_pages(directory, **query) for execution in page]


class TestList:
    def test_all_executions_are_listed_newest_first(self, directory, executions):
        assert directory.executions() == Page(executions[::-1])

    def test_pages_follow_each_other_without_gap_or_repetition(self, directory, executions):
        pages = all_pages(directory, limit=5)
        assert [len(page) for page in pages] == [5, 5, 2]
        assert [execution for page in pages for execution in page] == executions[::-1]

    def test_a_page_of_summaries_takes_as_many_reads_for_twelve_executions_as_for_one(
        self, table, blobs, directory, executions, ledger
    ):
        for limit in (1, 12):
            reader = Reader(DynamoStore(table, blobs), directory, None)
            ledger.reset()
            rows = reader.executions(None, None, limit, "").items
            assert [row.id for row in rows] == executions[::-1][:limit]
            assert ledger.of("dynamodb")["BatchGetItem"] == 1
            assert "GetItem" not in ledger.of("dynamodb")
        assert [row.status for row in rows] == ["running", "running", "failed"] * 4

    def test_a_last_page_that_is_full_has_no_cursor(self, directory, executions):
        assert [len(page) for page in all_pages(directory, limit=6)] == [6, 6]

    def test_executions_are_listed_by_workflow(self, directory, executions):
        assert everything(directory, workflow="t.odd", limit=4) == executions[1::2][::-1]
        assert directory.executions(workflow="t.none") == Page([])

    def test_executions_are_listed_by_the_status_they_are_in_now(self, directory, executions):
        assert everything(directory, status=ExecutionStatus.FAILED, limit=3) == executions[::3][::-1]
        assert directory.executions(status=ExecutionStatus.PAUSED) == Page([])

    @pytest.mark.parametrize("limit", [1, 2, 50])
    def test_executions_are_listed_by_workflow_and_status(self, directory, executions, limit):
        query = {"workflow": "t.even", "status": ExecutionStatus.FAILED, "limit": limit}
        assert everything(directory, **query) == executions[::6][::-1]

    def test_one_that_has_only_been_started_is_listed_under_its_workflow(self, directory, store, make):
        store.create(make.start())
        assert directory.executions(workflow="t.w") == Page([make.execution])
        assert directory.executions() == Page([])

    @pytest.mark.parametrize("cursor", ["x", "!!!", "ä", "bm90LWFuLWlk", "////"])
    def test_a_cursor_that_is_none_of_ours_is_an_invalid_request(self, directory, cursor):
        with pytest.raises(InvalidRequest, match="cursor"):
            directory.executions(cursor=cursor)
        with pytest.raises(InvalidRequest, match="cursor"):
            directory.attempts("e", cursor=cursor)


class TestAttempts:
    def test_they_come_in_order_with_what_is_known_of_each(self, directory, store, make):
        for attempt in (AttemptId("b"), AttemptId("a", 1, 10), AttemptId("a", 1, 9, 2)):
            store.claim(make.task(attempt, x=1), "t", make.now, make.now + 60)
        store.finish(make.execution, AttemptId("b"), Record("completed", [1]), make.now + 2)
        store.finish(make.execution, AttemptId("c"), Record("failed", None, {"type": "E"}), make.now + 3, "01JCH1LD")
        store.write(make.execution, [WriteRecord(AttemptId("d"), TaskStatus.FAILED, error={"type": "T"})])
        rows, cursor = directory.attempts(make.execution)
        assert cursor is None
        assert [(row["task"], row["index"], row["attempt"], row["status"]) for row in rows] == [
            ("a", 9, 2, "running"),
            ("a", 10, 1, "running"),
            ("b", None, 1, "completed"),
            ("c", None, 1, "failed"),
            ("d", None, 1, "failed"),
        ]
        assert rows[2] == {
            "task": "b",
            "visit": 1,
            "index": None,
            "attempt": 1,
            "status": "completed",
            "action": "t.do",
            "input": {"x": 1},
            "result": [1],
            "error": None,
            "stored": {},
            "child": None,
            "started_at": make.now,
            "ended_at": make.now + 2,
        }
        assert (rows[3]["child"], rows[3]["error"]) == ("01JCH1LD", {"type": "E"})

    def test_pages_follow_each_other_though_dynamodb_cuts_them_at_a_megabyte(self, directory, store, make):
        for n in range(110):
            store.finish(make.execution, AttemptId("a", 1, n), Record("completed", "x" * 20_000), make.now)
        seen, cursor = [], ""
        while cursor is not None:
            rows, cursor = directory.attempts(make.execution, limit=55, cursor=cursor)
            seen.append([row["index"] for row in rows])
        assert seen == [list(range(55)), list(range(55, 110))]

    def test_what_is_too_large_to_show_is_null_and_says_where_it_lies(self, directory, store, make, clients, bucket):
        store.finish(make.execution, AttemptId("a"), Record("completed", "x" * INLINE_LIMIT), make.now)
        (row,), _ = directory.attempts(make.execution)
        assert row["result"] is None
        assert clients.s3.head_object(Bucket=bucket, Key=row["stored"]["result"])


class TestIdempotencyKeys:
    def test_the_first_binding_wins_and_is_returned(self, directory):
        assert directory.remember("key", "e1", "d1") == ("e1", "d1")
        assert directory.remember("key", "e2", "d2") == ("e1", "d1")
        assert directory.remember("another", "e2", "d2") == ("e2", "d2")

    def test_a_refused_binding_is_one_call(self, directory, ledger):
        directory.remember("key", "e1", "d1")
        ledger.reset()
        directory.remember("key", "e2", "d2")
        assert ledger.counts == {("dynamodb", "PutItem"): 1}


class TestTokens:
    def test_a_token_that_was_let_in_has_a_name(self, directory):
        directory.put_token("s3cret", "ann")
        assert directory.token_name("s3cret") == "ann"
        assert directory.token_name("other") is None

    def test_no_token_is_stored_as_it_is(self, directory, clients):
        directory.put_token("s3cret", "ann")
        assert "s3cret" not in str(clients.dynamodb.scan(TableName="attune")["Items"])
