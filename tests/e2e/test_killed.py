"""Functions are killed while they work: nothing is lost, and everything ends as it should."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.e2e.conftest import Api

from attune.cli.local import LocalCloud

EXECUTIONS = 50
KILLS = 8
PAUSE = 1.5
"""Seconds between two kills."""

FUNCTIONS = (b"-Advance-", b"-RunTask-")
"""How the paths of MiniStack's processes name what they run."""


def workers(cloud: LocalCloud) -> list[int]:
    """The processes in which MiniStack runs the functions ``advance`` and ``run_task`` now."""
    root = cloud.status().pid
    assert root is not None
    return [pid for pid in descendants(root) if any(name in command(pid) for name in FUNCTIONS)]


def descendants(root: int) -> Iterator[int]:
    """Its children, and theirs."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if parent == root:
            yield int(folder.name)
            yield from descendants(int(folder.name))


def command(pid: int) -> bytes:
    """Its command line; empty if it is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def test_fifty_executions_end_right_while_the_functions_are_killed(api: Api, cloud: LocalCloud, tmp_path: Path) -> None:
    chance, killed = random.Random(4), 0  # noqa: S311 - chance that can be repeated
    started = [api.start("flows.counted_chain", folder=str(tmp_path)) for _ in range(EXECUTIONS)]
    while killed < KILLS:
        found = workers(cloud)
        if found:
            os.kill(chance.choice(found), signal.SIGKILL)
            killed += 1
        time.sleep(PAUSE)
    ended = [api.ended(execution, within=300) for execution in started]
    assert [execution["status"] for execution in ended] == ["completed"] * EXECUTIONS
    lines = [count for execution in ended for count in execution["output"]["lines"]]
    assert len(lines) == 5 * EXECUTIONS
    assert sum(lines) - len(lines) <= 10 * KILLS, "only what a killed worker had in hand runs again"
