"""What the local cloud and the functions in it have said."""

from __future__ import annotations

import time
from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attune.cli.local import LocalCloud

DAY = 86_400
_FRAME = ("START RequestId:", "END RequestId:", "REPORT RequestId:", "INIT_START")
"""How the lines begin that Lambda itself writes around each invocation."""


def function_lines(cloud: LocalCloud, most: int) -> list[str]:
    """The last lines of the functions' log group; raises CloudNotRunning."""
    group = cloud.outputs().log_group_name
    pages = cloud.client("logs").get_paginator("filter_log_events")
    since = int((time.time() - DAY) * 1000)
    events = (event for page in pages.paginate(logGroupName=group, startTime=since) for event in page["events"])
    said = (str(event["message"]).rstrip() for event in events)
    return list(deque((line for line in said if line and not line.startswith(_FRAME)), maxlen=most))


def cloud_lines(cloud: LocalCloud, most: int) -> list[str]:
    """The last lines of MiniStack's own log; none if it has never run."""
    try:
        with cloud.status().log.open(encoding="utf-8", errors="replace") as file:
            return [line.rstrip("\n") for line in deque(file, maxlen=most)]
    except FileNotFoundError:
        return []
