"""Lists of executions and packs, and one execution in full."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from attune.cli.render.words import duration, failure, style, words

Row = Mapping[str, Any]
_BESIDE_WORKFLOW = 26 + 11 + 14 + 8 + 8
"""Columns that an execution's id, status, time of creation and duration take, with the gaps."""


def executions(rows: Sequence[Row], width: int = 100) -> Table | Text:
    """A line per execution; of a long workflow's name as much as fits into ``width``."""
    if not rows:
        return Text("no executions", style="dim")
    table = _table("ID", "WORKFLOW", "STATUS", "CREATED", "DURATION")
    table.columns[1].max_width = max(8, width - _BESIDE_WORKFLOW)
    for row in rows:
        created, length = when(row["created_at"]), duration(row["duration"])
        table.add_row(row["id"], row["workflow"], _status(row["status"]), created, length)
    return table


def inquiries(rows: Sequence[Row]) -> Table | Text:
    """A line per inquiry."""
    if not rows:
        return Text("no open inquiries", style="dim")
    table = _table("ID", "TASK", "ASKS", "SINCE", "PROMPT")
    table.columns[4].no_wrap = False
    for row in rows:
        asked = ", ".join(row["assignees"]) or "anybody"
        table.add_row(Text(row["id"]), row["task"], Text(asked), when(row["asked_at"]), Text(row["prompt"]))
    return table


def inquiry_details(inquiry: Row) -> Table:
    """All fields of an inquiry that say something."""
    shown = {**inquiry, "assignees": ", ".join(inquiry["assignees"])}
    return _fields({name: value for name, value in shown.items() if name != "schema" or value})


def packs(rows: Sequence[Row]) -> Table | Text:
    """A line per pack."""
    if not rows:
        return Text("no packs", style="dim")
    table = _table("PACK", "VERSION", "LABEL")
    for row in rows:
        table.add_row(*(Text(str(row.get(key, ""))) for key in ("ref", "version", "label")))
    return table


def synced(results: Iterable[Row]) -> Group:
    """What became of each pack, its errors below it."""
    lines: list[Text] = []
    for result in results:
        wrong = bool(result["errors"])
        counts = f"{result['registered_count']} of {result['loaded_count']} workflows registered"
        lines.append(
            Text.assemble(
                ("✗ " if wrong else "✓ ", "red" if wrong else "green"), (result["pack_ref"], "bold"), f"  {counts}"
            )
        )
        lines += [Text(f"  {error}", style="red", overflow="fold") for error in result["errors"]]
        lines += [
            Text(f"  {warning}", style="yellow", overflow="fold")
            for row in result["workflows"]
            for warning in row["warnings"]
        ]
    return Group(*lines)


def validated(result: Row) -> Group:
    """What is wrong with a pack, per workflow."""
    wrong = result["error_count"]
    head = Text(
        f"{result['pack_ref']}: {result['validated_count']} workflows, {wrong} errors",
        style="red" if wrong else "green",
    )
    return Group(
        head, *(Text(f"  {error}", overflow="fold") for errors in result["errors"].values() for error in errors)
    )


def details(execution: Row) -> Table:
    """All fields of an execution that say something."""
    shown = {
        **execution,
        "status": _status(execution["status"]),
        "error": failure(execution["error"]),
        "duration": duration(execution["duration"]),
        "parent": (execution["parent"] or {}).get("execution"),
        "retries": "\n".join(_retry(row) for row in execution.get("retries", ())),
        "tasks": ", ".join(f"{count} {words(status)}" for status, count in execution["tasks"].items()),
    }
    return _fields(shown)


def _fields(shown: Row) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in shown.items():
        if value not in (None, "", {}):
            table.add_row(name.replace("_", " "), value if isinstance(value, Text) else Text(_plain(value)))
    return table


def _retry(row: Row) -> str:
    whence = f" from {', '.join(row['from'])}" if row["from"] else ""
    changed = " with other parameters" if row["changed_parameters"] else ""
    return f"{row['number']}: {when(row['at'])} by {row['by']}{whence}, version {row['workflow_version']}{changed}"


def when(iso: str | None) -> str:
    """A time as it is on this machine's clock."""
    return datetime.fromisoformat(iso).astimezone().strftime("%m-%d %H:%M:%S") if iso else ""


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _status(status: str) -> Text:
    symbol, colour = style(status)
    return Text(f"{symbol} {words(status)}", style=colour)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
