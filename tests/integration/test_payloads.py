"""The claim check."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from attune.adapters.aws import blobs as module
from attune.adapters.aws.blobs import INLINE_LIMIT, S3BlobStore, location, to_text
from attune.adapters.aws.cache import BoundedCache
from attune.exceptions import NotFound, PayloadTooLarge, Unavailable

BIG = {"text": "x" * INLINE_LIMIT}


@pytest.mark.parametrize("value", [None, 0, "", "@payloads/e/abc", {"a": ["ä", 1.5, True]}, "\x00\ud800"])
def test_a_small_value_travels_in_its_reference(blobs, ledger, value):
    reference = blobs.put("e", value)
    assert blobs.get(reference) == value
    assert location(reference) is None
    assert ledger.total() == 0


def test_text_of_exactly_the_limit_is_small_and_one_more_is_not(blobs):
    text = "x" * (INLINE_LIMIT - 2)
    assert location(blobs.put("e", text)) is None
    assert location(blobs.put("e", text + "x"))


def test_a_large_value_lies_in_s3_under_its_owner_and_content(clients, blobs):
    key = location(blobs.put("e", BIG))
    assert key.startswith("payloads/e/")
    assert clients.s3.get_object(Bucket="attune", Key=key)["Body"].read().decode() == to_text(BIG)


def test_storing_twice_is_storing_once(blobs, clients, bucket, ledger):
    reference = blobs.put("e", BIG)
    assert blobs.put("e", dict(BIG)) == reference
    assert ledger.of("s3") == {"PutObject": 1}
    assert S3BlobStore(clients.s3, bucket).put("e", BIG) == reference
    assert len(clients.s3.list_objects_v2(Bucket=bucket)["Contents"]) == 1


def test_what_was_read_is_neither_read_nor_stored_again(clients, bucket, ledger):
    reference = S3BlobStore(clients.s3, bucket).put("e", BIG)
    reader = S3BlobStore(clients.s3, bucket)
    ledger.reset()
    assert reader.get(reference) == reader.get(reference) == BIG
    assert reader.put("e", BIG) == reference
    assert ledger.of("s3") == {"GetObject": 1}


def test_what_was_read_can_be_changed_without_changing_what_is_read_next(clients, bucket):
    reference = S3BlobStore(clients.s3, bucket).put("e", BIG)
    reader = S3BlobStore(clients.s3, bucket)
    reader.get(reference)["text"] = "mine"
    assert reader.get(reference) == BIG


def test_more_than_the_most_is_refused_before_anything_is_sent(blobs, ledger, monkeypatch):
    monkeypatch.setattr(module, "MAX_PAYLOAD", INLINE_LIMIT + 100)
    with pytest.raises(PayloadTooLarge, match=str(INLINE_LIMIT + 100)):
        blobs.put("e", "x" * (INLINE_LIMIT + 200))
    assert ledger.total() == 0


def test_a_payload_that_is_gone_is_not_found(clients, blobs, bucket):
    reference = blobs.put("e", BIG)
    clients.s3.delete_object(Bucket=bucket, Key=location(reference))
    with pytest.raises(NotFound, match="gone"):
        blobs.get(reference)


def test_a_slow_s3_is_unavailable(clients, blobs, monkeypatch):
    def slow(**_):
        raise ClientError({"Error": {"Code": "SlowDown"}, "ResponseMetadata": {"HTTPStatusCode": 503}}, "PutObject")

    monkeypatch.setattr(clients.s3, "put_object", slow)
    with pytest.raises(Unavailable):
        blobs.put("e", BIG)


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
