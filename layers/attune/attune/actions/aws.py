"""boto3 for actions: clients, AWS's errors as action errors, and responses as JSON.

``wiring`` makes the clients of Attune itself; these are an action's own, made in its forked child with the
environment it sees, and never shared with another process.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from functools import cache
from typing import Any

import boto3
from botocore import exceptions as botocore
from botocore import session as botocore_session
from botocore.config import Config

from attune.actions.errors import ActionError
from attune.actions.result import RESULT_LIMIT, too_large

THROTTLING = frozenset(
    {
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "SlowDown",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
"""Codes that mean "slow down", besides all that contain "Throttl"; the SDKs retry on the same ones (AWS SDKs and
Tools reference guide, "Retry behavior")."""

SHARED_DATA = ("endpoints", "partitions", "sdk-default-configuration", "_retry")
"""What botocore reads for a client of any service (names of its loader)."""

PATIENCE = {"lambda": 900}
"""Seconds to wait for an answer, where a minute is too short. A Lambda function answers after its run, which may take
15 minutes. If we stopped waiting earlier, the SDK would call it again, and it would run three times."""

TIMEOUTS = (botocore.ConnectTimeoutError, botocore.ReadTimeoutError)
CALLER_ERRORS = (
    botocore.ParamValidationError,
    botocore.NoRegionError,
    botocore.NoCredentialsError,
    botocore.UnknownServiceError,
    botocore.InvalidRegionError,
)


SESSION = botocore_session.get_session()
"""Holds no credentials and no connection until a client is made of it, in the child; see :func:`warm`."""


def warm(service: str) -> None:
    """Read a service's model now: botocore takes 50 ms for it, which every fork would spend again.

    For modules of actions, at import. Other services work just as well, more slowly.
    """
    loader = SESSION.get_component("data_loader")
    for name in SHARED_DATA:
        loader.load_data(name)
    for kind in ("service-2", "endpoint-rule-set-1"):
        loader.load_service_model(service, kind)


def client(service: str, region: str | None = None) -> Any:
    """A client made now, in this process; the SDK itself retries three times for a second or so."""
    make: Any = _session().client  # its stubs want a literal name
    config = Config(retries={"mode": "standard"}, read_timeout=PATIENCE.get(service, 60), tcp_keepalive=True)
    return make(service, region_name=region, config=config)


@cache
def _session() -> boto3.Session:
    """One: boto3 adds its methods to the clients of a session of botocore, and would add them twice."""
    return boto3.Session(botocore_session=SESSION)


@contextlib.contextmanager
def aws_errors() -> Iterator[None]:
    """Turn botocore's exceptions into :class:`ActionError`: ``type`` is the AWS error code.

    Retryable is what is throttled or the service's fault (5xx, no connection, no answer).
    """
    try:
        yield
    except botocore.ClientError as exc:
        raise _client_error(exc) from exc
    except TIMEOUTS as exc:
        raise ActionError(str(exc), type="timeout") from exc
    except (botocore.HTTPClientError, botocore.ConnectionError) as exc:
        raise ActionError(str(exc), type="connection_error") from exc
    except CALLER_ERRORS as exc:
        kind = "invalid_input" if isinstance(exc, botocore.ParamValidationError) else type(exc).__name__
        raise ActionError(str(exc), type=kind, retryable=False) from exc
    except botocore.BotoCoreError as exc:
        raise ActionError(str(exc), type=type(exc).__name__) from exc


def to_json(value: Any) -> Any:
    """A response's value as JSON: times as ISO 8601, bytes as text or else ``{"base64": …}``, streams read."""
    if isinstance(value, dict):
        return {str(key): to_json(item) for key, item in value.items()}
    if isinstance(value, bytes | bytearray):
        return text_or_base64(bytes(value))
    if isinstance(value, datetime | date):
        return value.isoformat()
    if hasattr(value, "read"):
        return text_or_base64(read_bounded(value))
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [to_json(item) for item in value]
    return value


def text_or_base64(data: bytes) -> Any:
    """UTF-8 text as text; anything else as ``{"base64": …}``."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def read_bounded(stream: Any) -> bytes:
    """All of a body, unless it is more than an action may return: then ``result_too_large``."""
    data: bytes = stream.read(RESULT_LIMIT + 1)
    if len(data) > RESULT_LIMIT:
        raise too_large(f"the response has more than {RESULT_LIMIT:,} bytes")
    return data


def _client_error(exc: botocore.ClientError) -> ActionError:
    error = exc.response.get("Error", {})
    status = exc.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code = error.get("Code", "ClientError")
    throttled = code in THROTTLING or "Throttl" in code or status == 429
    details = {"status": status, "operation": exc.operation_name}
    message = f"{exc.operation_name}: {error.get('Message') or code}"
    return ActionError(message, type=code, details=details, retryable=throttled or status >= 500)
