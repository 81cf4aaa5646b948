"""What a process has once: its settings, its clock, its log and its clients of AWS."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

P = ParamSpec("P")
T = TypeVar("T")

USER_AGENT = "attune"
"""What AWS's logs (CloudTrail, say) show as the caller's program."""

_MADE: list[Callable[[], None]] = []


def once(make: Callable[P, T]) -> Callable[P, T]:
    """What it makes is made when it is first asked for, and kept."""
    made = cache(make)
    _MADE.append(made.cache_clear)
    return made  # type: ignore[return-value]


def reset() -> None:
    """Forget everything that was made (for tests, which change the environment)."""
    for forget in _MADE:
        forget()


class SystemClock:
    """The real time."""

    def now(self) -> float:
        """Epoch seconds."""
        return time.time()


clock = SystemClock()


def setting(name: str, default: str | None = None) -> str:
    """The variable ``ATTUNE__<name>``; raises KeyError when it is missing and has no default."""
    value = os.environ.get(f"ATTUNE__{name}")
    if value is None or value == "":
        if default is None:
            raise KeyError(f"ATTUNE__{name} is not set; template.yaml sets it")
        return default
    return value


@once
def log() -> Logger:
    """Structured logs: one JSON object a line.

    Lambda takes a line whose time is not of RFC 3339 for one of level INFO, and drops it when it is to keep less:
    https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
    """
    from aws_lambda_powertools import Logger

    return Logger(level=setting("LOG_LEVEL", "INFO"), utc=True, use_rfc3339=True)


@once
def client(service: str) -> Any:
    """A botocore client that tries throttled calls again by itself, and gives up in time for a batch to come again.

    A call is mostly botocore's own work. A fifth of that it does without: parameters are checked by the service, too,
    and a name of ours is put together once, botocore's own from forty parts and twice for each request.
    """
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 4}
    patience: Any = {"connect_timeout": 3, "read_timeout": 20, "tcp_keepalive": True}
    config = Config(retries=retries, **patience, parameter_validation=False, user_agent=USER_AGENT)
    return _session().create_client(service, config=config)


@once
def _session() -> Any:
    """botocore's, for all clients: importing boto3 on top of it would take a cold start 50 ms."""
    from botocore.session import get_session

    return get_session()


class Lazily:
    """A client that is made at its first call."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Any:
        return getattr(client(self._service), name)


def packs_dir() -> Path:
    """Where the packs lie: the packs layer, unless ``ATTUNE__PACKS_BASE_DIR`` says otherwise."""
    return Path(setting("PACKS_BASE_DIR", "/opt/attune/packs"))


logging.getLogger("botocore").setLevel(logging.WARNING)
