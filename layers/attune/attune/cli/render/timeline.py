"""When what ran: a bar per visit of a task, on one scale."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.table import Table
from rich.text import Text

from attune.cli.render.words import duration, style
from attune.cli.view import Segment, View, Visit, visits

MOST_ROWS = 60
"""Bars shown at most; a loop of a hundred visits would hide everything else."""
_SOLID, _IDLE, _EMPTY = "█", "─", " "


def timeline(view: View, now: float, width: int = 40) -> Table:
    """Bars of ``width`` cells from the execution's start to its end; what lies between two attempts is a thin line."""
    rows = list(_bars(view, now))
    origin = min([row.start for _, row in rows if row.start is not None], default=view.started or 0.0)
    origin = min(origin, view.started or origin)
    end = max([row.end for _, row in rows if row.end is not None], default=origin)
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, width=width)
    table.add_column(justify="right", no_wrap=True)
    table.add_row("", _axis(end - origin, width), "")
    for name, row in rows[:MOST_ROWS]:
        table.add_row(Text(name), bar(row.segments, origin, end, width), duration(row.duration))
    if len(rows) > MOST_ROWS:
        table.add_row(Text(f"… and {len(rows) - MOST_ROWS} more", style="dim"))
    return table


def bar(segments: Sequence[Segment], origin: float, end: float, width: int) -> Text:
    """One bar; every segment gets a cell at least, a later one covers an earlier one."""
    scale = width / (end - origin) if end > origin else 0.0
    cells: list[tuple[str, str]] = [(_EMPTY, "")] * width
    spans = [(*_cells(segment, origin, scale, width), style(segment.status)[1]) for segment in segments]
    for cell in range(min(span[0] for span in spans), max(span[1] for span in spans)):
        cells[cell] = (_IDLE, "dim")
    for first, last, colour in spans:
        cells[first:last] = [(_SOLID, colour)] * (last - first)
    runs = ((look, len(list(run))) for look, run in groupby(cells))
    return Text.assemble(*((symbol * length, colour) for (symbol, colour), length in runs))


def _cells(segment: Segment, origin: float, scale: float, width: int) -> tuple[int, int]:
    first = min(int((segment.start - origin) * scale), width - 1)
    last = min(round((segment.end - origin) * scale), width)
    return first, max(last, first + 1)


def _axis(length: float, width: int) -> Text:
    right = duration(length)
    return Text(f"0{right.rjust(width - 1)}", style="dim")


def _bars(view: View, now: float, depth: int = 0) -> Iterator[tuple[str, Visit]]:
    """What has run, in the order in which it began; sub-workflows below their task."""
    ran = [visit for visit in visits(view, now) if visit.segments]
    for visit in sorted(ran, key=lambda visit: (visit.start, visit.number)):
        again = f" ({visit.number})" if visit.number > 1 else ""
        yield f"{'  ' * depth}{visit.task}{again}", visit
        for child in visit.children:
            yield from _bars(child, now, depth + 1)
