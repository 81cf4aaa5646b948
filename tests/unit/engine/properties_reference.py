"""What should happen, by the words of the language alone: one task at a time, with sets of names and no cleverness.

It shares nothing with the compiler and the engine: where they differ from it, one of the two has misread the language.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cache, cached_property
from typing import Any

from tests.unit.engine.properties_plans import CONDITIONS, GOOD, MAX_VISITS, Plan, leads_to, written

FAILED = ("failed", "timed_out")
_BY_KEY: dict[str, tuple[str, ...]] = {
    "decision": ("completed",),
    "on_success": ("completed",),
    "on_failure": FAILED,
    "on_timeout": ("timed_out",),
    "on_complete": ("completed", *FAILED),
    "on_skip": ("skipped",),
    "next": ("completed", *FAILED),
}
ASKED = ("t.do", "t.child")
"""Actions whose attempts leave a record of a worker or a child execution."""
OUTSIDE = ("core.inquiry", "core.wait_for_event")
Edge = tuple[str, str]
Attempt = tuple[str, int, int | None, int]


class Runaway(Exception):
    """A visit beyond ``max_visits``: the execution fails, and how far its other branches come is a race."""


@dataclass(frozen=True)
class Shape:
    """Who leads to whom in a plan, and what may begin when."""

    plan: Plan

    @cached_property
    def tasks(self) -> dict[str, dict[str, Any]]:
        """By name, in the order in which they are written."""
        return {task["name"]: task for task in self.plan.tasks}

    @cached_property
    def edges(self) -> frozenset[Edge]:
        """Every ``(source, target)``."""
        return frozenset((name, target) for name, task in self.tasks.items() for target in leads_to(task))

    def sources(self, name: str) -> set[str]:
        """The tasks that lead here."""
        return {source for source, target in self.edges if target == name}

    def success_sources(self, name: str) -> set[str]:
        """Those that do by success."""
        return {source for source in self.tasks if name in self.by_success(source)}

    def by_success(self, name: str) -> set[str]:
        """The tasks that this one leads to by success."""
        found: set[str] = set()
        for key, targets, condition in written(self.tasks[name]):
            asks = condition is None or any(f"{word}()" in condition for word in ("failed", "timed_out", "completed"))
            if key in ("decision", "on_success") or (key == "next" and not asks):
                found.update(targets)
        return found

    def kind(self, name: str) -> Any:
        """``single``, ``round``, ``each`` or how many sources a run needs."""
        sources = self.sources(name)
        if len(sources) < 2:
            return "single"
        join = self.tasks[name].get("join", "round")
        return len(sources) if join == "all" else join

    @cached_property
    def loops(self) -> list[tuple[str, frozenset[str]]]:
        """``(head, body with the head)`` of all loops that only one task lets one into."""
        return list(_loops(self.edges, frozenset(self.tasks)))

    def body(self, head: str) -> frozenset[str]:
        """The loop that this task is the head of."""
        return next((body for name, body in self.loops if name == head), frozenset())

    def begins_round(self, source: str, target: str) -> bool:
        """Whether this way leads back to the head of a loop."""
        return source in self.body(target)

    def reaches(self, source: str, target: str) -> bool:
        """Whether one task can still bring about an arrival at another in the other's present round."""
        back = {(s, head) for head, body in self.loops if target in body for s in body}
        return source in _before(self.edges - back, target)

    def waits_for(self, name: str, arrived: Mapping[str, set[str]], running: Collection[str] = ()) -> set[str]:
        """What a default join waits for, of the tasks that run and those that have been fired, by whom."""
        again = any(self.begins_round(source, name) for source in arrived[name])
        body = self.body(name) if again else frozenset()
        busy = {*running, *(other for other in arrived if not self._renews(other, arrived[other], name))}
        return {other for other in busy if other != name and (other in body or self.reaches(other, name))}

    def _renews(self, head: str, arrived: set[str], name: str) -> bool:
        """Whether a fired head is to begin a new round of a loop that the task is in: it waits for the task."""
        back = all(self.begins_round(source, head) for source in arrived)
        return back and name != head and name in self.body(head) and self.kind(head) == "round"


@cache
def _before(edges: frozenset[Edge], target: str) -> frozenset[str]:
    """All that can reach the target over at least one edge."""
    found: set[str] = set()
    while more := {s for s, t in edges if t == target or t in found} - found:
        found |= more
    return frozenset(found)


