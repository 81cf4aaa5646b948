"""A workflow's graph as SVG: boxes in layers, arrows with their conditions, statuses as colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from attune.cli.render.graph import COLOURS, FAIL, Drawing, Row, by_failure, label
from attune.cli.render.graph_layout import Layout, Point, layout
from attune.cli.render.words import progress, words

MARGIN: Final = 24.0
HEIGHT: Final = 46.0
"""Of a box, in pixels; its width fits its text."""
_CHARACTER: Final = 7.2
"""Pixels of a character of 12 px, about."""
_TITLE: Final = 34.0

_HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{height:.0f}" \
viewBox="0 0 {width:.0f} {height:.0f}" \
font-family="system-ui, sans-serif" font-size="12">
<defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">\
<path d="M0 0 8 4 0 8z" fill="#666"/></marker></defs>
<rect width="100%" height="100%" fill="#fff"/>
<text x="{margin:.0f}" y="26" font-size="14" font-weight="600" fill="#222">{title}</text>"""


def svg(drawing: Drawing) -> str:
    """The picture as a document of its own."""
    numbers = {name: number for number, name in enumerate(drawing.names)}
    boxes = [_lines(drawing, name) for name in drawing.names]
    sizes = [(max(map(len, lines)) * _CHARACTER + 24, HEIGHT) for lines in boxes]
    pairs = _merged(drawing)
    placed = layout(sizes, [(numbers[a], numbers[b]) for a, b in pairs])
    drawn = [_edge(pair, edges, placed, numbers, number) for number, (pair, edges) in enumerate(pairs.items())]
    parts = [_head(drawing, placed), *(line for line, _ in drawn)]
    parts += [
        _box(drawing, name, boxes[number], placed.centres[number], sizes[number][0]) for name, number in numbers.items()
    ]
    return "\n".join([*parts, *(said for _, said in drawn if said), "</svg>"]) + "\n"


def _lines(drawing: Drawing, name: str) -> list[str]:
    """What is written in a box."""
    node = drawing.by_name.get(name)
    if node is None:
        return [name]
    notes = [str(node["action"] or node["type"])]
    if drawing.shows_status:
        notes += [words(node["status"]), progress(node.get("items"))]
    return [name, " · ".join(note for note in notes if note)]


def _merged(drawing: Drawing) -> dict[tuple[str, str], list[Row]]:
    """The edges between two places together; a group leads to the members that it begins with."""
    found: dict[tuple[str, str], list[Row]] = {}
    for edge in drawing.edges:
        found.setdefault((edge["from"], edge["to"]), []).append(edge)
    for node in drawing.nodes:
        for member in drawing.first_members(node["name"]):
            found.setdefault((node["name"], member), [])
    return found


def _head(drawing: Drawing, placed: Layout) -> str:
    title_width = len(drawing.title) * _CHARACTER * 1.2
    width, height = max(placed.width, title_width) + 2 * MARGIN + 24, placed.height + 2 * MARGIN + _TITLE
    return _HEAD.format(width=width, height=height, margin=MARGIN, title=escape(drawing.title))


def _at(point: Point) -> Point:
    return point[0] + MARGIN, point[1] + MARGIN + _TITLE / 2


def _box(drawing: Drawing, name: str, lines: Sequence[str], centre: Point, width: float) -> str:
    x, y = _at(centre)
    node = drawing.by_name.get(name)
    fill, border = COLOURS.get(str(node["status"]), COLOURS["pending"]) if node and drawing.shows_status else _PLAIN
    fill, border = ("#f9d9d7", "#c0392b") if name == FAIL and node is None else (fill, border)
    corner = HEIGHT / 2 if node is None else 6
    rows = "".join(_row(number, line, x, y, len(lines)) for number, line in enumerate(lines))
    return (
        f'<g class="task" data-task={quoteattr(name)}><rect x="{x - width / 2:.1f}" y="{y - HEIGHT / 2:.1f}" '
        f'width="{width:.1f}" height="{HEIGHT:.0f}" rx="{corner:.0f}" fill="{fill}" stroke="{border}"/>{rows}</g>'
    )


_PLAIN: Final = ("#f4f7fb", "#5b7fa6")


def _row(number: int, line: str, x: float, y: float, count: int) -> str:
    look = 'font-weight="600" fill="#222"' if number == 0 else 'font-size="11" fill="#555"'
    below = 4 if count == 1 else -4 + number * 17
    return f'<text x="{x:.1f}" y="{y + below:.1f}" text-anchor="middle" {look}>{escape(line)}</text>'


def _edge(
    pair: tuple[str, str], edges: Sequence[Row], placed: Layout, numbers: Mapping[str, int], number: int
) -> tuple[str, str]:
    """The line, dashed for what follows a failure, dotted from a group to its members; and what is written on it."""
    points = [_at(point) for point in placed.routes[number]]
    path, middle = _curve(points) if points else _loop(_at(placed.centres[numbers[pair[0]]]))
    dashes = "1 4" if not edges else "5 4" if all(map(by_failure, edges)) else "none"
    said = " / ".join(dict.fromkeys(label(edge) for edge in edges if label(edge) not in ("", "failure")))
    whole = " / ".join(dict.fromkeys(str(edge["when"] or edge["on"]) for edge in edges)) or "begins with"
    title = f"<title>{escape(whole)}</title>"
    look = f'fill="none" stroke="#666" stroke-dasharray="{dashes}" marker-end="url(#arrow)"'
    return f'<path d="{path}" {look}>{title}</path>', _label(said, middle) if said else ""


def _label(said: str, middle: Point) -> str:
    x, y = middle
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-size="10" fill="#444" stroke="#fff" stroke-width="3" '
        f'paint-order="stroke">{escape(said)}</text>'
    )


def _curve(points: Sequence[Point]) -> tuple[str, Point]:
    """A path that leaves and meets boxes vertically; and where to write on it, near the next rank."""
    down = points[-1][1] > points[0][1]
    edge = HEIGHT / 2 if down else -HEIGHT / 2
    ends = [(points[0][0], points[0][1] + edge), *points[1:-1], (points[-1][0], points[-1][1] - edge)]
    return "".join(_segments(ends)), _between(ends[0], ends[1])


def _segments(points: Sequence[Point]) -> Iterator[str]:
    yield f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for (x, y), (to_x, to_y) in pairwise(points):
        half = (y + to_y) / 2
        yield f" C{x:.1f} {half:.1f} {to_x:.1f} {half:.1f} {to_x:.1f} {to_y:.1f}"


def _between(a: Point, b: Point) -> Point:
    """A point of the curve between them, at two thirds of it."""
    return a[0] + (b[0] - a[0]) * 0.72, a[1] + (b[1] - a[1]) * 0.62 + 3


def _loop(centre: Point) -> tuple[str, Point]:
    """A task that leads back to itself."""
    x, y = centre
    start, side, top, bottom = x + 30, x + 60, y - HEIGHT / 2, y + HEIGHT / 2
    bend = f"{side:.1f} {bottom + 25:.1f} {side:.1f} {top - 25:.1f}"
    return f"M{start:.1f} {bottom:.1f} C{bend} {start:.1f} {top:.1f}", (side, y + 4)
