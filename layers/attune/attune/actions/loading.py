"""Finds and imports the python file behind an action's ``entry_point``.

A module is imported once per worker and per version of its file (path and mtime), in the worker itself, and each
attempt calls the function in a fork. Importing in every fork would isolate modules from each other, but an import
of httpx or boto3 costs 0.2–0.4 s, which is a hundred times the fork. So an action file must only define
things at import: whatever has a connection (clients of boto3 or httpx) is made inside the function, because a
socket shared by two processes mixes up their conversations. What an *attempt* changes in its module is gone with
its fork. Off the main thread a hanging import can't be interrupted, so there it happens in the fork after all.

Each file is a module of its own: an action imports installed packages and ``attune``, not its neighbours.
"""

from __future__ import annotations

import contextlib
import difflib
import importlib.util
import io
import logging
import signal
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType, FrameType, ModuleType
from typing import Any

from attune.actions.errors import ActionError, own_frames
from attune.model.action import ActionSpec

IMPORT_LIMIT = 10.0
"""Seconds an action's module may take to import; a Lambda's own init phase has as long."""

logger = logging.getLogger(__name__)

_modules: dict[Path, tuple[int, ModuleType]] = {}


class _ImportStopped(BaseException):
    """Stopped from outside. A BaseException, so that a module's ``except Exception`` doesn't swallow it."""


class _ImportTimedOut(_ImportStopped):
    """It took too long."""


class _ImportInterrupted(_ImportStopped):
    """Ctrl-C came; unlike a KeyboardInterrupt that the module raises itself, which is its failure."""


class _SourceLoader(SourceFileLoader):
    """Always compiles the source: a cached ``.pyc`` is trusted by whole seconds, and layers are read-only."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def actions_folder(packs_dir: Path, action: ActionSpec) -> Path:
    """Where the action's files are, symbolic links resolved."""
    return (packs_dir / action.pack / "actions").resolve()


def load_function(packs_dir: Path, action: ActionSpec) -> Callable[..., Any]:
    """The function that ``entry_point`` (``file.py:function``) names.

    Raises:
        ActionError: ``action_not_found`` or ``action_import_failed``.

    """
    folder = actions_folder(packs_dir, action)
    path, name = _locate(folder, action)
    module = _module(path, folder)
    function = getattr(module, name, None)
    if not callable(function):
        near = difflib.get_close_matches(name, [n for n in vars(module) if not n.startswith("_")], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise _not_found(action, f"{path.name} has no function {name!r}{hint}")
    return function  # type: ignore[no-any-return]


def preload(packs_dir: Path, action: ActionSpec, seconds: float) -> None:
    """Import the action's module in this process, so that forks find it; see :func:`load_function` for errors.

    It has ``seconds``, at most :data:`IMPORT_LIMIT`. Does nothing if that is none, nor off the main thread, to which
    alone Python delivers signals. Ctrl-C is a KeyboardInterrupt here as elsewhere.
    """
    limit = min(IMPORT_LIMIT, seconds)
    if limit <= 0 or threading.current_thread() is not threading.main_thread():
        return
    try:
        with _interruptible(), _time_limit(limit):
            load_function(packs_dir, action)
    except _ImportTimedOut:
        message = f"importing {action.entry_point} took longer than {limit:.1f} s"
        raise ActionError(message, type="action_import_failed", retryable=False) from None
    except _ImportInterrupted:
        raise KeyboardInterrupt from None


def _locate(folder: Path, action: ActionSpec) -> tuple[Path, str]:
    file, colon, name = action.entry_point.rpartition(":")
    if not colon or not name.isidentifier():
        raise _not_found(action, "an entry point is written file.py:function")
    path = (folder / file).resolve()
    if not path.is_relative_to(folder):
        raise _not_found(action, "an entry point can't lie outside of the pack's actions folder")
    if not path.is_file():
        raise _not_found(action, f"there is no file {file!r} in the actions folder of pack {action.pack!r}")
    return path, name


def _not_found(action: ActionSpec, why: str) -> ActionError:
    message = f"{action.ref} ({action.entry_point}): {why}"
    return ActionError(message, type="action_not_found", retryable=False)


def _module(path: Path, folder: Path) -> ModuleType:
    version = path.stat().st_mtime_ns
    known = _modules.get(path)
    if known and known[0] == version:
        return known[1]
    try:
        module = _import(path)
    except _ImportStopped:
        raise
    except BaseException as exc:
        message = f"importing {path.name} failed: {type(exc).__name__}: {exc}"
        details = {"traceback": own_frames(exc, folder)}
        raise ActionError(message, type="action_import_failed", details=details, retryable=False) from None
    _modules[path] = (version, module)
    return module


def _import(path: Path) -> ModuleType:
    name = f"attune_action_{path.stem}_{zlib.crc32(str(path).encode()):08x}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_SourceLoader(name, str(path)))
    assert spec is not None and spec.loader is not None, "a loader was given"  # noqa: S101
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look their module up
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
            spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    finally:
        if printed.tell():
            logger.info("printed while it was imported: %s", printed.getvalue()[:1000], extra={"file": path.name})
    return module


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C stops the block by _ImportInterrupted, where it would raise KeyboardInterrupt."""

    def interrupted(_signal: int, _frame: FrameType | None) -> None:
        raise _ImportInterrupted

    handler = signal.getsignal(signal.SIGINT)
    if handler is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, interrupted)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


@contextlib.contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Interrupts the block after ``seconds``; another timer that was running is put back with what it has left."""

    def expired(_signal: int, _frame: FrameType | None) -> None:
        raise _ImportTimedOut

    began = time.monotonic()
    handler = signal.signal(signal.SIGALRM, expired)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:  # of its own, since the alarm may come just before the timer is stopped
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)
