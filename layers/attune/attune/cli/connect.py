"""A client of the stack to speak to. The client is loaded when it is needed: most of the commands start without."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from attune.cli.connection import connection

if TYPE_CHECKING:
    from attune.cli.client import Client


def connect(url: str | None, token: str | None) -> Client:
    """A client of the stack that the options, the environment or this folder name; raises as :func:`connection`."""
    from attune.cli.client import Client

    return Client(connection(url, token, Path.cwd()))
