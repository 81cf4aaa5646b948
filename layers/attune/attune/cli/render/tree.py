"""The tree of tasks, as it is redrawn while an execution runs."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from attune.cli.render.words import duration, failure, progress, shows_error, style, tries, words
from attune.cli.view import View, Visit, latest_visits
from attune.model.status import TaskStatus

_BUSY = frozenset({TaskStatus.RUNNING})
_WIDEST_STATUS = max(len(status) for status in TaskStatus)


def tree(view: View, now: float, busy: str = "●") -> Tree:
    """The execution and its tasks with symbol, status, duration, retries and items; ``busy`` marks what runs."""
    root = Tree(_heading(view, now), guide_style="dim")
    _branches(root, view, now, busy)
    return root


def _heading(view: View, now: float) -> Text:
    symbol, colour = style(view.status)
    length = None if view.started is None else max(view.ended(now) - view.started, 0)
    return Text.assemble(
        (f"{symbol} ", colour),
        (view.execution["workflow"], "bold"),
        (f"  {words(view.status)}", colour),
        (f"  {duration(length)}", ""),
        (f"  {view.execution['id']}", "dim"),
    )


def _branches(branch: Tree, view: View, now: float, busy: str) -> None:
    rows = latest_visits(view, now)
    width = max((len(row.task) for row in rows), default=0)
    for row in rows:
        unreached = row.status is TaskStatus.PENDING and view.status.ended
        twig = branch.add(_label(row, "not run" if unreached else words(row.status), width, busy))
        for child in row.children:
            _branches(twig, child, now, busy)


def _label(row: Visit, status: str, width: int, busy: str) -> Group | Text:
    symbol, colour = style(row.status)
    again = f"visit {row.number}" if row.number > 1 else ""
    notes = [note for note in (again, tries(row.retries), progress(row.items)) if note]
    line = Text.assemble(
        (f"{busy if row.status in _BUSY else symbol} ", colour),
        (row.task.ljust(width), "dim" if row.status is TaskStatus.PENDING else ""),
        (f"  {status.ljust(_WIDEST_STATUS)}", colour),
        (f"  {duration(row.duration):>7}", ""),
        (f"  {row.action}", "dim"),
        ("".join(f"  {note}" for note in notes), "yellow"),
        no_wrap=True,
        overflow="ellipsis",
    )
    if not shows_error(row.status) or not row.error:
        return line
    return Group(line, Text(f"  {failure(row.error)}", style="red", overflow="fold"))
