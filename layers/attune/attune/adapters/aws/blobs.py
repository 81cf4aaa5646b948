"""The claim check: values that are too large for a message or an item lie in S3: implements
:class:`attune.execution.ports.blobs.BlobStore`.

A small value's reference is its own JSON; a large one's is ``@`` and the key of an S3 object. JSON never
begins with ``@``, so no value that a user makes up can pass for a reference. Keys are made from the content
(``payloads/<owner>/<sha256>``; the owner is mostly an execution): storing twice is storing once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError

from attune.adapters.aws.batches import side_by_side
from attune.adapters.aws.cache import BoundedCache
from attune.adapters.aws.failures import calling, code_of
from attune.engine.ids import home_of
from attune.exceptions import NotFound, PayloadTooLarge
from attune.execution.ports.blobs import BlobStore
from attune.expressions.bounds import MAX_BYTES

INLINE_LIMIT = 24 * 1024
"""Bytes of JSON that stay where they are. Ten messages of this size still fit into one SendMessageBatch of 256 KB,
and an item with an input and a result is far below DynamoDB's 400 KB. By price alone S3 wins from 8 KB on (one PUT
costs as much as writing 8 KB to DynamoDB on demand); up to here we pay that for the 20 ms that S3 takes."""

MAX_PAYLOAD = MAX_BYTES + 2 * 1024 * 1024
"""Bytes of JSON that are stored as one at most. Values are bounded where they are made; some room is for what is put
around them, and for the defaults of parameters."""

ENDED = "attune=ended"
"""Tag of the payloads of executions that have ended; template.yaml has the lifecycle rule."""

_MARK = "@"
_IN_A_ROW = 16
"""Objects that are marked before it is asked whether there is enough; each may have 50 MB."""
_FOLDER = "payloads/"
_REMEMBERED = 8 * 1024 * 1024
"""Bytes of read payloads that one function keeps at hand."""

_encode = json.JSONEncoder(separators=(",", ":")).encode


def to_text(value: Any) -> str:
    """Compact JSON in ASCII: any text survives SQS and DynamoDB, and characters are bytes."""
    return _encode(value)


class S3BlobStore:
    """See the port."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket
        self._stored: BoundedCache[str, bool] = BoundedCache(10_000)
        self._read: BoundedCache[str, str] = BoundedCache(_REMEMBERED)

    def put(self, owner: str, value: Any) -> str:
        """See the port."""
        return self.put_text(owner, to_text(value))

    def put_text(self, owner: str, text: str, limit: int = INLINE_LIMIT) -> str:
        """See the port."""
        if len(text) <= limit:
            return text
        if len(text) > MAX_PAYLOAD:
            raise PayloadTooLarge(
                f"a value has {len(text)} bytes of JSON; {MAX_PAYLOAD} is the most",
                hint="keep the data in S3 yourself and pass its bucket and key along",
            )
        data = text.encode()
        key = f"{_FOLDER}{home_of(owner)}/{hashlib.sha256(data).hexdigest()}"
        if not self._stored.get(key):
            with calling("S3"):
                self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ContentType="application/json")
            self._stored.put(key, True)
        return _MARK + key

    def get(self, reference: str) -> Any:
        """See the port."""
        return json.loads(self.text(reference))

    def text(self, reference: str) -> str:
        """See the port."""
        return self._text(reference[1:]) if reference.startswith(_MARK) else reference

    def mark_expired(self, owner: str, after: str, out_of_time: Callable[[], bool]) -> str | None:
        """See the port; the bucket's lifecycle rule deletes what is marked.

        A lifecycle rule counts days from when an object was written, and an execution may last for years. So each is
        written anew here, onto itself, with :data:`ENDED` as its tag: the days then count from now.
        """
        return self._mark(owner, ENDED, after, out_of_time)

    def unmark(self, owner: str, after: str, out_of_time: Callable[[], bool]) -> str | None:
        """See the port."""
        return self._mark(owner, "", after, out_of_time)

    def _mark(self, owner: str, tag: str, after: str, out_of_time: Callable[[], bool]) -> str | None:
        keys = self._stored_for(owner, after)
        return side_by_side(lambda key: self._write_anew(key, tag), keys, _IN_A_ROW, out_of_time)

    def _stored_for(self, owner: str, after: str) -> Iterator[str]:
        request = {"Bucket": self._bucket, "Prefix": f"{_FOLDER}{owner}/"} | ({"StartAfter": after} if after else {})
        with calling("S3"):
            for page in self._client.get_paginator("list_objects_v2").paginate(**request):
                yield from (found["Key"] for found in page.get("Contents", ()))

    def _write_anew(self, key: str, tag: str) -> None:
        with calling("S3"):
            self._client.copy_object(
                Bucket=self._bucket,
                Key=key,
                CopySource={"Bucket": self._bucket, "Key": key},
                ContentType="application/json",
                MetadataDirective="REPLACE",
                TaggingDirective="REPLACE",
                Tagging=tag,
            )

    def _text(self, key: str) -> str:
        text = self._read.get(key)
        if text is None:
            text = self._fetch(key)
            self._read.put(key, text, len(text))
            self._stored.put(key, True)
        return text

    def _fetch(self, key: str) -> str:
        if not key.startswith(_FOLDER):
            raise NotFound(f"'{key[:200]}' is no payload")
        try:
            with calling("S3"):
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
                return bytes(answer["Body"].read()).decode()
        except ClientError as error:
            if code_of(error) in ("NoSuchKey", "404"):
                raise NotFound(f"payload {key} is gone", hint="was it deleted from the bucket?") from error
            raise


class BoundedReader:
    """Reads as a BlobStore does, but not more than a function can hold at once: raises PayloadTooLarge."""

    def __init__(self, blobs: BlobStore, what: str) -> None:
        self._blobs, self._what, self._size = blobs, what, 0

    def get(self, reference: str) -> Any:
        """See :meth:`BlobStore.get`."""
        text = self._blobs.text(reference)
        self._size += len(text)
        if self._size > MAX_PAYLOAD:
            hint = "return less from each, or keep it in S3"
            raise PayloadTooLarge(f"{self._what} have more than {MAX_BYTES} bytes of JSON together", hint=hint)
        return json.loads(text)


def location(reference: str | None) -> str | None:
    """The S3 key of a large value, None for one that is its own reference."""
    return reference[1:] if reference and reference.startswith(_MARK) else None


def owner_of(reference: str) -> str | None:
    """The owner of a large value, if its reference names one without a folder; the value itself is not read."""
    found = re.fullmatch(rf"{_MARK}{_FOLDER}([^/]+)/[0-9a-f]{{64}}", reference)
    return found[1] if found else None
