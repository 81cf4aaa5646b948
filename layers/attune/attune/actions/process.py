"""The parent's view of one forked attempt: its pipes, its report, its end."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import warnings
from collections.abc import Iterable
from pathlib import Path

from attune.actions import report as reports
from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.actions.child import run_child
from attune.actions.output import OutputLog
from attune.exceptions import task_error

CHUNK = 64 * 1024
"""Bytes read at a time: what a Linux pipe holds."""


class Process:
    """A running attempt, from fork to burial.

    ``position`` is the caller's name for it; ``expires`` a ``time.monotonic()`` value, and ``overdue`` the
    sentence that says which limit that was. Feed it with :meth:`on_readable`, ask :meth:`outcome` until it is
    there, and always :meth:`close` it: that kills whatever is left of it.
    """

    def __init__(self, position: int, attempt: Attempt, *, expires: float, overdue: str, output: OutputLog) -> None:
        self.position = position
        self.expires = expires
        self._attempt = attempt
        self._overdue = overdue
        self._output = output
        self._frame = bytearray()
        self._streams: dict[int, str] = {}
        self._reaped: int | None = None
        self._pid = 0

    def start(self, packs_dir: Path, selector: selectors.BaseSelector) -> None:
        """Fork. Raises OSError if the system has no room for another process or pipe."""
        pipes: list[tuple[int, int]] = []
        try:
            for _ in range(3):
                pipes.append(os.pipe())
            report, out, err = (write for _, write in pipes)
            self._pid = _fork()
        except OSError:
            _close_all(fd for pair in pipes for fd in pair)
            raise
        if self._pid == 0:
            run_child(self._attempt, packs_dir, self.expires, report=report, out=out, err=err)
        _close_all(write for _, write in pipes)
        for (read, _), name in zip(pipes, ("report", "stdout", "stderr"), strict=True):
            os.set_blocking(read, False)
            self._streams[read] = name
            selector.register(read, selectors.EVENT_READ, self)

    @property
    def hung_up(self) -> bool:
        """True when the report's pipe is closed, which the child's end does, so an exit status is due."""
        return "report" not in self._streams.values()

    def on_readable(self, fd: int, selector: selectors.BaseSelector) -> bool:
        """Take one chunk from a pipe; False when there was nothing (more) to take."""
        if fd not in self._streams:
            return False
        try:
            data = os.read(fd, CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._hang_up(fd, selector)
        elif self._streams[fd] != "report":
            self._output.feed(self._streams[fd], data)
        elif len(self._frame) <= reports.FRAME_LIMIT:
            self._frame += data
        return bool(data)

    def outcome(self, now: float, selector: selectors.BaseSelector) -> Outcome | None:
        """How the attempt ended, or None while it runs."""
        if reports.is_complete(self._frame):
            return reports.read(self._frame)
        if self._has_exited():
            self._drain("report", selector)
            if reports.is_complete(self._frame):
                return reports.read(self._frame)
            return _failed("crashed", self._cause_of_death())
        if now >= self.expires:
            return Outcome(OutcomeStatus.TIMED_OUT, error=task_error("timeout", self._overdue))
        return None

    def close(self, selector: selectors.BaseSelector) -> None:
        """Kill the action and its descendants (not those in a session of their own), and log its last output."""
        if not self._pid:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, signal.SIGKILL)
        if self._reaped is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)  # it may not have come to its setsid()
            with contextlib.suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
        self._drain("stdout", selector)
        self._drain("stderr", selector)
        for fd in list(self._streams):
            self._hang_up(fd, selector)
        self._output.close()
        self._pid = 0

    def _has_exited(self) -> bool:
        if self._reaped is None:
            try:
                pid, status = os.waitpid(self._pid, os.WNOHANG)
            except ChildProcessError:  # somebody else has collected it: its status is lost
                self._reaped = 0
            else:
                self._reaped = os.waitstatus_to_exitcode(status) if pid else None
        return self._reaped is not None

    def _cause_of_death(self) -> str:
        code = self._reaped or 0
        if code >= 0:
            return f"the action's process ended with exit status {code} without returning a result"
        name = signal.Signals(-code).name if -code in signal.valid_signals() else f"signal {-code}"
        hint = " (usually: out of memory)" if -code == signal.SIGKILL else ""
        return f"the action's process was killed by {name}{hint}"

    def _drain(self, name: str, selector: selectors.BaseSelector) -> None:
        """What the pipe still holds, but not more: a grandchild that got away may go on writing."""
        for fd in [fd for fd, stream in self._streams.items() if stream == name]:
            for _ in range(2):
                if not self.on_readable(fd, selector):
                    break

    def _hang_up(self, fd: int, selector: selectors.BaseSelector) -> None:
        del self._streams[fd]
        selector.unregister(fd)  # by hand: epoll keeps an fd that a fork of ours still has
        os.close(fd)


def _failed(type_: str, message: str) -> Outcome:
    return Outcome(OutcomeStatus.FAILED, error=task_error(type_, message))


def _fork() -> int:
    with warnings.catch_warnings():
        # Python 3.12+ warns when there are other threads. The child takes no lock of theirs: it has new streams and
        # logging, and the interpreter makes its own locks anew.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _close_all(fds: Iterable[int]) -> None:
    for fd in fds:
        os.close(fd)
