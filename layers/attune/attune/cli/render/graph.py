"""A workflow's graph as text and as Mermaid, from nodes and edges as the API gives them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final

from rich.console import Group
from rich.text import Text

from attune.cli.render.words import progress, style, words

Row = Mapping[str, Any]
FAIL: Final = "fail"
"""The reserved target: no task, but a place that edges lead to."""
LONGEST_LABEL: Final = 32
"""Characters of a condition that are shown in a picture."""
_BY_FAILURE: Final = frozenset({"failure", "timeout"})

COLOURS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "completed": ("#d7f0dc", "#2c8a3f"),
        "failed": ("#f9d9d7", "#c0392b"),
        "timed_out": ("#f9d9d7", "#c0392b"),
        "running": ("#d3ecf5", "#1f7a99"),
        "scheduled": ("#d3ecf5", "#1f7a99"),
        "waiting": ("#fdf1cf", "#a67c00"),
        "retrying": ("#fdf1cf", "#a67c00"),
        "skipped": ("#eeeeee", "#999999"),
        "held": ("#eeeeee", "#999999"),
        "cancelled": ("#f0dcf3", "#8e44ad"),
        "pending": ("#ffffff", "#888888"),
    }
)
"""Fill and border of each status."""


@dataclass(frozen=True)
class Drawing:
    """``nodes`` and ``edges`` as the API gives them; ``shows_status``: they are those of an execution."""

    title: str
    nodes: Sequence[Row]
    edges: Sequence[Row]
    shows_status: bool = False

    @cached_property
    def names(self) -> list[str]:
        """All places: the tasks, and ``fail`` where something leads there."""
        tasks = [node["name"] for node in self.nodes]
        return tasks + ([FAIL] if any(edge["to"] == FAIL for edge in self.edges) else [])

    @cached_property
    def by_name(self) -> dict[str, Row]:
        """The nodes."""
        return {node["name"]: node for node in self.nodes}

    def members(self, group: str | None) -> list[Row]:
        """The tasks in a group; with None those in no group."""
        return [node for node in self.nodes if node.get("group") == group]

    def first_members(self, group: str) -> list[str]:
        """The members that nothing leads to: what the group begins with."""
        led_to = {edge["to"] for edge in self.edges if edge["to"] != edge["from"]}
        return [node["name"] for node in self.members(group) if node["name"] not in led_to]


def label(edge: Row) -> str:
    """What is written on an edge: nothing for a plain success, else on what it fires, or its condition."""
    if edge["when"]:
        condition = re.sub(r"^\{\{\s*|\s*\}\}$", "", edge["when"].strip())
        return condition if len(condition) <= LONGEST_LABEL else f"{condition[: LONGEST_LABEL - 1]}…"
    return {"success": "", "decision": "otherwise"}.get(edge["on"], str(edge["on"]))


def by_failure(edge: Row) -> bool:
    """Whether it is taken only when something went wrong."""
    return edge["on"] in _BY_FAILURE


def text(drawing: Drawing) -> Group:
    """The tasks in the order in which they are written, what follows below each; members of groups indented."""
    return Group(Text(drawing.title, style="bold"), *_tasks(drawing, None, 0))


def _tasks(drawing: Drawing, group: str | None, depth: int) -> Iterator[Text]:
    for node in drawing.members(group):
        indent = "  " * depth
        yield Text(indent).append_text(_node_line(drawing, node))
        followers = [edge for edge in drawing.edges if edge["from"] == node["name"]]
        for number, edge in enumerate(followers, 1):
            branch = "└─" if number == len(followers) else "├─"
            yield Text(f"{indent}  {branch} ", style="dim").append_text(_edge_line(edge))
        yield from _tasks(drawing, node["name"], depth + 2)


def _node_line(drawing: Drawing, node: Row) -> Text:
    symbol, colour = style(node["status"]) if drawing.shows_status else ("○", "cyan")
    line = Text.assemble((f"{symbol} ", colour), (node["name"], "bold"), (f"  {_kind(node)}", "dim"))
    if drawing.shows_status:
        again = f"visit {node['visits']}" if node["visits"] > 1 else ""
        notes = [note for note in (words(node["status"]), again, progress(node.get("items"))) if note]
        line.append(f"  {', '.join(notes)}", style=colour)
    return line


def _kind(node: Row) -> str:
    return str(node["action"] or node["type"])


def _edge_line(edge: Row) -> Text:
    condition = label(edge) or "success"
    return Text.assemble((f"{condition} ", "red" if by_failure(edge) else "dim"), "→ ", str(edge["to"]))


def mermaid(drawing: Drawing) -> str:
    """A Mermaid flowchart; groups are subgraphs, failures dotted, statuses classes."""
    ids = {name: f"t{number}" for number, name in enumerate(drawing.names)}
    lines = ["flowchart TD", f"  %% {drawing.title}"]
    lines += [f"  {line}" for line in _mermaid_nodes(drawing, None, ids)]
    if FAIL in ids:
        lines.append(f'  {ids[FAIL]}(["fail"])')
    lines += [f"  {_mermaid_edge(edge, ids)}" for edge in drawing.edges]
    if drawing.shows_status:
        lines += [f"  {line}" for line in _mermaid_classes(drawing, ids)]
    return "\n".join(lines) + "\n"


def _mermaid_nodes(drawing: Drawing, group: str | None, ids: Mapping[str, str]) -> Iterator[str]:
    for node in drawing.members(group):
        name = node["name"]
        if drawing.members(name):
            yield f'subgraph {ids[name]}["{_quoted(name)} ({_quoted(_kind(node))})"]'
            yield from (f"  {line}" for line in _mermaid_nodes(drawing, name, ids))
            yield "end"
        else:
            yield f'{ids[name]}["{_quoted(name)}<br/><small>{_quoted(_kind(node))}</small>"]'


def _mermaid_edge(edge: Row, ids: Mapping[str, str]) -> str:
    arrow, words_on_it = "-.->" if by_failure(edge) else "-->", label(edge)
    written = f'|"{_quoted(words_on_it)}"|' if words_on_it else ""
    return f"{ids[edge['from']]} {arrow}{written} {ids[edge['to']]}"


def _mermaid_classes(drawing: Drawing, ids: Mapping[str, str]) -> Iterator[str]:
    for status, (fill, border) in COLOURS.items():
        here = [ids[node["name"]] for node in drawing.nodes if node["status"] == status]
        if here:
            yield f"classDef {status} fill:{fill},stroke:{border},color:#222"
            yield f"class {','.join(here)} {status}"


def _quoted(text: str) -> str:
    """Text inside a Mermaid string: what has a meaning there as an entity (``#quot;``)."""
    return "".join(_ENTITIES.get(character, character) for character in text)


_ENTITIES: Final[Mapping[str, str]] = MappingProxyType(
    {'"': "#quot;", "#": "#35;", "&": "#amp;", "<": "#lt;", ">": "#gt;", "`": "#96;", "|": "#124;", "\n": " "}
)
