"""Diagnoses, check-ups and dead letters as text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from attune.cli.render.tables import when
from attune.cli.render.words import words

Row = Mapping[str, Any]


def diagnosis(found: Row) -> Group:
    """A line per finding, what to do below it; what a repair sent comes last."""
    head = Text.assemble((found["id"], "bold"), f" is {words(found['status'])}:")
    return Group(head, *(line for finding in found["findings"] for line in _finding(finding)), *_repaired(found))


def _finding(finding: Row) -> Iterator[Text]:
    sign, colour = ("✗ ", "red") if finding["repairable"] else ("• ", "cyan")
    yield Text.assemble((sign, colour), finding["sentence"], overflow="fold")
    if finding["remedy"]:
        by = " (`--fix` does it)" if finding["repairable"] else ""
        yield Text(f"  → {finding['remedy']}{by}", style="dim", overflow="fold")


def _repaired(found: Row) -> Iterator[Text]:
    if "repaired" in found:
        sent = ", ".join(found["repaired"])
        yield Text(f"repaired: {sent}" if sent else "there is nothing to repair", style="green" if sent else "dim")


def checkup(found: Row) -> Group:
    """A line per check; what to do below those that are not well."""
    lines: list[Text] = []
    for check in found["checks"]:
        sign, colour = ("✓ ", "green") if check["ok"] else ("✗ ", "red")
        lines.append(Text.assemble((sign, colour), check["sentence"], overflow="fold"))
        if not check["ok"]:
            lines.append(Text(f"  → {check['remedy']}", style="dim", overflow="fold"))
    return Group(*lines)


def dead_letters(rows: Sequence[Row]) -> Group | Text:
    """Two lines per dead letter."""
    if not rows:
        return Text("no dead letters", style="dim")
    lines = []
    for row in rows:
        lines.append(Text.assemble((row["id"], "bold"), f"  {row['queue']}  {when(row['died_at'])}"))
        lines.append(Text(f"  {row['reason']}", overflow="fold"))
    return Group(*lines)


def dead_letter(row: Row) -> Table:
    """All of one."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in row.items():
        if value is not None:
            table.add_row(name.replace("_", " "), Text(str(value)))
    return table
