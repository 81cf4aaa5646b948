"""MiniStack as a detached process: start, find again, stop.

The process outlives the command that started it; a pid file says which one is ours.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from attune.cli.local.environment import ministack_environment
from attune.cli.local.errors import CloudDidNotStart, CloudDidNotStop, PortInUse
from attune.cli.local.files import CloudFiles, last_line

START_SECONDS = 60.0
STOP_SECONDS = 60.0  # it writes its state to disk first
_PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class CloudStatus:
    """Whether our MiniStack runs (answers), and where."""

    running: bool
    pid: int | None
    endpoint: str
    log: Path


@dataclass(frozen=True, slots=True)
class MiniStack:
    """One MiniStack on ``port`` of the address ``bind``, with all its files under ``files``.

    With ``enforce_iam`` a function may do only what its role allows, as on AWS.
    """

    port: int
    files: CloudFiles
    bind: str = "127.0.0.1"
    enforce_iam: bool = False

    @property
    def endpoint(self) -> str:
        """What AWS clients on this machine connect to."""
        return f"http://127.0.0.1:{self.port}"

    def status(self) -> CloudStatus:
        """Look at the pid file, the process and the port."""
        pid = self._pid()
        running = pid is not None and self._answers()
        return CloudStatus(running, pid, self.endpoint, self.files.ministack_log)

    def start(self) -> None:
        """Start it and wait until it answers. Raises :class:`PortInUse` or :class:`CloudDidNotStart`."""
        if _in_use(self.port):
            raise PortInUse(self.port)
        self.files.make()
        with self.files.ministack_log.open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "ministack"],
                cwd=self.files.root,
                env=ministack_environment(self._settings()),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.files.pid.write_text(str(process.pid))
        if not _wait(lambda: process.poll() is not None or self._answers(), START_SECONDS):
            process.terminate()
            raise CloudDidNotStart(f"no answer within {START_SECONDS:.0f} seconds", self.files.ministack_log)
        if process.poll() is not None:
            self.files.pid.unlink(missing_ok=True)
            raise CloudDidNotStart(last_line(self.files.ministack_log), self.files.ministack_log)

    def stop(self) -> bool:
        """End it gently (SIGTERM makes it save its state) and wait; whether there was one.

        Raises :class:`CloudDidNotStop`.
        """
        pid = self._pid()
        if pid is None:
            return False
        os.kill(pid, signal.SIGTERM)
        if not _wait(lambda: not _alive(pid), STOP_SECONDS):
            raise CloudDidNotStop(pid, STOP_SECONDS)
        self.files.pid.unlink(missing_ok=True)
        self.files.clear_temporary()
        return True

    def _settings(self) -> dict[str, str]:
        """MiniStack's own variables. No Docker socket (it would reap containers), no listeners on other ports."""
        return {
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": self.bind,
            "AUTH": str(self.enforce_iam).lower(),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.files.state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.files.objects),
            "TMPDIR": str(self.files.temporary),
            "DOCKER_HOST": "unix:///nowhere",
            "IOT_MTLS_ENABLED": "0",
            "SFTP_ENABLED": "0",
        }

    def _answers(self) -> bool:
        try:
            reply = httpx.get(f"{self.endpoint}/_ministack/ready", timeout=2, trust_env=False)
        except httpx.HTTPError:
            return False
        return reply.status_code == httpx.codes.OK

    def _pid(self) -> int | None:
        """Our process, if it is still there (and the number isn't another program's by now)."""
        try:
            pid = int(self.files.pid.read_text())
        except (FileNotFoundError, ValueError):
            return None
        return pid if _alive(pid) and "ministack" in _command(pid) else None


def _alive(pid: int) -> bool:
    """Whether the process runs; one of our own that has ended is collected on the way."""
    try:
        if os.waitpid(pid, os.WNOHANG)[0] == pid:
            return False
    except ChildProcessError:
        pass
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command(pid: int) -> str:
    """The command line of a process, from Linux's /proc or, without one, from ps."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        ps = ["ps", "-o", "command=", "-p", str(pid)]
        return subprocess.run(ps, capture_output=True, text=True, check=False).stdout  # noqa: S603 (a number of ours)


def _in_use(port: int) -> bool:
    """Whether anything listens on the port, on any address (MiniStack checks less)."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE)
    return True
