"""One line per task that has ended: what a log file or a pipe gets instead of a tree."""

from __future__ import annotations

from collections.abc import Iterator

from attune.cli.render.words import duration, failure, progress, shows_error, style, tries, words
from attune.cli.view import View, Visit, visits

Key = tuple[str, str, int]
"""Execution, task, visit."""


def ended_lines(view: View, now: float) -> Iterator[tuple[Key, str]]:
    """Every visit that is over, with its line, in the order in which they ended; sub-workflows as ``task › task``."""
    for _, key, line in sorted(_ended(view, now, ""), key=lambda row: row[0]):
        yield key, line


def _ended(view: View, now: float, prefix: str) -> Iterator[tuple[float, Key, str]]:
    for visit in visits(view, now):
        for child in visit.children:
            yield from _ended(child, now, f"{prefix}{visit.task} › ")
        if visit.over and visit.number:
            end = now if visit.end is None else visit.end
            yield end, (view.execution["id"], visit.task, visit.number), _line(visit, prefix)


def _line(visit: Visit, prefix: str) -> str:
    after = f" after {duration(visit.duration)}" if visit.duration is not None else ""
    again = f"visit {visit.number}" if visit.number > 1 else ""
    notes = ", ".join(note for note in (again, tries(visit.retries), progress(visit.items)) if note)
    reason = f": {failure(visit.error)}" if visit.error and shows_error(visit.status) else ""
    head = f"{style(visit.status)[0]} {prefix}{visit.task} {words(visit.status)}{after}"
    return f"{head}{f' ({notes})' if notes else ''}{reason}"
