"""The deployed stack: a MiniStack of its own, on a free port, with the project deployed to it by `sam`.

Policies are enforced there, so a function that does what its role doesn't allow fails its test here, not on AWS.
"""

from __future__ import annotations

import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from attune.cli.local import LocalCloud, StackOutputs

PROJECT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def cloud() -> Iterator[LocalCloud]:
    """A local cloud that starts empty; its logs stay in .attune/e2e."""
    state_dir = PROJECT / ".attune" / "e2e"
    LocalCloud(PROJECT, state_dir=state_dir).stop()  # left by a run that was killed
    shutil.rmtree(state_dir, ignore_errors=True)
    local = LocalCloud(PROJECT, free_port(), state_dir, enforce_iam=True)
    local.start()
    yield local
    local.stop()


@pytest.fixture(scope="session")
def parameters() -> dict[str, str]:
    """The template's parameters. Short timeouts: what a dead worker held comes back after them."""
    return {"WorkerTimeout": "20", "AdvanceTimeout": "10", "LogLevel": "DEBUG"}


@pytest.fixture(scope="session")
def stack(cloud: LocalCloud, parameters: dict[str, str]) -> StackOutputs:
    """The outputs of the deployed stack."""
    return cloud.deploy(parameters)


@pytest.fixture(scope="session")
def aws(cloud: LocalCloud) -> Callable[[str], Any]:
    """``aws("sqs")`` is a boto3 client for the local cloud, with an administrator's rights."""
    return cloud.client
