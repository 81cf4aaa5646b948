"""Who can reach whom in a graph with loops. The compiler works it out once; default joins need it.

Tasks are numbers. A set of tasks is an integer used as a bit set. A graph is a list of the successors of each task.

**Loops.** A loop is a strongly connected component; a task that leads to itself is a loop of one. The *head* is its
only task with a predecessor outside of the loop. The edges from the loop to its head are the *back edges*: taking one
begins a new round. Without its back edges, a loop may contain further loops, nested in it; they are found in the same
way. A loop that can be entered at several tasks has no head and no back edges, and no nested loops are looked for in
it.

**Blockers.** Take the graph without the back edges of those loops that contain a task T. Every other task that can
reach T there blocks T: it could still cause an arrival in T's present round. Loops that do not contain T keep their
back edges. So all tasks of a loop block a join behind it.

**New rounds.** For the head of a loop, ``cycle_body`` is the loop without the head, and ``back_sources`` are the tasks
with a back edge to it. An arrival from one of these asks for a new round. The round begins when nothing in the body is
busy.

**An example.** ``s → h → a → b → h``, and ``b → j``. The loop is ``h, a, b`` with the head ``h``; its back edge is ``b
→ h``. ``h`` is blocked by ``s`` alone: without the back edge neither ``a`` nor ``b`` reaches it. Its ``cycle_body`` is
``a, b``, its ``back_sources`` are ``b``. ``j`` is blocked by ``s, h, a, b``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reach:
    """What is computed for one task; the fields are those of :class:`attune.model.graph.Task`."""

    sources: int
    blockers: int
    cycle_body: int = 0
    back_sources: int = 0


@dataclass(frozen=True, slots=True)
class _Loop:
    body: int
    head: int
    back_sources: int


def analyse(successors: Sequence[int]) -> list[Reach]:
    """See the module; ``successors[i]`` is the set of tasks that task *i* leads to."""
    before = predecessors(successors)
    loops = list(_loops(successors, before))
    heads = {loop.head: loop for loop in loops}
    blockers = _blockers(before, loops)
    found = []
    for task, sources in enumerate(before):
        loop = heads.get(task)
        body, back = (loop.body & ~(1 << task), loop.back_sources) if loop else (0, 0)
        found.append(Reach(sources, blockers[task], body, back))
    return found


def bits(members: int) -> Iterator[int]:
    """The numbers in a set, ascending."""
    while members:
        low = members & -members
        yield low.bit_length() - 1
        members ^= low


def predecessors(successors: Sequence[int]) -> list[int]:
    """The graph turned around."""
    before = [0] * len(successors)
    for task, after in enumerate(successors):
        for target in bits(after):
            before[target] |= 1 << task
    return before


def entries(successors: Sequence[int]) -> int:
    """The tasks that no other task leads to."""
    before = predecessors(successors)
    return sum(1 << task for task, sources in enumerate(before) if not sources & ~(1 << task))


def components(successors: Sequence[int]) -> list[int]:
    """The strongly connected components with a cycle, as disjoint bit sets."""
    return list(_components(successors, predecessors(successors), (1 << len(successors)) - 1))


def reached(steps: Sequence[int], start: int, within: int = -1) -> int:
    """``start`` and all that can be reached from it over ``steps`` without leaving ``within``."""
    seen, front = 0, start & within
    while front:
        seen |= front
        after = 0
        for task in bits(front):
            after |= steps[task]
        front = after & within & ~seen
    return seen


def cycle(successors: Sequence[int], within: int) -> list[int]:
    """A shortest cycle through the first of those tasks of ``within`` that are on one; empty if there is none."""
    for task in bits(within):
        path = _path(successors, task, within)
        if path:
            return path
    return []


def _path(successors: Sequence[int], task: int, within: int) -> list[int]:
    """The shortest way from a task back to itself."""
    came_from: dict[int, int] = {}
    front = [task]
    while front and task not in came_from:
        following = []
        for here in front:
            for target in bits(successors[here] & within):
                if target not in came_from:
                    came_from[target] = here
                    following.append(target)
        front = following
    if task not in came_from:
        return []
    path = [came_from[task]]
    while path[-1] != task:
        path.append(came_from[path[-1]])
    return path[::-1]


def _loops(successors: Sequence[int], before: Sequence[int]) -> Iterator[_Loop]:
    """All loops that have a head, the outer ones before those nested in them."""
    after, back = list(successors), list(before)
    pending = [(1 << len(after)) - 1]
    while pending:
        for body in _components(after, back, pending.pop()):
            ways_in = [task for task in bits(body) if back[task] & ~body]
            if len(body_heads := ways_in or _alone(body)) != 1:
                continue
            head = body_heads[0]
            loop = _Loop(body, head, back[head] & body)
            yield loop
            for source in bits(loop.back_sources):
                after[source] &= ~(1 << head)
            back[head] &= ~body
            pending.append(body)


def _alone(body: int) -> list[int]:
    """An entry point that leads to itself is the head of that loop though nothing leads there."""
    return list(bits(body)) if body.bit_count() == 1 else []


def _components(after: Sequence[int], back: Sequence[int], within: int) -> Iterator[int]:
    """The strongly connected components with a cycle: trim what lies on none, then meet forward with backward."""
    rest = _trimmed(after, back, within)
    while rest:
        seed = rest & -rest
        body = reached(after, seed, rest) & reached(back, seed, rest)
        if body != seed or after[seed.bit_length() - 1] & seed:
            yield body
        rest = _trimmed(after, back, rest & ~body)


def _trimmed(after: Sequence[int], back: Sequence[int], within: int) -> int:
    """``within`` without the tasks that nothing in it leads to, or that lead to nothing in it."""
    pending = within
    while pending:
        affected = 0
        for task in bits(pending):
            if not after[task] & within or not back[task] & within:
                within &= ~(1 << task)
                affected |= after[task] | back[task]
        pending = affected & within
    return within


def _blockers(before: Sequence[int], loops: Sequence[_Loop]) -> list[int]:
    """Blockers of each task; tasks in the same loops see the same graph, so they share what was found."""
    found = [0] * len(before)
    for chain, members in _groups(len(before), loops):
        back = list(before)
        for number in chain:
            back[loops[number].head] &= ~loops[number].back_sources
        known: dict[int, int] = {}
        for task in bits(members):
            known[task] = _ancestors(back, task, known)
            found[task] = known[task] & ~(1 << task)
    return found


def _groups(size: int, loops: Sequence[_Loop]) -> list[tuple[list[int], int]]:
    """``(loops, tasks)``: the tasks that are in exactly these loops."""
    groups: dict[int, int] = {}
    for task in range(size):
        chain = sum(1 << number for number, loop in enumerate(loops) if loop.body >> task & 1)
        groups[chain] = groups.get(chain, 0) | 1 << task
    return [(list(bits(chain)), members) for chain, members in groups.items()]


def _ancestors(back: Sequence[int], task: int, known: dict[int, int]) -> int:
    """All that can reach ``task``; stops at tasks whose own ancestors are known."""
    seen, front = 0, back[task]
    while front:
        seen |= front
        after = 0
        for source in bits(front):
            if source in known:
                seen |= known[source]
            else:
                after |= back[source]
        front = after & ~seen
    return seen
