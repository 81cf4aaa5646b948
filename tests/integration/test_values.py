"""The key-value store, secrets and sealed parameters on AWS (moto), and the routes to them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from attune.adapters.aws.blobs import INLINE_LIMIT, S3BlobStore
from attune.adapters.aws.cursors import encode_cursor
from attune.adapters.aws.dynamodb.execution_store import DynamoStore
from attune.adapters.aws.dynamodb.key_values import DynamoKeyValueStore
from attune.adapters.aws.dynamodb.table import Table
from attune.adapters.aws.secrets import KNOWN_FOR, AwsSecrets, KmsSealer
from attune.adapters.memory.clock import VirtualClock
from attune.engine.facts import KEY_NAMES, START, KeyValueFact
from attune.exceptions import Conflict, InvalidRequest, NotFound, PayloadTooLarge
from tests.integration.aws_rules import Referee
from tests.metering.call_ledger import CallLedger


@pytest.fixture
def values(table: Table, blobs: S3BlobStore) -> DynamoKeyValueStore:
    return DynamoKeyValueStore(table, blobs)


@pytest.mark.parametrize("value", [None, "text", 1.5, {"a": [1, "ä"]}, "x" * (INLINE_LIMIT + 1)])
def test_a_value_comes_back_as_it_was_set(values: DynamoKeyValueStore, value: Any) -> None:
    assert values.put("a.b", value) is True
    assert values.get("a.b") == [value]
    assert values.put("a.b", value) is False, "it is not new"
    assert values.delete("a.b") is True
    assert (values.get("a.b"), values.delete("a.b")) == (None, False)


def test_keys_are_listed_by_prefix_page_by_page(values: DynamoKeyValueStore) -> None:
    for key in ("b.2", "a.1", "b.1", "b.3", "c"):
        values.put(key, 1)
    assert values.keys() == (["a.1", "b.1", "b.2", "b.3", "c"], None)
    found, cursor = values.keys("b.", limit=2)
    assert (found, values.keys("b.", 2, cursor or "")) == (["b.1", "b.2"], (["b.3"], None))
    with pytest.raises(InvalidRequest):
        values.keys(cursor="ä")


def test_a_cursor_of_another_listing_gives_no_key_that_does_not_begin_so(values: DynamoKeyValueStore) -> None:
    for key in ("a.1", "b.1", "c"):
        values.put(key, 1)
    assert values.keys("b.", cursor=encode_cursor("c")) == ([], None)
    assert values.keys("b.", cursor=encode_cursor("a")) == (["b.1"], None)


def test_values_are_facts_that_are_read_with_the_others_in_one_call_and_never_kept(
    table: Table, blobs: S3BlobStore, values: DynamoKeyValueStore, make: Any, ledger: CallLedger
) -> None:
    store = DynamoStore(table, blobs)
    store.create(make.start())
    values.put("START", 1)
    ledger.reset()
    wanted = [START, KeyValueFact("START"), KeyValueFact("other")]
    found = store.facts(make.execution, wanted)
    assert (found[KeyValueFact("START")], found[KeyValueFact("other")]) == ([1], None)
    assert ledger.of("dynamodb") == {"BatchGetItem": 1}
    values.put("START", 2)
    assert store.facts(make.execution, wanted)[KeyValueFact("START")] == [2]
    assert store.facts(make.execution, [KEY_NAMES]) == {KEY_NAMES: ["START"]}


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def secrets(clients: SimpleNamespace, clock: VirtualClock) -> AwsSecrets:
    return AwsSecrets(clients.secretsmanager, "stack/", clock)


def test_a_secret_is_set_read_changed_and_removed_and_its_name_can_be_used_again(
    secrets: AwsSecrets, clock: VirtualClock, ledger: CallLedger
) -> None:
    assert secrets.put("api", "first") is True
    assert [secrets.get("api"), secrets.get("api")] == ["first", "first"]
    assert ledger.of("secretsmanager")["GetSecretValue"] == 1
    assert secrets.put("api", "second") is False
    clock.advance(KNOWN_FOR + 1)
    assert secrets.get("api") == "second"
    assert (secrets.delete("api"), secrets.delete("api")) == (True, False)
    clock.advance(KNOWN_FOR + 1)
    with pytest.raises(NotFound, match="there is no secret 'api'"):
        secrets.get("api")
    assert secrets.put("api", "third") is True


def test_only_the_stacks_own_secrets_are_listed(secrets: AwsSecrets, clients: SimpleNamespace) -> None:
    clients.secretsmanager.create_secret(Name="other/x", SecretString="x")
    clients.secretsmanager.create_secret(Name="x/stack/y", SecretString="x")
    for name in ("a", "b", "c"):
        secrets.put(name, "value")
    found, cursor = secrets.names(limit=2)
    more, last = secrets.names(2, cursor or "")
    assert (sorted(found + more), last) == (["a", "b", "c"], None)


def test_what_cannot_be_read_says_why(secrets: AwsSecrets, clients: SimpleNamespace) -> None:
    clients.secretsmanager.create_secret(Name="stack/binary", SecretBinary=b"\x00")
    with pytest.raises(InvalidRequest, match="binary"):
        secrets.get("binary")
    secrets.put("gone", "value")
    clients.secretsmanager.delete_secret(SecretId="stack/gone")
    with pytest.raises(Conflict, match="is being deleted"):
        secrets.get("gone")


@pytest.fixture
def sealer(clients: SimpleNamespace, clock: VirtualClock) -> KmsSealer:
    return KmsSealer(clients.kms, clients.kms.create_key()["KeyMetadata"]["Arn"], clock)


@pytest.mark.parametrize("value", ["hunter22", {"a": [1, "ä"]}, 4711, True])
def test_a_sealed_value_is_opened_once_and_does_not_show_it(sealer: KmsSealer, ledger: CallLedger, value: Any) -> None:
    sealed = sealer.seal("EXECUTION", value)
    assert "hunter22" not in sealed
    assert [sealer.open(sealed), sealer.open(sealed)] == [value, value]
    assert ledger.of("kms")["Decrypt"] == 1


def test_what_is_sealed_for_one_execution_is_none_of_another(sealer: KmsSealer, referee: Referee) -> None:
    sealed = sealer.seal("EXECUTION", "hunter22")
    for forged in (sealed.replace("EXECUTION", "ANOTHER"), "EXECUTION/AAAA", "EXECUTION/ä", "x"):
        with pytest.raises(InvalidRequest, match="cannot be opened"):
            sealer.open(forged)
    referee.forgive(".CiphertextBlob is 0")


def test_a_secret_parameter_has_4096_bytes_at_most(sealer: KmsSealer) -> None:
    with pytest.raises(PayloadTooLarge, match="4096"):
        sealer.seal("EXECUTION", "x" * 4095)


def test_the_routes_of_values(stack: Any) -> None:
    assert stack.api("PUT", "/api/v1/kv/demo.url", {"value": {"a": 1}})[1]["data"] == {
        "key": "demo.url",
        "created": True,
    }
    assert stack.api("PUT", "/api/v1/kv/demo.url", {"value": None})[1]["data"]["created"] is False
    assert stack.api("GET", "/api/v1/kv/demo.url")[1]["data"] == {"key": "demo.url", "value": None}
    assert stack.api("GET", "/api/v1/kv?prefix=demo.")[1]["data"] == {"items": ["demo.url"], "cursor": None}
    assert stack.api("GET", "/api/v1/kv?prefix=x")[1]["data"]["items"] == []
    assert stack.api("GET", f"/api/v1/kv?prefix={'😀' * 255}")[0] == 422, "no key begins so, and none could be so long"
    assert stack.api("DELETE", "/api/v1/kv/demo.url")[0] == 200
    for method in ("GET", "DELETE"):
        assert stack.api(method, "/api/v1/kv/demo.url")[0] == 404
    assert stack.api("PUT", "/api/v1/kv/demo.url", {})[0] == 422
    assert stack.api("PUT", "/api/v1/kv/-x", {"value": 1})[0] == 422
    assert stack.api("GET", "/api/v1/kv?cursor=a")[0] == 400
    assert stack.api("GET", f"/api/v1/kv?cursor={encode_cursor('x' * 1100)}")[0] == 400, "no key is as long"


def test_the_routes_of_secrets_give_no_value_back_not_even_a_wrong_one(stack: Any) -> None:
    assert stack.api("PUT", "/api/v1/secrets/demo.key", {"value": "hunter22"})[1]["data"] == {
        "name": "demo.key",
        "created": True,
    }
    assert stack.api("GET", "/api/v1/secrets")[1]["data"] == {"items": ["demo.key"], "cursor": None}
    assert stack.api("GET", "/api/v1/secrets/demo.key")[0] in (404, 405)
    for wrong in ("pin", {"deep": "hunter22"}, ["hunter22"], 47114711):
        status, body = stack.api("PUT", "/api/v1/secrets/demo.key", {"value": wrong})
        assert status == 422
        assert "pin'" not in str(body)
        assert "hunter22" not in str(body)
    assert stack.api("DELETE", "/api/v1/secrets/demo.key")[0] == 200
    assert stack.api("DELETE", "/api/v1/secrets/demo.key")[0] == 404


def test_the_same_key_with_another_secret_is_the_same_request(stack: Any) -> None:
    answers = [
        stack.api("POST", "/api/v1/workflows/hush.child/execute", {"parameters": {"token": t}, "idempotency_key": "k"})
        for t in ("secret-one", "secret-two")
    ]
    assert [status for status, _ in answers] == [202, 202]
    assert answers[0][1]["data"]["id"] == answers[1][1]["data"]["id"]


def test_a_worker_starts_without_the_template_engine(stack: Any) -> None:
    """It is imported when the first input with a secret comes by, not before."""
    import subprocess
    import sys

    code = "import attune.wiring.functions, attune.execution.worker, sys; print('jinja2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_an_execution_without_secrets_asks_nobody_for_any(stack: Any, ledger: CallLedger) -> None:
    from attune.wiring import process

    for service in ("secretsmanager", "kms"):
        ledger.attach(process.client(service))
    ledger.reset()
    execution = stack.start("flows.diamond", word="x")
    stack.pump()
    assert stack.execution(execution)["status"] == "completed"
    assert (ledger.of("secretsmanager"), ledger.of("kms")) == ({}, {})


def test_a_refused_start_does_not_repeat_the_secret(stack: Any) -> None:
    status, body = stack.api("POST", "/api/v1/workflows/hush.main/execute", {"parameters": {"token": "pin"}})
    assert status == 422
    assert [row["path"] for row in body["details"]["errors"]] == ["$.token"]
    assert "'pin'" not in str(body)
