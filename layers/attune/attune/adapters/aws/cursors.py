"""Cursors: where a page ended, as opaque text for URLs."""

from __future__ import annotations

import base64
import binascii

from attune.exceptions import InvalidRequest

LONGEST_KEY = 500
"""Characters of a key of ours at most; DynamoDB refuses to look for a sort key of more than 1,024 bytes."""


def encode_cursor(text: str) -> str:
    """A cursor that stands for a key."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode_cursor(cursor: str) -> str:
    """Inverse of :func:`encode_cursor`; raises InvalidRequest."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise bad_cursor() from None


def decode_key_cursor(cursor: str) -> str:
    """The same for a cursor that stands for a key of the table."""
    key = decode_cursor(cursor)
    if len(key) > LONGEST_KEY or not key.isascii():
        raise bad_cursor()
    return key


def bad_cursor() -> InvalidRequest:
    """The error for a cursor that no page gave."""
    return InvalidRequest("the cursor is not one of ours", hint="pass the one of the previous page, unchanged")
