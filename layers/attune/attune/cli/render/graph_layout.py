"""Where boxes and arrows go: a layered layout (Sugiyama, Tagawa and Toda, 1981) of a directed graph.

Edges against the flow are turned round; every node gets the rank of the longest way to it; edges over several ranks
go through invisible nodes; the order within a rank follows the barycentres of the neighbours, and so do the positions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Edge = tuple[int, int]
Point = tuple[float, float]

GAP_X, GAP_Y = 36.0, 64.0
"""Between boxes of a rank, and between ranks; an edge that passes by takes :data:`LANE`."""
LANE = 12.0
SWEEPS = 12
"""How often order and positions are improved, down and up in turn."""


@dataclass(frozen=True, slots=True)
class Layout:
    """``centres`` of the boxes by their number; ``routes`` of the edges, from box to box, as they were given."""

    centres: Sequence[Point]
    routes: Sequence[Sequence[Point]]
    width: float
    height: float


def layout(sizes: Sequence[tuple[float, float]], edges: Sequence[Edge]) -> Layout:
    """Lay out boxes of these widths and heights; an edge from a box to itself has an empty route."""
    made = _Layers(sizes=sizes)
    reversed_edges = _against_the_flow(len(sizes), edges)
    flows = [(b, a) if (a, b) in reversed_edges else (a, b) for a, b in edges]
    made.rank([edge for edge in flows if edge[0] != edge[1]])
    chains = [made.chain(a, b) if a != b else [] for a, b in flows]
    made.arrange()
    points = made.points()
    routes = [
        [points[node] for node in (reversed(chain) if edge in reversed_edges else chain)]
        for edge, chain in zip(edges, chains, strict=True)
    ]
    height = max((y for _, y in points), default=0.0) + made.row_height / 2
    return Layout(points[: len(sizes)], routes, made.width, height)


def _against_the_flow(count: int, edges: Iterable[Edge]) -> set[Edge]:
    """The edges that close a cycle, going depth first from the nodes as they are numbered."""
    after: list[list[int]] = [[] for _ in range(count)]
    for a, b in edges:
        after[a].append(b)
    back, state = set[Edge](), [0] * count  # 0: not seen, 1: on the way, 2: done
    for root in range(count):
        stack = [(root, iter(after[root]))] if not state[root] else []
        state[root] = state[root] or 1
        while stack:
            node, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                state[node] = 2
                stack.pop()
            elif state[following] == 1:
                back.add((node, following))
            elif not state[following]:
                state[following] = 1
                stack.append((following, iter(after[following])))
    return back


@dataclass(kw_only=True)
class _Layers:
    """The nodes rank by rank, the invisible ones numbered after the boxes."""

    sizes: Sequence[tuple[float, float]]
    ranks: list[int] = field(default_factory=list)
    above: list[list[int]] = field(default_factory=list)
    below: list[list[int]] = field(default_factory=list)
    rows: list[list[int]] = field(default_factory=list)
    x: list[float] = field(default_factory=list)

    @property
    def row_height(self) -> float:
        return max((height for _, height in self.sizes), default=0.0)

    @property
    def width(self) -> float:
        return max((self.x[node] + self.half(node) for node in range(len(self.x))), default=0.0)

    def half(self, node: int) -> float:
        return self.sizes[node][0] / 2 if node < len(self.sizes) else LANE / 2

    def rank(self, edges: Sequence[Edge]) -> None:
        """The longest way from a node that nothing leads to."""
        count = len(self.sizes)
        after: list[list[int]] = [[] for _ in range(count)]
        waits = [0] * count
        for a, b in edges:
            after[a].append(b)
            waits[b] += 1
        self.ranks = [0] * count
        ready = [node for node in range(count) if not waits[node]]
        for node in ready:
            for following in after[node]:
                self.ranks[following] = max(self.ranks[following], self.ranks[node] + 1)
                waits[following] -= 1
                if not waits[following]:
                    ready.append(following)
        self.above, self.below = [[] for _ in range(count)], [[] for _ in range(count)]

    def chain(self, a: int, b: int) -> list[int]:
        """The nodes that an edge passes, invisible ones made for the ranks between."""
        chain = [a]
        for rank in range(self.ranks[a] + 1, self.ranks[b]):
            chain.append(len(self.ranks))
            self.ranks.append(rank)
            self.above.append([])
            self.below.append([])
        chain.append(b)
        for upper, lower in pairwise(chain):
            self.below[upper].append(lower)
            self.above[lower].append(upper)
        return chain

    def arrange(self) -> None:
        """Order each rank, then push its nodes towards their neighbours."""
        self.rows = [[] for _ in range(max(self.ranks, default=-1) + 1)]
        for node, rank in enumerate(self.ranks):
            self.rows[rank].append(node)
        self.x = [0.0] * len(self.ranks)
        for sweep in range(SWEEPS):
            self._order(self.above if sweep % 2 == 0 else self.below, self.rows[:: 1 if sweep % 2 == 0 else -1])
        for row in self.rows:
            self._place(row, [0.0] * len(row))
        for sweep in range(SWEEPS):
            near = self.above if sweep % 2 == 0 else self.below
            for row in self.rows[:: 1 if sweep % 2 == 0 else -1]:
                self._place(row, [self._middle(node, near) for node in row])
        left = min((self.x[node] - self.half(node) for node in range(len(self.x))), default=0.0)
        self.x = [x - left for x in self.x]

    def _order(self, near: Sequence[Sequence[int]], rows: Iterable[list[int]]) -> None:
        position = {node: number for row in self.rows for number, node in enumerate(row)}
        for row in rows:
            weight = {n: sum(position[m] for m in near[n]) / len(near[n]) if near[n] else position[n] for n in row}
            row.sort(key=weight.__getitem__)
            position.update({node: number for number, node in enumerate(row)})

    def _middle(self, node: int, near: Sequence[Sequence[int]]) -> float:
        neighbours = near[node]
        return sum(self.x[n] for n in neighbours) / len(neighbours) if neighbours else self.x[node]

    def _place(self, row: Sequence[int], wanted: Sequence[float]) -> None:
        """As near to what is wanted as the order and the gaps allow: midway between pushing right and pushing left."""
        gaps = [self.half(a) + self.half(b) + GAP_X for a, b in pairwise(row)]
        right, left = list(wanted), list(wanted)
        for number, gap in enumerate(gaps, 1):
            right[number] = max(right[number], right[number - 1] + gap)
        for number in range(len(gaps) - 1, -1, -1):
            left[number] = min(left[number], left[number + 1] - gaps[number])
        for node, a, b in zip(row, right, left, strict=True):
            self.x[node] = (a + b) / 2

    def points(self) -> list[Point]:
        """The centre of every node."""
        height = self.row_height
        return [(x, height / 2 + rank * (height + GAP_Y)) for x, rank in zip(self.x, self.ranks, strict=True)]
