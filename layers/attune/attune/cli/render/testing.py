"""Results of tests, as they come in, and what they have covered."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group
from rich.text import Text

from attune.cli.render.words import duration, failure
from attune.testing.coverage import Coverage
from attune.testing.expectations import ABSENT, Difference
from attune.testing.report import Report, Result

MOST_MISSING = 20
"""Transitions that were not taken, shown for one workflow at most; ``--json`` has all."""


def file_line(result: Result) -> Text:
    """The heading over the cases of a file."""
    return Text(f"\n{result.case.location.file}", style="bold")


def result_lines(result: Result) -> Group:
    """A line for a case that passed; below one that failed everything that differs."""
    symbol, colour = ("✓", "green") if result.passed else ("✗", "red")
    times = f"{duration(result.outcome.elapsed)} of virtual time" if result.outcome.elapsed >= 1 else ""
    head = Text.assemble((f"  {symbol} ", colour), result.case.name, (f"  {times}" if times else "", "dim"))
    return Group(head, *([] if result.passed else _why(result)))


def _why(result: Result) -> Iterator[Text]:
    yield Text(f"      {result.case.location}", style="dim")
    for problem in result.outcome.problems:
        yield Text(f"      {problem}", style="red")
    if result.outcome.problems:  # the differences follow from them
        return
    for row in result.differences:
        yield from _difference(row)
    if any(row.where == "status" for row in result.differences) and result.outcome.error:
        yield Text(f"      the execution's error: {failure(result.outcome.error)}", style="dim")


def _difference(row: Difference) -> Iterator[Text]:
    """A list of names as a diff, anything else as a pair of lines."""
    yield Text(f"      {row.where}:", style="bold")
    if _is_names(row.expected) and _is_names(row.actual):
        for line in difflib.ndiff(row.expected, row.actual):
            if not line.startswith("?"):
                yield Text(f"        {line}", style={"-": "green", "+": "red"}.get(line[0], "dim"))
        return
    for word, value, colour in (("expected", row.expected, "green"), ("     got", row.actual, "red")):
        yield Text.assemble(f"        {word} ", (_text(value), colour))


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _text(value: Any) -> str:
    return "nothing" if value is ABSENT else json.dumps(value, ensure_ascii=False)


def coverage_lines(rows: Sequence[Coverage]) -> Group:
    """A line for each workflow, and the transitions that nobody took below it."""
    lines = [Text("\ntransitions taken", style="bold")]
    width = max((len(row.workflow) for row in rows), default=0)
    for row in rows:
        colour = "green" if not row.missing else "yellow"
        counts = f"{row.count}/{row.total}".rjust(7)
        lines.append(Text.assemble(f"  {row.workflow.ljust(width)} ", (f"{counts} {row.share:5.0%}", colour)))
        lines += [Text(f"      never: {edge}", style="dim") for edge in row.missing[:MOST_MISSING]]
        if len(row.missing) > MOST_MISSING:
            lines.append(Text(f"      … and {len(row.missing) - MOST_MISSING} more", style="dim"))
    return Group(*lines)


def summary(report: Report) -> Text:
    """How many passed and failed, in how much real time."""
    passed = len(report.results) - report.failed
    words = [f"{passed} passed"] + ([f"{report.failed} failed"] if report.failed else [])
    colour = "red" if report.failed else "green"
    return Text.assemble("\n", (", ".join(words), f"bold {colour}"), f" in {duration(report.seconds)}")
