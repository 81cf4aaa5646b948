"""A cost as a table and as JSON."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from attune.cost.bill import Usage, lines, total
from attune.cost.estimate import Shape
from attune.cost.prices import AS_OF, REGION


def attempts_of(shape: Shape) -> int:
    """Of the execution and its children."""
    return len(shape.tried) + sum(attempts_of(child) for child in shape.children)


def document(usage: Usage, shape: Shape) -> dict[str, Any]:
    """Dollars, and how they come about."""
    attempts = attempts_of(shape)
    return {
        "dollars": total(usage),
        "attempts": attempts,
        "dollars_per_million_attempts": total(usage) * 1_000_000 / attempts if attempts else None,
        "prices": {"region": REGION, "as_of": AS_OF},
        "billed": [{"what": str(line.meter), "units": line.units, "dollars": line.dollars} for line in lines(usage)],
    }


def table(usage: Usage, shape: Shape) -> Table:
    """Units and dollars, for this execution and for a million like it."""
    attempts = attempts_of(shape)
    shown = Table(box=None, caption=f"list prices of {REGION}, {AS_OF}; {attempts} attempts", caption_justify="left")
    shown.add_column("billed")
    shown.add_column("units", justify="right")
    shown.add_column("dollars", justify="right")
    shown.add_column("for a million", justify="right")
    for line in lines(usage):
        shown.add_row(str(line.meter), f"{line.units:,.4g}", f"{line.dollars:.7f}", f"{line.dollars * 1_000_000:,.2f}")
    whole = total(usage)
    shown.add_row("all", "", f"{whole:.7f}", f"{whole * 1_000_000:,.2f}", style="bold")
    if attempts:
        shown.add_row("per attempt", "", f"{whole / attempts:.7f}", f"{whole * 1_000_000 / attempts:,.2f}")
    return shown
