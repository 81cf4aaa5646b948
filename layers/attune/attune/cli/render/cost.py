"""A cost as a table and as JSON."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from attune.cost import rivals
from attune.cost.bill import Usage, lines, total
from attune.cost.estimate import Shape
from attune.cost.prices import AS_OF, REGION


def attempts_of(shape: Shape) -> int:
    """Of the execution and its children."""
    return len(shape.tried) + sum(attempts_of(child) for child in shape.children)


def _elsewhere(shape: Shape) -> dict[str, float]:
    """Dollars that others would charge; not Express, which bills time that nobody knows of."""
    work = rivals.Work(executions=_executions(shape), steps=_steps(shape), depth=0, written=_written(shape))
    return {"Step Functions Standard": rivals.standard(work), "Lambda durable functions": rivals.durable(work)}


def _executions(shape: Shape) -> int:
    return int(not shape.chunk) + sum(map(_executions, shape.children))


def _steps(shape: Shape) -> int:
    return len(shape.tried) + shape.waited + sum(map(_steps, shape.children))


def _written(shape: Shape) -> int:
    return sum(tried.returned for tried in shape.tried) + sum(map(_written, shape.children))


def document(usage: Usage, shape: Shape) -> dict[str, Any]:
    """Dollars, and how they come about."""
    attempts = attempts_of(shape)
    return {
        "dollars": total(usage),
        "attempts": attempts,
        "dollars_per_million_attempts": total(usage) * 1_000_000 / attempts if attempts else None,
        "prices": {"region": REGION, "as_of": AS_OF},
        "billed": [{"what": str(line.meter), "units": line.units, "dollars": line.dollars} for line in lines(usage)],
        "elsewhere": _elsewhere(shape),
    }


def table(usage: Usage, shape: Shape) -> Table:
    """Units and dollars, for this execution and for a million like it; below it what others would charge."""
    attempts = attempts_of(shape)
    shown = Table(box=None, caption=f"list prices of {REGION}, {AS_OF}; {attempts} attempts", caption_justify="left")
    shown.add_column("billed")
    shown.add_column("units", justify="right")
    shown.add_column("dollars", justify="right")
    shown.add_column("a million of it", justify="right")
    for line in lines(usage):
        shown.add_row(str(line.meter), f"{line.units:,.4g}", *_dollars(line.dollars))
    whole = total(usage)
    shown.add_row("all", "", *_dollars(whole), style="bold")
    if attempts:
        shown.add_row("per attempt", "", *_dollars(whole / attempts), end_section=True)
    for rival, dollars in _elsewhere(shape).items():
        shown.add_row(rival, "", *_dollars(dollars), style="dim")
    return shown


def _dollars(dollars: float) -> tuple[str, str]:
    return f"{dollars:.7f}", f"{dollars * 1_000_000:,.2f}"
