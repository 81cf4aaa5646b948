"""The claim check."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from attune.adapters.aws import blobs as module
from attune.adapters.aws.blobs import INLINE_LIMIT, Payloads, location, to_text
from attune.adapters.aws.cache import BoundedCache
from attune.exceptions import NotFound, PayloadTooLarge, Unavailable

BIG = {"text": "x" * INLINE_LIMIT}


@pytest.mark.parametrize("value", [None, 0, "", "@payloads/e/abc", {"a": ["ä", 1.5, True]}, "\x00\ud800"])
def test_a_small_value_travels_in_its_slip(payloads, ledger, value):
    slip = payloads.put("e", value)
    assert payloads.get(slip) == value
    assert location(slip) is None
    assert ledger.total() == 0


def test_text_of_exactly_the_limit_is_small_and_one_more_is_not(payloads):
    text = "x" * (INLINE_LIMIT - 2)
    assert location(payloads.put("e", text)) is None
    assert location(payloads.put("e", text + "x"))


def test_a_large_value_lies_in_s3_under_its_owner_and_content(clients, payloads):
    key = location(payloads.put("e", BIG))
    assert key.startswith("payloads/e/")
    assert clients.s3.get_object(Bucket="attune", Key=key)["Body"].read().decode() == to_text(BIG)


def test_storing_twice_is_storing_once(payloads, clients, bucket, ledger):
    slip = payloads.put("e", BIG)
    assert payloads.put("e", dict(BIG)) == slip
    assert ledger.of("s3") == {"PutObject": 1}
    assert Payloads(clients.s3, bucket).put("e", BIG) == slip
    assert len(clients.s3.list_objects_v2(Bucket=bucket)["Contents"]) == 1


def test_what_was_read_is_neither_read_nor_stored_again(clients, bucket, ledger):
    slip = Payloads(clients.s3, bucket).put("e", BIG)
    reader = Payloads(clients.s3, bucket)
    ledger.reset()
    assert reader.get(slip) == reader.get(slip) == BIG
    assert reader.put("e", BIG) == slip
    assert ledger.of("s3") == {"GetObject": 1}


def test_what_was_read_can_be_changed_without_changing_what_is_read_next(clients, bucket):
    slip = Payloads(clients.s3, bucket).put("e", BIG)
    reader = Payloads(clients.s3, bucket)
    reader.get(slip)["text"] = "mine"
    assert reader.get(slip) == BIG


def test_more_than_the_most_is_refused_before_anything_is_sent(payloads, ledger, monkeypatch):
    monkeypatch.setattr(module, "MAX_PAYLOAD", INLINE_LIMIT + 100)
    with pytest.raises(PayloadTooLarge, match=str(INLINE_LIMIT + 100)):
        payloads.put("e", "x" * (INLINE_LIMIT + 200))
    assert ledger.total() == 0


def test_a_payload_that_is_gone_is_not_found(clients, payloads, bucket):
    slip = payloads.put("e", BIG)
    clients.s3.delete_object(Bucket=bucket, Key=location(slip))
    with pytest.raises(NotFound, match="gone"):
        payloads.get(slip)


def test_a_slow_s3_is_unavailable(clients, payloads, monkeypatch):
    def slow(**_):
        raise ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "PutObject")

    monkeypatch.setattr(clients.s3, "put_object", slow)
    with pytest.raises(Unavailable):
        payloads.put("e", BIG)


def test_a_cache_forgets_what_was_used_longest_ago_and_never_grows_over_its_limit():
    cache = BoundedCache(10)
    for name in "ab":
        cache.put(name, name, 5)
    cache.get("a")
    cache.put("c", "c", 5)
    cache.put("huge", "huge", 11)
    assert [cache.get(name) for name in ("a", "b", "c", "huge")] == ["a", None, "c", None]
    cache.put("a", "A", 6)
    assert [cache.get("a"), cache.get("c")] == ["A", None]
