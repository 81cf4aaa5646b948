"""Which tasks may run at the same time: what the warnings of races stand on.

It computes a relation, *side by side*: the smallest one that these rules allow. Each task has three nodes: it runs;
it was fired and waits at its join; or it heads a loop, was fired by the end of a round, and waits.

* Entry points are side by side. So are the tasks that one end of a task fires, and the starts of a group.
* A task that is fired is side by side with everything that the firing task was side by side with.
* There are two exceptions. A default join begins only when nothing that blocks it is busy (``model/reachability.py``
  defines blockers). The head of a loop begins a new round only when nothing else in the loop is busy.
* Of joins that block each other, one goes first.
* Tasks named beside ``fail`` begin at once.
* Members of a group are side by side with everything that their group is side by side with, but not with the group.

Example: ``a`` fires ``b`` and ``c``, and both fire ``d``, a default join. ``b`` and ``c`` are side by side. ``d`` is
with neither: both block it.

Two tasks outside of the relation never run at the same time. Two inside of it may, unless conditions forbid it.
"""

from __future__ import annotations

from attune.language.checks.outcomes import beside_fail, once_per_round, outcomes
from attune.language.draft import Draft
from attune.model.graph import JoinKind
from attune.model.reachability import bits


def side_by_side(draft: Draft) -> list[int]:
    """For each task all that may run while it does, as a bit set; itself, if a second visit may begin meanwhile."""
    return _Analysis(draft).running()


class _Analysis:
    """Nodes: ``t`` runs, ``size + t`` waits at its join, ``2 * size + t`` waits for a new round."""

    def __init__(self, draft: Draft) -> None:
        self._draft, self._size = draft, len(draft.tasks)
        self._once = once_per_round(draft)
        self._beside = [0] * (3 * self._size)
        self._pending = list[int]()
        self._steps: list[list[tuple[int, int]]] = [[] for _ in self._beside]

    def running(self) -> list[int]:
        """The relation, of running tasks only."""
        self._find_steps()
        self._meet(list(bits(self._draft.entries)))
        for number in range(self._size):
            self._meet(list(bits(self._draft.starts(number))))
            self._meet(list(bits(beside_fail(self._draft, number))))
            for outcome in outcomes(self._draft, number):
                self._meet([self._arrival(number, target) for target in bits(outcome.may)])
        while self._pending:
            node = self._pending.pop()
            for target, apart in self._steps[node]:
                self._add(target, self._beside[node] & ~apart)
        everything = (1 << self._size) - 1
        return [row & everything for row in self._beside[: self._size]]

    def _meet(self, nodes: list[int]) -> None:
        together = sum(1 << node for node in nodes)
        for node in nodes:
            self._add(node, together & ~(1 << node))

    def _add(self, node: int, others: int) -> None:
        new = others & ~self._beside[node]
        if not new:
            return
        self._beside[node] |= new
        self._pending.append(node)
        for other in bits(new):
            if not self._beside[other] >> node & 1:
                self._beside[other] |= 1 << node
                self._pending.append(other)

    def _find_steps(self) -> None:
        """For each node, the pairs ``(next, apart)``: a node that it leads to, and what keeps apart from that one."""
        for number in range(self._size):
            for target in bits(self._draft.successors[number]):
                again = 1 << target if self._runs_once(target) else 0
                self._steps[number].append((self._arrival(number, target), again))
            for target in bits(beside_fail(self._draft, number)):
                self._steps[number].append((target, 0))
            members = self._nodes(self._draft.inside[number])
            for start in bits(self._draft.starts(number)):
                self._steps[number].append((start, members))
            if self._waits(number):
                reach = self._draft.reach[number]
                self._steps[self._size + number].append((number, self._apart(number, reach.blockers)))
                self._steps[2 * self._size + number].append(
                    (number, self._apart(number, reach.blockers | reach.cycle_body))
                )

    def _arrival(self, source: int, target: int) -> int:
        if not self._waits(target):
            return target
        new_round = self._draft.reach[target].back_sources >> source & 1
        return (2 if new_round else 1) * self._size + target

    def _waits(self, number: int) -> bool:
        """A default join; a join of all sources too, if each of them can fire it but once."""
        sources, join = self._draft.reach[number].sources, self._draft.tasks[number].join
        all_once = join.kind is JoinKind.ALL and not sources & ~self._once
        return sources.bit_count() > 1 and (join.kind is JoinKind.ROUND or all_once)

    def _runs_once(self, number: int) -> bool:
        """``join: N`` ignores the arrivals that its run didn't need."""
        sources, join = self._draft.reach[number].sources, self._draft.tasks[number].join
        return join.kind is JoinKind.COUNT and not sources & ~self._once

    def _apart(self, number: int, blockers: int) -> int:
        """Nodes of the blockers; those that are blocked in turn are not waited for while they wait."""
        reach = self._draft.reach
        mutual = sum(1 << other for other in bits(blockers) if reach[other].blockers >> number & 1)
        arrivals = 1 << self._size + number | 1 << 2 * self._size + number
        return self._nodes(blockers & ~mutual) | self._within(mutual) | arrivals

    def _nodes(self, tasks: int) -> int:
        """All nodes of the tasks and of all that is inside of them."""
        tasks = self._within(tasks)
        return tasks | tasks << self._size | tasks << 2 * self._size

    def _within(self, tasks: int) -> int:
        found = tasks
        for number in bits(tasks):
            found |= self._draft.inside[number]
        return found
