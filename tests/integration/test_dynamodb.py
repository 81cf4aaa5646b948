"""The store in DynamoDB: what it costs, how it lies there, and what it does when AWS falters.

What every store promises is in test_execution_store.py.
"""

from __future__ import annotations

import json

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from attune.adapters.aws.blobs import INLINE_LIMIT
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.execution_store import DynamoStore
from attune.adapters.aws.dynamodb.marshal import from_attributes, to_attributes
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.engine.effects import WriteItems, WriteVars
from attune.engine.facts import START, ItemsFact, RecordFact, RecordsFact, VarsFact
from attune.engine.ids import AttemptId
from attune.exceptions import PayloadTooLarge, Unavailable
from attune.execution.ports.execution_store import ClaimStatus, Record
from attune.model.status import ExecutionStatus
from tests.template import RESOURCES

BIG = "x" * (INLINE_LIMIT + 1)


@pytest.fixture
def store(table, blobs):
    return DynamoStore(table, blobs)


def raw(clients, key):
    """An item as DynamoDB has it."""
    answer = clients.dynamodb.get_item(TableName="attune", Key={"PK": {"S": key[0]}, "SK": {"S": key[1]}})
    return answer.get("Item")


def size_of(item):
    """Bytes as DynamoDB counts them: names and values; two digits of a number take a byte, and one is added."""
    sizes = {"S": lambda v: len(v.encode()), "N": lambda v: (len(v.strip("-").replace(".", "")) + 1) // 2 + 1}
    return sum(len(name) + sizes[kind](value) for name, typed in item.items() for kind, value in typed.items())


class TestKeys:
    def test_attempts_sort_by_task_visit_item_and_number(self):
        attempts = [
            AttemptId("a", 1, None, 1),
            AttemptId("a", 1, 2, 1),
            AttemptId("a", 1, 2, 2),
            AttemptId("a", 1, 2, 10),
            AttemptId("a", 1, 10, 1),
            AttemptId("a", 2, None, 1),
            AttemptId("a", 10, 0, 1),
            AttemptId("b", 1, None, 1),
        ]
        sort_keys = [keys.attempt("e", attempt)[1] for attempt in attempts]
        assert sorted(sort_keys) == sort_keys
        assert [keys.attempt_of(sort_key) for sort_key in sort_keys] == attempts

    def test_a_sort_key_of_something_else_is_no_attempt(self):
        with pytest.raises(ValueError, match="VERDICT"):
            keys.attempt_of("VERDICT#a#000001#-#1")

    def test_no_secret_is_in_a_key(self):
        assert "s3cret" not in "".join(keys.token("s3cret"))

    def test_an_idempotency_key_may_be_as_long_as_clients_like(self, table):
        table.put(with_key(keys.idempotency("k" * 100_000), x="e"))
        assert table.get(keys.idempotency("k" * 100_000))["x"] == "e"


class TestMarshalling:
    def test_text_numbers_and_bytes_come_back_as_they_were(self):
        item = {"s": "ä", "i": -3, "f": 1_767_225_600.25, "tiny": 1e-7, "b": b"\x00"}
        assert from_attributes(to_attributes(item)) == item

    def test_an_enum_is_stored_as_its_text(self):
        assert to_attributes({"st": ExecutionStatus.RUNNING}) == {"st": {"S": "running"}}


class TestTable:
    def test_the_tests_table_is_the_templates(self, clients, table):
        template = RESOURCES["Table"]["Properties"]
        made = clients.dynamodb.describe_table(TableName="attune")["Table"]
        index, expected = made["GlobalSecondaryIndexes"][0], template["GlobalSecondaryIndexes"][0]
        assert made["KeySchema"] == template["KeySchema"]
        assert {name: index[name] for name in expected} == expected
        assert template["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}

    def test_what_a_batch_did_not_process_is_asked_for_again(self, clients, table, monkeypatch):
        wanted = [("p", f"{n:03d}") for n in range(150)]
        table.write_many([with_key(key, d="x") for key in wanted])
        whole, calls = clients.dynamodb.batch_get_item, []

        def half(RequestItems):  # noqa: N803
            calls.append(len(RequestItems["attune"]["Keys"]))
            asked = RequestItems["attune"]["Keys"]
            keep = max(len(asked) // 2, 1)
            answer = whole(RequestItems={"attune": {**RequestItems["attune"], "Keys": asked[:keep]}})
            left = {"attune": {"Keys": asked[keep:]}} if len(calls) < 3 else {}
            if not left:
                answer = whole(RequestItems=RequestItems)
            return {**answer, "UnprocessedKeys": left}

        monkeypatch.setattr(clients.dynamodb, "batch_get_item", half)
        assert table.get_many(wanted).keys() == set(wanted)
        assert calls == [100, 50, 25, 50]

    def test_a_batch_that_is_never_processed_is_unavailable(self, clients, table, monkeypatch):
        stuck = {"Responses": {}, "UnprocessedKeys": {"attune": {"Keys": [{}]}}}
        monkeypatch.setattr(clients.dynamodb, "batch_get_item", lambda **_: stuck)
        with pytest.raises(Unavailable, match="BatchGetItem"):
            table.get_many([("p", "1"), ("p", "2")])

    @pytest.mark.parametrize(
        ("code", "status"), [("ProvisionedThroughputExceededException", 400), ("InternalServerError", 500)]
    )
    def test_passing_trouble_is_unavailable(self, clients, table, monkeypatch, code, status):
        error = ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "GetItem")
        monkeypatch.setattr(clients.dynamodb, "get_item", raiser(error))
        with pytest.raises(Unavailable, match=code):
            table.get(("p", "s"))

    def test_no_connection_is_unavailable(self, clients, table, monkeypatch):
        monkeypatch.setattr(clients.dynamodb, "get_item", raiser(EndpointConnectionError(endpoint_url="http://x")))
        with pytest.raises(Unavailable):
            table.get(("p", "s"))

    def test_a_bug_of_ours_is_not_dressed_up(self, clients):
        with pytest.raises(ClientError, match="ResourceNotFound"):
            Table(clients.dynamodb, "no-such-table").get(("p", "s"))

    def test_an_item_over_the_limit_is_too_large(self, table, referee):
        with pytest.raises(PayloadTooLarge):
            table.put(with_key(("p", "s"), d="x" * 500_000))
        referee.forgive("an item of 500007 bytes")

    def test_between_bounds_that_are_the_wrong_way_round_lies_nothing(self, table):
        """DynamoDB refuses to look. A clock that was set back makes them so."""
        table.put(with_key(("p", "s"), GSI1PK="LISTING", GSI1SK="b"))
        assert len(table.listed_between("LISTING", "a", "c", 10)) == 1
        assert table.listed_between("LISTING", "b", "b", 10) == []
        assert table.listed_between("LISTING", "c", "a", 10) == []

    def test_a_refused_condition_tells_why_where_the_service_does_not(self, clients, table, monkeypatch):
        """Some emulators don't know ReturnValuesOnConditionCheckFailure."""
        table.put(with_key(("p", "s"), d="there"))
        error = ClientError({"Error": {"Code": "ConditionalCheckFailedException"}}, "PutItem")
        monkeypatch.setattr(clients.dynamodb, "put_item", raiser(error))
        outcome = table.put(with_key(("p", "s"), d="mine"), "attribute_not_exists(PK)")
        assert (outcome.accepted, outcome.existing["d"]) == (False, "there")


def raiser(error):
    def call(**_):
        raise error

    return call


class TestCost:
    def test_the_state_of_a_hundred_ended_tasks_is_billed_as_one_kilobyte(self, clients, store, make):
        ended = make.state(size=100, codes=["c"] * 100, begun=(1 << 100) - 1, absorbed="1" * 20, vars_number=40)
        ended.visits, ended.last_attempt = dict.fromkeys(range(0, 100, 10), 2), dict.fromkeys(range(0, 100, 10), 3)
        ended.outbox = [["r", 99, 1, 1], ["r", 98, 1, 1]]
        store.save(ended, 0)
        assert size_of(raw(clients, keys.state(make.execution))) < 1024

    def test_what_a_task_costs(self, store, make, ledger):
        store.save(make.state(), 0)
        ledger.reset()
        store.claim(make.task(), "t", make.now, make.now + 60)
        store.finish(make.execution, AttemptId("a"), Record("completed", 1), make.now)
        store.save(store.load(make.execution), 1)
        assert ledger.counts == {("dynamodb", "UpdateItem"): 2, ("dynamodb", "GetItem"): 1, ("dynamodb", "PutItem"): 1}

    def test_a_refusal_costs_no_second_call(self, store, make, ledger):
        store.claim(make.task(), "theirs", make.now, make.now + 60)
        ledger.reset()
        assert store.claim(make.task(), "mine", make.now, make.now + 60).status is ClaimStatus.RUNNING
        store.finish(make.execution, AttemptId("a"), Record("completed", 1), make.now)
        assert store.finish(make.execution, AttemptId("a"), Record("completed", 2), make.now).result == 1
        assert ledger.counts == {("dynamodb", "UpdateItem"): 3}

    def test_one_fact_is_one_get_and_many_are_one_batch(self, store, make, ledger):
        store.create(make.start())
        ledger.reset()
        store.facts(make.execution, [START])
        assert ledger.counts == {("dynamodb", "GetItem"): 1}
        ledger.reset()
        store.facts(make.execution, [RecordFact(AttemptId(f"t{n}")) for n in range(100)])
        assert ledger.counts == {("dynamodb", "BatchGetItem"): 1}

    def test_what_never_changes_is_read_once(self, store, make, ledger):
        store.create(make.start())
        store.finish(make.execution, AttemptId("a"), Record("completed", BIG), make.now)
        wanted = [START, RecordFact(AttemptId("a"))]
        first = store.facts(make.execution, wanted)
        ledger.reset()
        assert store.facts(make.execution, wanted) == first
        assert store.load_start(make.execution) == make.start()
        assert ledger.total() == 0

    def test_what_went_with_a_saved_state_is_not_read_at_all(self, store, make, ledger):
        store.write(make.execution, [WriteVars(1, {"a": 1}), WriteItems("each", 1, [1, 2])])
        store.save(make.state(), 0)
        ledger.reset()
        store.facts(make.execution, [VarsFact(1), ItemsFact("each", 1)])
        assert ledger.total() == 0

    def test_what_went_with_a_refused_state_is_read(self, store, make, ledger):
        store.write(make.execution, [WriteVars(1, {"a": 1})])
        assert not store.save(make.state(), 7)
        ledger.reset()
        store.facts(make.execution, [VarsFact(1)])
        assert ledger.total() == 1

    def test_a_fold_that_writes_nothing_but_its_state_makes_one_call(self, store, make, ledger):
        store.write(make.execution, [])
        store.save(make.state(), 0)
        assert ledger.counts == {("dynamodb", "PutItem"): 1}

    def test_the_records_of_a_thousand_items_are_read_in_pages_not_one_by_one(self, table, store, make, ledger):
        store.write(make.execution, [WriteItems("each", 1, list(range(1000)))])
        text = "r" * 3000
        done = {"st": "completed", "r": json.dumps(text)}
        rows = [with_key(keys.attempt(make.execution, AttemptId("each", 1, n)), **done) for n in range(1000)]
        table.write_many(rows)
        ledger.reset()
        found = store.facts(make.execution, [RecordsFact("each", 1)])[RecordsFact("each", 1)]
        assert [row["result"] for row in found] == [text] * 1000
        assert 2 <= ledger.of("dynamodb")["Query"] <= 5
        assert ledger.of("dynamodb").keys() == {"Query", "GetItem"}


class TestLargeValues:
    def test_no_item_holds_a_large_value_and_all_come_back(self, clients, store, make):
        start = make.start(parameters={"big": BIG})
        store.create(start)
        store.claim(make.task(text=BIG), "t", make.now, make.now + 60)
        store.finish(make.execution, AttemptId("a"), Record("failed", {"r": BIG}, {"e": BIG}), make.now)
        store.write(make.execution, [WriteVars(1, {"v": BIG})])
        store.save(make.state(), 0)
        fresh = DynamoStore(store._table, store._blobs)
        facts = fresh.facts(make.execution, [START, VarsFact(1), RecordFact(AttemptId("a"))])
        assert fresh.load_start(make.execution) == start
        assert facts[VarsFact(1)] == {"v": BIG}
        assert facts[RecordFact(AttemptId("a"))] == {"status": "failed", "result": {"r": BIG}, "error": {"e": BIG}}
        items = clients.dynamodb.scan(TableName="attune")["Items"]
        assert len(items) == 4
        assert all(size_of(item) < 1024 for item in items)

    def test_a_state_that_outgrows_its_item_still_comes_back(self, store, make):
        grown = make.state(error={"type": "E", "message": "m" * 450_000})
        assert store.save(grown, 0)
        assert store.load(make.execution).error == grown.error
