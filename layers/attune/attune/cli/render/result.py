"""How an execution ended: its output, or what went wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.json import JSON
from rich.text import Text

from attune.cli.render.timeline import timeline
from attune.cli.render.words import duration, failure, style, words
from attune.cli.view import View, latest_visits

LONGEST_OUTPUT = 20_000
"""Characters of the output that are shown; ``--json`` gives all of it."""


def result(view: View, now: float, width: int = 100) -> Group:
    """Status, errors, output and timeline, below each other; ``width`` is the terminal's."""
    return Group(*_parts(view, now, width))


def _parts(view: View, now: float, width: int) -> Iterator[RenderableType]:
    yield Text("")
    yield _verdict(view, now)
    yield from _errors(view, now)
    output = view.execution.get("output")
    if output is not None:
        yield Text("\noutput", style="bold")
        yield _json(output)
    yield Text("\ntimeline", style="bold")
    yield timeline(view, now, max(20, min(60, width - 50)))


def _verdict(view: View, now: float) -> Text:
    symbol, colour = style(view.status)
    length = duration(view.ended(now) - view.started) if view.started is not None else ""
    return Text.assemble(
        (f"{symbol} {view.execution['workflow']} {words(view.status)}", f"bold {colour}"), f" in {length}"
    )


def _errors(view: View, now: float) -> Iterator[Text]:
    """The execution's own error, then those of its tasks."""
    own = view.execution.get("error")
    if own:
        yield Text(failure(own), style="red")
    for visit in latest_visits(view, now):
        if visit.status.failed and visit.error and visit.error.get("message") != (own or {}).get("message"):
            yield Text(f"  {visit.task}: {failure(visit.error)}", style="red")


def _json(value: object) -> Text:
    text = json.dumps(value, indent=2, ensure_ascii=False)
    if len(text) > LONGEST_OUTPUT:
        return Text(f"{text[:LONGEST_OUTPUT]}\n… {len(text) - LONGEST_OUTPUT:,} more characters (see --json)")
    return JSON(text, ensure_ascii=False).text
