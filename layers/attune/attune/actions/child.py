"""The forked child's side: shed what belongs to the parent, run the action, report, end.

The report is one frame on a pipe: 8 bytes of length, then JSON, ``{"result": …}`` or ``{"error": …}``. A child
never returns to its caller and never runs the parent's exit handlers.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import logging
import os
import signal
import stat
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, cast

from attune.actions.attempt import Attempt
from attune.actions.context import Context
from attune.actions.environment import private_names
from attune.actions.errors import error_of
from attune.actions.loading import actions_folder
from attune.actions.report import frame
from attune.actions.result import encode_result
from attune.actions.validation import check_output, complete_input
from attune.model.action import Runner

BROKEN = 70
"""Exit status of a child that could not even report an error (EX_SOFTWARE of sysexits.h)."""

INHERITED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGCHLD)

MY_FDS = "/proc/self/fd" if sys.platform == "linux" else "/dev/fd"
"""Folder of the files that a process has open. Lambda's ``/dev`` has no ``fd`` but for the standard streams:
https://github.com/aws/aws-lambda-base-images/issues/132"""

_LINES = logging.StreamHandler()
"""Where actions log to. Made here, before any fork: what a child touches is copied for it, page by page."""
_LINES.setFormatter(logging.Formatter("%(levelname)s %(message)s"))

HANDLERS = {
    Runner.PYTHON: "attune.actions.python_function",
    Runner.HTTP: "attune.actions.http_request",
    Runner.LAMBDA: "attune.actions.lambda_function",
}
"""Module whose ``call(attempt, arguments, context, packs_dir)`` runs that kind of action."""


def handler(runner: Runner) -> Callable[..., Any]:
    """The function that runs actions of this kind; imports httpx or boto3 when it is first asked for them."""
    return cast("Callable[..., Any]", importlib.import_module(HANDLERS[runner]).call)


def run_child(attempt: Attempt, packs_dir: Path, expires: float, *, report: int, out: int, err: int) -> NoReturn:
    """Everything that happens in the child. ``report``, ``out`` and ``err`` are the pipes' writing ends."""
    status = BROKEN
    try:
        _isolate(report, out, err)
        myself = os.getpid()
        sent = _report(attempt, packs_dir, expires)
        if os.getpid() == myself:  # else the action forked, and this is its child coming back
            _flush()
            _send(report, sent)
            status = 0
    except BaseException:
        traceback.print_exc()
        _flush()
    finally:
        os._exit(status)


def _report(attempt: Attempt, packs_dir: Path, expires: float) -> bytes:
    try:
        body = b'{"result":' + _perform(attempt, packs_dir, expires) + b"}"
    except BaseException as exc:
        home = actions_folder(packs_dir, attempt.action)
        body = json.dumps({"error": error_of(exc, home, attempt.mask)}).encode()
    return frame(body)


def _perform(attempt: Attempt, packs_dir: Path, expires: float) -> bytes:
    arguments = complete_input(attempt.action, attempt.input, attempt.mask)
    value = handler(attempt.action.runner)(attempt, arguments, Context.of(attempt, expires), packs_dir)
    encoded = encode_result(value)
    check_output(attempt.action, encoded)
    return encoded


def _isolate(report: int, out: int, err: int) -> None:
    """Own session (so a kill reaches what the action starts), standard streams, signals, environment and logging."""
    os.setsid()
    signal.set_wakeup_fd(-1)
    for number in INHERITED_SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    null = os.open(os.devnull, os.O_RDWR)
    for source, target in ((null, 0), (out, 1), (err, 2)):
        os.dup2(source, target)
    _seal(null, keep=report)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False)  # noqa: SIM115
    faulthandler.enable(sys.stderr, all_threads=False)
    for name in private_names(os.environ):
        del os.environ[name]
    _log_to_stderr()


def _seal(null: int, keep: int) -> None:
    """Point the sockets and pipes of the parent at /dev/null.

    An action must not talk on them, nor keep them open. They aren't closed: the parent's objects still hold the
    numbers, and one that is collected would close whatever file had got its number since.
    """
    for fd in map(int, os.listdir(MY_FDS)):  # noqa: PTH208 - a path object for each would be thrown away
        if fd > 2 and fd != keep and _is_channel(fd):
            os.dup2(null, fd, inheritable=False)


def _is_channel(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:  # the one that the list was read through
        return False
    return stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode)


def _log_to_stderr() -> None:
    _LINES.stream = sys.stderr
    root = logging.getLogger()
    root.handlers[:] = [_LINES]  # the parent's are left alone: closing them would flush what is not ours
    if root.level != logging.INFO:  # setting it goes through all loggers; on Lambda it is set already
        root.setLevel(logging.INFO)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()


def _send(fd: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(fd, rest) :]
