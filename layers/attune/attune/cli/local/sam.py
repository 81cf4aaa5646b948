"""Running the `sam` program: its output goes to a log, its steps to the progress line."""

from __future__ import annotations

import re
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from attune.cli.local.errors import NoNetwork, StepFailed
from attune.cli.local.files import last_line
from attune.cli.local.progress import Update
from attune.cli.local.runtime import tool

_SECONDS = 900.0

#: A line that matches says what sam is doing; the groups are shown.
_STEPS = (
    re.compile(r"Building (layer) '(\w+)'"),
    re.compile(r"Building codeuri: .*(function)s: (\w+)"),
    re.compile(r"PythonPipBuilder:(Resolve)(Dependencies)"),
    re.compile(r"(Uploading) to (\w+)"),
    re.compile(r"^(?:CREATE|UPDATE)_COMPLETE\s+AWS::(\S+)\s+(\w+)"),
)
_OFFLINE = re.compile(
    r"name resolution|name or service not known|nodename nor servname|failed to establish a new connection"
    r"|network is unreachable|connect timeout|connection refused|could not find a version that satisfies",
    re.IGNORECASE,
)


def run_sam(
    what: str, arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], log: Path, update: Update
) -> None:
    """Run ``sam`` with ``arguments``; ``what`` names the step in the error if it fails.

    Raises :class:`StepFailed`, or :class:`NoNetwork` when the package index is the cause.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(tool("sam")), *arguments]
    with log.open("w") as out:
        process = subprocess.Popen(  # noqa: S603 (our own arguments)
            command,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        deadline = threading.Timer(_SECONDS, process.kill)
        deadline.start()
        try:
            for line in process.stdout or ():
                out.write(line)
                out.flush()
                _show(line, update)
            status = process.wait()
        finally:
            deadline.cancel()
            process.kill()
    if status:
        raise _failure(what, log)


def _show(line: str, update: Update) -> None:
    for pattern in _STEPS:
        if found := pattern.search(line):
            update(" ".join(found.groups()))
            return


def _failure(what: str, log: Path) -> StepFailed | NoNetwork:
    text = log.read_text(errors="replace")
    if what == "sam build" and _OFFLINE.search(text):
        return NoNetwork(log)
    errors = [line.removeprefix("Error: ").strip() for line in text.splitlines() if line.startswith("Error: ")]
    return StepFailed(what, errors[-1] if errors else last_line(log), log)
