"""Who blocks whom, which loops there are, and that a thousand tasks take no time."""

from __future__ import annotations

import random
import time

import pytest

from attune.model.reachability import Reach, analyse, bits, cycle, entries, reached


class Graph:
    """A graph written as ``"a>b a>c"``, answering in names."""

    def __init__(self, edges: str) -> None:
        pairs = [edge.split(">") for edge in edges.split()]
        self.names = sorted({name for pair in pairs for name in pair})
        self.successors = [0] * len(self.names)
        for source, target in pairs:
            self.successors[self.names.index(source)] |= 1 << self.names.index(target)
        self.found = analyse(self.successors)

    def __getitem__(self, name: str) -> Reach:
        return self.found[self.names.index(name)]

    def spelt(self, members: int) -> str:
        return "".join(self.names[number] for number in bits(members))

    def blockers(self, name: str) -> str:
        return self.spelt(self[name].blockers)

    def loop(self, name: str) -> tuple[str, str]:
        """Body without the head, and the sources of back edges."""
        return self.spelt(self[name].cycle_body), self.spelt(self[name].back_sources)


def test_the_end_of_a_diamond_is_blocked_by_all_before_it() -> None:
    graph = Graph("a>b a>c b>d c>d")
    assert [graph.blockers(name) for name in "abcd"] == ["", "a", "a", "abc"]
    assert graph.spelt(graph["d"].sources) == "bc"


def test_alternatives_into_one_handler_block_it_all() -> None:
    graph = Graph("a>b b>c a>h b>h c>h")
    assert graph.blockers("h") == "abc"
    assert graph.blockers("c") == "ab"


def test_a_loop_has_its_head_where_it_is_entered() -> None:
    graph = Graph("a>b b>c c>b c>d")
    assert graph.loop("b") == ("c", "c")
    assert graph.loop("c") == ("", "")
    assert graph.blockers("b") == "a"
    assert graph.blockers("c") == "ab"


def test_a_join_behind_a_loop_is_blocked_by_the_whole_loop() -> None:
    graph = Graph("a>b b>c c>b c>d a>d")
    assert graph.blockers("d") == "abc"


def test_a_join_inside_a_loop_is_not_blocked_by_its_next_round() -> None:
    graph = Graph("s>h h>a h>b a>j b>j j>h")
    assert graph.blockers("j") == "abhs"
    assert graph.blockers("a") == "hs"
    assert graph.loop("h") == ("abj", "j")


def test_a_task_that_leads_to_itself_is_a_loop_of_one() -> None:
    graph = Graph("a>b b>b b>c")
    assert graph.loop("b") == ("", "b")
    assert graph.blockers("b") == "a"
    assert graph.blockers("c") == "ab"


def test_an_entry_point_may_lead_to_itself() -> None:
    graph = Graph("a>a a>b")
    assert graph.loop("a") == ("", "a")
    assert graph.spelt(entries(graph.successors)) == "a"


def test_nested_loops_have_a_head_each() -> None:
    graph = Graph("s>o o>i i>x x>i x>y y>o y>e")
    assert graph.loop("o") == ("ixy", "y")
    assert graph.loop("i") == ("x", "x")
    assert graph.blockers("i") == "os", "neither the inner nor the outer next round"
    assert graph.blockers("y") == "iosx", "a task of the outer loop waits for the inner one's end"
    assert graph.blockers("x") == "ios"
    assert graph.blockers("e") == "iosxy"


def test_two_loops_with_one_head_are_one() -> None:
    graph = Graph("s>h h>a h>b a>h b>h")
    assert graph.loop("h") == ("ab", "ab")


def test_a_loop_with_two_ways_in_has_no_head_and_everything_counts() -> None:
    graph = Graph("s>a s>b a>b b>a")
    assert (graph.loop("a"), graph.loop("b")) == (("", ""), ("", ""))
    assert graph.blockers("a") == "bs"
    assert graph.blockers("b") == "as"


def test_a_loop_with_two_ways_in_inside_a_loop_with_one() -> None:
    graph = Graph("s>h h>a h>b a>b b>a b>h")
    assert graph.loop("h") == ("ab", "b")
    assert graph.blockers("a") == "bhs"
    assert graph.blockers("h") == "s"


def test_what_is_on_no_way_to_a_task_does_not_block_it() -> None:
    graph = Graph("a>b c>d b>e d>e b>f")
    assert graph.blockers("f") == "ab"