def _loops(edges: frozenset[Edge], names: frozenset[str]) -> Any:
    inside = frozenset((s, t) for s, t in edges if s in names and t in names)
    around = {name: frozenset(o for o in names if _mutual(inside, name, o)) for name in sorted(names)}
    for body in {body for body in around.values() if body}:
        ways_in = {t for s, t in edges if t in body and s not in body}
        heads = ways_in or (body if len(body) == 1 else set())
        if len(heads) == 1:
            (head,) = heads
            yield head, body
            yield from _loops(frozenset((s, t) for s, t in edges if not (t == head and s in body)), body)


def _mutual(edges: frozenset[Edge], one: str, other: str) -> bool:
    return one in _before(edges, other) and other in _before(edges, one)


@dataclass
class Reference:
    """Runs a plan. ``ends`` says how each visit ended, ``attempts`` each attempt of a worker or a child execution."""

    plan: Plan
    visits: Counter[str] = field(default_factory=Counter)
    ends: dict[tuple[str, int], str] = field(default_factory=dict)
    attempts: dict[Attempt, str] = field(default_factory=dict)
    failures: set[str] = field(default_factory=set)
    now_unhandled: set[str] = field(default_factory=set)
    held: set[str] = field(default_factory=set)
    arrived: dict[str, Counter[str]] = field(default_factory=dict)
    runs: Counter[str] = field(default_factory=Counter)
    inside: set[str] = field(default_factory=set)
    """Members of groups that failed unhandled in their last round."""

    def __post_init__(self) -> None:
        self.shape = Shape(self.plan)

    def run(self) -> str:
        """How the execution ends; raises Runaway."""
        for name in self.shape.tasks:
            if not self.shape.sources(name) - {name}:
                self.arrived[name] = Counter({name: 1})
        while (name := self._next()) is not None:
            self._take(name)
        return "failed" if self.failures or self._fired() else "completed"

    def _fired(self) -> list[str]:
        """Tasks that were fired and have not begun, the last written first: any order must do."""
        return [name for name in reversed(self.shape.tasks) if self._is_fired(name)]

    def _is_fired(self, name: str) -> bool:
        arrived = self.arrived.get(name, Counter())
        used = self.runs[name] if isinstance(self.shape.kind(name), int) else 0
        return any(count > used for count in arrived.values())

    def _next(self) -> str | None:
        fired = self._fired()
        free = next((name for name in fired if self._may_run(name, fired)), None)
        return free or self._first_of_a_knot(fired)

    def _may_run(self, name: str, fired: list[str]) -> bool:
        kind = self.shape.kind(name)
        if isinstance(kind, int):
            return sum(count > self.runs[name] for count in self.arrived[name].values()) >= kind
        return kind != "round" or not self._waits_for(name, fired)

    def _waits_for(self, name: str, fired: list[str]) -> set[str]:
        return self.shape.waits_for(name, {other: set(self.arrived[other]) for other in fired})

    def _first_of_a_knot(self, fired: list[str]) -> str | None:
        waits = {n: self._waits_for(n, fired) if self.shape.kind(n) == "round" else set() for n in fired}
        edges = frozenset((other, name) for name, others in waits.items() for other in others)
        for name in sorted(fired, key=[*self.shape.tasks].index):
            others = _before(edges, name)
            if self.shape.kind(name) == "round" and all(name in _before(edges, other) for other in others):
                return name
        return None

    def _take(self, name: str) -> None:
        kind = self.shape.kind(name)
        if isinstance(kind, int):
            self.runs[name] += 1
        elif kind == "round":
            del self.arrived[name]
            if self.shape.success_sources(name) & self._lost():
                self.held.add(name)
                return
        else:
            source = next(iter(self.arrived[name].elements()))
            self.arrived[name] -= Counter({source: 1})
        self._run(name)

    def _lost(self) -> set[str]:
        """What failed unhandled, what is held, and what never ran because it depends on these by success."""
        lost = self.now_unhandled | self.held
        silent = {n for n in self.shape.tasks if not self.visits[n] and self.shape.kind(n) in ("single", "round")}
        while more := {name for name in silent - lost if self.shape.success_sources(name) & lost}:
            lost = lost | more
        return lost

    def _run(self, name: str) -> None:
        if self.visits[name] == MAX_VISITS:
            raise Runaway
        self.visits[name] += 1
        self.now_unhandled.discard(name)
        self.held.discard(name)
        status, result = self._outcome(self.shape.tasks[name], self.visits[name])
        status, targets, handled = _follow(self.shape.tasks[name], status, result)
        self.ends[name, self.visits[name]] = status
        if status in FAILED and not handled:
            self.now_unhandled.add(name)
            self.failures.add(name)
        for target in targets:
            self.arrived.setdefault(target, Counter())[name] += 1

    def _outcome(self, task: dict[str, Any], visit: int) -> tuple[str, Any]:
        if "when" in task:
            return "skipped", None
        if "tasks" in task:
            return self._group(task)
        if task["action"] == "core.noop":
            return "completed", None
        if "with_items" not in task:
            return self._attempt(task, visit, None)
        rows = [self._attempt(task, visit, index) for index in task["with_items"]]
        failed = sum(status != "completed" for status, _ in rows)
        return "failed" if failed > task.get("tolerate_failures", 0) else "completed", [result for _, result in rows]

    def _group(self, task: dict[str, Any]) -> tuple[str, Any]:
        """All members once, or round after round; tried again as a whole."""
        for _ in range(task.get("retry", {"count": 0})["count"] + 1):
            self.inside -= {member["name"] for member in task["tasks"]}
            rounds = 0
            if self._goes_round(task, first=True):
                while self._round(task) and task["type"] == "loop" and self._goes_round(task, first=False):
                    rounds += 1
            if not self._failed_members(task):
                return "completed", {"iterations": rounds}
        return "failed", {}

    def _goes_round(self, task: dict[str, Any], *, first: bool) -> bool:
        """The condition of a loop; ``until`` is asked after each round only."""
        if task["type"] == "parallel":
            return True
        visits = self.visits[task["tasks"][0]["name"]]
        if "while" in task:
            return visits < int(task["while"].split("<")[1].split()[0])
        return first or visits % int(task["until"].split("%")[1].split()[0]) != 0

    def _round(self, task: dict[str, Any]) -> bool:
        """Run the members as a workflow of their own; True if none failed unhandled."""
        names = {member["name"] for member in task["tasks"]}
        inner = Reference(replace(self.plan, tasks=tuple(task["tasks"])), self.visits, self.ends, self.attempts)
        self.inside -= names
        inner.run()
        self.inside |= inner.now_unhandled
        self.held = self.held - names | inner.held
        return not inner.now_unhandled

    def _failed_members(self, task: dict[str, Any]) -> bool:
        return any(member["name"] in self.inside for member in task["tasks"])

    def _attempt(self, task: dict[str, Any], visit: int, index: int | None) -> tuple[str, Any]:
        """One attempt after the other, until one ends well or there may be no more."""
        status, result = "", None
        for number in range(1, task.get("retry", {"count": 0})["count"] + 2):
            end, status, result = self._one(task, visit, index, number)
            if task["action"] in ASKED:
                self.attempts[task["name"], visit, index, number] = status
            if status == "completed" or end == "fatal":
                break
        return status, result

    def _one(self, task: dict[str, Any], visit: int, index: int | None, number: int) -> tuple[str, str, Any]:
        name, action = task["name"], task["action"]
        if action == "core.sleep":
            return "", "timed_out" if "timeout" in task else "completed", None
        if action in OUTSIDE:
            return self._from_outside(name, visit, index, number)
        end = self.plan.end(name, 1 if action == "t.child" else visit, index, number)
        result: dict[str, Any] = {"go": int(end)} if end in GOOD else {}
        if action == "t.child":
            return end, "completed" if end in GOOD else "failed", result or {"go": None}
        if end in GOOD:
            return end, "completed", result | {"visit": visit}
        return end, "timed_out" if end == "timeout" else "failed", None

    def _from_outside(self, name: str, visit: int, index: int | None, number: int) -> tuple[str, str, Any]:
        """An answer or an event comes, or its time is over."""
        end = self.plan.end(name, visit, index, number)
        if end in GOOD:
            return end, "completed", {"go": int(end), "visit": visit}
        return "", "timed_out", None


def _follow(task: dict[str, Any], status: str, result: Any) -> tuple[str, set[str], bool]:
    """The status that counts, the targets fired, and whether a failure would be handled."""
    try:
        targets, handled = _choose(task, status, result, forgiving=False)
    except (KeyError, TypeError):
        status = status if status in FAILED else "failed"
        targets, handled = _choose(task, status, result, forgiving=True)
    return status, targets - {"noop"}, handled


def _choose(task: dict[str, Any], status: str, result: Any, *, forgiving: bool) -> tuple[set[str], bool]:
    targets: set[str] = set()
    handled = decided = False
    for key, goals, condition in written(task):
        ends = ("failed",) if key == "on_failure" and "on_timeout" in task else _BY_KEY[key]
        if status not in ends or (key == "decision" and decided):
            continue
        if condition is None or _holds(condition, status, result, forgiving):
            targets.update(goals)
            handled = True
            decided = decided or key == "decision"
    return targets, handled


def _holds(condition: str, status: str, result: Any, forgiving: bool) -> bool:
    try:
        return CONDITIONS[condition](status, result)
    except (KeyError, TypeError):
        if forgiving:
            return False
        raise
