"""How a status looks, and how long a while is."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from attune.model.status import TaskStatus

STYLES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "pending": ("·", "dim"),
        "requested": ("·", "dim"),
        "scheduled": ("○", "cyan"),
        "running": ("●", "cyan"),
        "waiting": ("◔", "yellow"),
        "paused": ("‖", "yellow"),
        "retrying": ("↻", "yellow"),
        "completed": ("✓", "green"),
        "failed": ("✗", "red"),
        "timed_out": ("✗", "red"),
        "skipped": ("↷", "dim"),
        "cancelled": ("⊘", "magenta"),
        "held": ("–", "dim"),
    }
)
"""Symbol and colour of each status, of executions and of tasks."""

_UNITS = ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s"))


def style(status: str) -> tuple[str, str]:
    """Symbol and colour; a status of a newer server has none of its own."""
    return STYLES.get(status, ("?", "default"))


def words(status: str) -> str:
    """The status as it is read: ``timed out``."""
    return status.replace("_", " ")


def duration(seconds: float | None) -> str:
    """``12ms``, ``1.2s``, ``1m 05s``, ``2h 03m``, ``1d 04h``; nothing for None."""
    if seconds is None:
        return ""
    if seconds < 0.0995:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 59.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    large, name, small, part = next(unit for unit in _UNITS if whole >= unit[0])
    return f"{whole // large}{name} {whole % large // small:02d}{part}"


def failure(error: Mapping[str, Any] | None) -> str:
    """An error in one line: ``type: message``."""
    if not error:
        return ""
    kind, message = str(error.get("type") or "error"), str(error.get("message") or "").strip()
    return message if message.startswith(kind) else f"{kind}: {message}" if message else kind


def progress(items: Mapping[str, Any] | None) -> str:
    """``4/6 items, 1 failed``; nothing without items."""
    if not items:
        return ""
    failed = f", {items['failed']} failed" if items["failed"] else ""
    return f"{items['done']}/{items['total']} items{failed}"


def tries(retries: int) -> str:
    """``1 retry``; nothing without any."""
    return f"{retries} {'retry' if retries == 1 else 'retries'}" if retries else ""


def shows_error(status: str) -> bool:
    """Whether an error is worth a line (a task that failed once and is through by now shows none)."""
    return status in (TaskStatus.FAILED, TaskStatus.TIMED_OUT, TaskStatus.RETRYING)