def test_a_cycle_is_found_by_its_shortest_way() -> None:
    graph = Graph("a>b b>c c>a b>a d>a")
    assert [graph.names[number] for number in cycle(graph.successors, -1 & 0b1111)] == ["a", "b"]
    assert cycle(graph.successors, 0b1000) == []


def test_an_empty_graph_and_one_task() -> None:
    assert analyse([]) == []
    assert analyse([0]) == [Reach(0, 0)]


def naive(successors: list[int]) -> list[int]:
    """Ancestors of each task by plain search; right for graphs without loops."""
    size = len(successors)
    before: list[list[int]] = [[] for _ in range(size)]
    for task in range(size):
        for target in range(size):
            if successors[task] >> target & 1:
                before[target].append(task)
    found = []
    for task in range(size):
        seen: set[int] = set()
        stack = list(before[task])
        while stack:
            here = stack.pop()
            if here not in seen:
                seen.add(here)
                stack += before[here]
        found.append(sum(1 << member for member in seen))
    return found


def random_dag(size: int, degree: float, seed: int) -> list[int]:
    chance = random.Random(seed)  # noqa: S311
    order = list(range(size))
    chance.shuffle(order)
    successors = [0] * size
    for first in range(size):
        for second in range(first + 1, size):
            if chance.random() < degree / size:
                successors[order[first]] |= 1 << order[second]
    return successors


@pytest.mark.parametrize("seed", range(20))
def test_without_loops_the_blockers_are_the_ancestors(seed: int) -> None:
    successors = random_dag(40, 3, seed)
    assert [found.blockers for found in analyse(successors)] == naive(successors)


def test_a_thousand_tasks_take_well_under_a_second() -> None:
    successors = random_dag(1_000, 4, seed=1)
    expected = naive(successors)
    began = time.thread_time()
    found = analyse(successors)
    assert time.thread_time() - began < 1
    assert [reach.blockers for reach in found] == expected


def definition(successors: list[int]) -> list[tuple[int, int, int]]:
    """Blockers, loop and back sources by the module's definition, with sets and no cleverness."""
    size = len(successors)
    edges = {(a, b) for a in range(size) for b in range(size) if successors[a] >> b & 1}

    def ways(start: int, using: set[tuple[int, int]]) -> set[int]:
        seen: set[int] = set()
        stack = [b for a, b in using if a == start]
        while stack:
            here = stack.pop()
            if here not in seen:
                seen.add(here)
                stack += [b for a, b in using if a == here]
        return seen

    loops: list[tuple[set[int], int, set[tuple[int, int]]]] = []

    def search(members: set[int], using: set[tuple[int, int]]) -> None:
        inside = {(a, b) for a, b in using if a in members and b in members}
        forward = {task: ways(task, inside) for task in members}
        bodies = {frozenset(o for o in members if o in forward[t] and t in forward[o]) for t in members}
        for body in bodies - {frozenset()}:
            heads = {b for a, b in using if a not in body and b in body} or (body if len(body) == 1 else set())
            if len(heads) != 1:
                continue
            (head,) = heads
            back = {(a, b) for a, b in inside if a in body and b == head}
            loops.append((set(body), head, back))
            search(set(body), using - back)

    search(set(range(size)), edges)
    found = []
    for task in range(size):
        removed = {edge for body, _, back in loops if task in body for edge in back}
        blockers = {other for other in range(size) if other != task and task in ways(other, edges - removed)}
        own = [(body - {head}, back) for body, head, back in loops if head == task]
        loop = {member for body, _ in own for member in body}
        sources = {a for _, back in own for a, _ in back}
        found.append(tuple(sum(1 << m for m in part) for part in (blockers, loop, sources)))
    return found


@pytest.mark.parametrize("seed", range(150))
def test_with_loops_everything_is_as_defined(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    size = chance.randint(2, 9)
    successors = [0] * size
    for _ in range(chance.randint(1, 2 * size)):
        successors[chance.randrange(size)] |= 1 << chance.randrange(1, size)
    found = [(reach.blockers, reach.cycle_body, reach.back_sources) for reach in analyse(successors)]
    assert found == definition(successors)


def test_reached_stays_within_bounds() -> None:
    assert reached([0b010, 0b100, 0], 0b001) == 0b111
    assert reached([0b010, 0b100, 0], 0b001, 0b101) == 0b001
