"""An action's result as JSON: what may be returned, and how it is said what may not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from attune.actions.errors import ActionError
from attune.expressions.bounds import MAX_BYTES
from attune.model import strict_json

RESULT_LIMIT = MAX_BYTES
"""Bytes of JSON an action may return, counted as it is stored."""

_MOST_GROWTH = 3
"""How many times as long as UTF-8 the stored form can be (two bytes become six)."""

DEPTH_LIMIT = 100
"""Levels of nesting; what is deeper would hit the recursion limit of one JSON parser or another later."""


_ESCAPED_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


def encode_result(value: Any) -> bytes:
    """``value`` as UTF-8 JSON; tuples become lists, and keys that are numbers become text, as JSON has it.

    Raises:
        ActionError: ``result_not_json``, naming the path and the type, or ``result_too_large``.

    """
    try:
        encoded = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as exc:
        raise _not_json(next(_faults(value), f"$: {exc}")) from None
    size = len(encoded)
    if size * _MOST_GROWTH > RESULT_LIMIT:
        size = len(json.dumps(value, separators=(",", ":")))
    if size > RESULT_LIMIT:
        raise too_large(f"the result has {size:,} bytes of JSON")
    if is_too_deep(value, encoded):
        raise _not_json(f"$: nested more than {DEPTH_LIMIT} levels deep")
    return encoded


def too_large(what: str) -> ActionError:
    """The error for a result over :data:`RESULT_LIMIT`."""
    message = f"{what}; the limit is {RESULT_LIMIT:,}. Keep large data in S3 and return where it is."
    return ActionError(message, type="result_too_large", retryable=False)


def _not_json(fault: str) -> ActionError:
    message = f"the action returned a value that is not JSON: {fault}"
    return ActionError(message, type="result_not_json", retryable=False)


def parse(encoded: bytes) -> Any:
    """The value of UTF-8 JSON from a stranger, which may be nested as deep as Python reads.

    Raises ValueError for what :func:`encode_result` cannot have made, such as NaN, numbers that are too large, and half
    of a surrogate pair.
    """
    try:
        value = strict_json.loads(encoded.decode())
    except RecursionError:
        raise ValueError("too deep") from None
    if _ESCAPED_SURROGATE.search(encoded):
        json.dumps(value, ensure_ascii=False).encode()  # UnicodeEncodeError for one without its other half
    return value


def is_too_deep(value: Any, encoded: bytes) -> bool:
    """Whether it is nested more than :data:`DEPTH_LIMIT` levels deep; ``encoded`` is its JSON, to know that soon."""
    return encoded.count(b"[") + encoded.count(b"{") > DEPTH_LIMIT and _depth(value) > DEPTH_LIMIT


def _depth(value: Any) -> int:
    depth, level = 0, [value]
    while level := [item for item in level if isinstance(item, dict | list | tuple)]:
        depth += 1
        level = [child for item in level for child in (item.values() if isinstance(item, dict) else item)]
    return depth


def _faults(value: Any, path: str = "$", depth: int = 0) -> Iterator[str]:
    """``path: what is wrong`` for each part of ``value`` that JSON has no form for."""
    if depth > DEPTH_LIMIT:
        yield f"$: nested more than {DEPTH_LIMIT} levels deep, or contains itself"
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | None):
                yield f"{path}: a key of type {type(key).__name__}"
            yield from _faults(key, f"{path} (key)", depth + 1) if isinstance(key, str | float) else ()
            yield from _faults(item, f"{path}.{key}", depth + 1)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            yield from _faults(item, f"{path}[{number}]", depth + 1)
    else:
        yield from _scalar_fault(value, path)


def _scalar_fault(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, str):
        if any("\ud800" <= char <= "\udfff" for char in value):
            yield f"{path.encode('utf-8', 'replace').decode()}: text with a lone surrogate, which UTF-8 can't hold"
    elif isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        yield f"{path}: {value}"
    elif not isinstance(value, int | float | None):
        yield f"{path}: {type(value).__name__}"
