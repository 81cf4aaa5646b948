"""What a failed call to AWS means: come again later, too large, or a bug of ours.

botocore has retried by itself before anything arrives here (how often is set where the clients are made).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from botocore import exceptions as botocore
from botocore.exceptions import ClientError

from attune.exceptions import PayloadTooLarge, Unavailable

PAUSES = (0.05, 0.2, 0.8)
"""Seconds between the tries of what a batch call did not accept; AWS asks for growing ones."""

COME_AGAIN = frozenset(
    {
        "InternalError",
        "InternalFailure",
        "InternalServerError",
        "KmsThrottled",
        "LimitExceededException",
        "OverLimit",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionConflictException",
    }
)
"""Error codes of throttling and of passing trouble, across the services we call."""

_TOO_LARGE = frozenset(
    {
        "AWS.SimpleQueueService.BatchRequestTooLong",
        "BatchRequestTooLong",
        "EntityTooLarge",
        "RequestEntityTooLargeException",
        "RequestTooLargeException",
    }
)

Sleep = Callable[[float], None]
T = TypeVar("T")


def code_of(error: ClientError) -> str:
    """The service's own name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))


@contextmanager
def calling(service: str) -> Iterator[None]:
    """Around one call: passing trouble becomes Unavailable, a size limit PayloadTooLarge; the rest passes as it is."""
    try:
        yield
    except ClientError as error:
        if _is_passing(error):
            raise Unavailable(f"{service} did not answer: {code_of(error)}", hint="try again") from error
        if _is_size(error):
            raise PayloadTooLarge(f"{service} refused what is too large: {error}") from error
        raise
    except (botocore.ConnectionError, botocore.HTTPClientError, botocore.IncompleteReadError) as error:
        raise Unavailable(f"{service} could not be reached: {error}", hint="try again") from error


def _is_passing(error: ClientError) -> bool:
    return _http_status(error) >= 500 or code_of(error) in COME_AGAIN


def _is_size(error: ClientError) -> bool:
    return code_of(error) in _TOO_LARGE or _http_status(error) == 413 or "Item size" in str(error)


def _http_status(error: ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def until_accepted(
    send: Callable[[Sequence[T]], Sequence[T]], entries: Sequence[T], what: str, sleep: Sleep = time.sleep
) -> None:
    """Call ``send`` until everything is accepted. It returns what was not; that is sent again, after a pause.

    Raises Unavailable when something is left after the last of :data:`PAUSES`.
    """
    left = send(entries)
    for pause in PAUSES:
        if not left:
            return
        sleep(pause)
        left = send(left)
    if left:
        raise Unavailable(f"{what}: {len(left)} of {len(entries)} were not accepted", hint="try again")
