"""Random workflows: a graph as it would be written, how each of its attempts ends, and how long that takes.

How a task ends is read off its row of ``ends``: visit, item and attempt move along it, so that a task that fails
may mend, in any order of events.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

MAX_VISITS = 8
"""Loops that never end by themselves end here."""

FORWARD = ("on_success", "on_success", "on_success", "on_failure", "on_complete", "on_timeout", "decision", "next")
"""Keys that lead on, the usual ones more often."""
CONDITIONS: dict[str, Callable[[str, Any], bool]] = {
    "{{ succeeded() }}": lambda status, result: status == "completed",
    "{{ failed() }}": lambda status, result: status in ("failed", "timed_out"),
    "{{ timed_out() }}": lambda status, result: status == "timed_out",
    "{{ completed() }}": lambda status, result: status != "skipped",
    "{{ false }}": lambda status, result: False,
    "{{ result.go == 1 }}": lambda status, result: result["go"] == 1,
    "{{ succeeded() and result.go == 2 }}": lambda status, result: status == "completed" and result["go"] == 2,
    "{{ result.visit % 2 != 0 }}": lambda status, result: result["visit"] % 2 != 0,
    "{{ result.visit % 3 != 0 }}": lambda status, result: result["visit"] % 3 != 0,
    "{{ result.visit < 3 }}": lambda status, result: result["visit"] < 3,
}
"""What transitions ask, and what that means; a result that has no such key is an error, as in a template."""
AGAIN = tuple(text for text in CONDITIONS if "visit" in text)
"""Conditions on which loops go round."""

GOOD = ("0", "1", "2")
ENDS = (*GOOD, *GOOD, "fail", "fatal", "timeout")
"""How an attempt ends: well, with a number to decide by; or not, ``fatal`` being what no retry mends."""

UNANSWERED = 50
"""Seconds after which a question that nobody answers, and an event that does not come, time out."""

CHILD = """
ref: t.child
tasks: [{name: inner, action: t.do, input: {who: "{{ parameters.who }}", number: "{{ parameters.number }}"}}]
output_map: {go: "{{ task.inner.result.go }}"}
"""


_seldom = st.sampled_from([False] * 4 + [True])


@dataclass(frozen=True)
class Plan:
    """``tasks`` as they are written in YAML; ``top`` are keys of the workflow itself."""

    tasks: tuple[dict[str, Any], ...]
    ends: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    top: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The workflow file."""
        names = [task["name"] for task in self.tasks]
        said = {name: [f"{{{{ task.{name}.status }}}}", f"{{{{ vars.v_{name} }}}}"] for name in names}
        head = {"vars": {f"v_{name}": None for name in names}, "max_visits": MAX_VISITS, "output_map": said}
        whole = {"ref": "t.w", **head, **self.top, "tasks": self.tasks}
        return "\n".join(f"{key}: {json.dumps(value)}" for key, value in whole.items())

    @property
    def every(self) -> list[dict[str, Any]]:
        """All tasks, those within groups too."""
        return list(_with_members(self.tasks))

    def end(self, task: str, visit: int, index: int | None, number: int) -> str:
        """How one attempt ends."""
        row = self.ends.get(task) or ("0",)
        return row[(visit + (index or 0) + number - 3 + len(row)) % len(row)]


def _with_members(tasks: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for task in tasks:
        yield task
        yield from _with_members(task.get("tasks", ()))


@dataclass(frozen=True)
class Timing:
    """Seconds, per task, that its attempts take or its sleeps last: an order of completion.

    ``chunk_size`` says how lists are cut, which changes the order and must change nothing else.
    """

    rows: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    chunk_size: int = 100

    def takes(self, task: str, visit: int = 1, index: int | None = None) -> float:
        """How long this attempt takes."""
        row = self.rows.get(task) or (0,)
        return float(row[(visit - 1 + (index or 0)) % len(row)])


@st.composite
def timings(draw: st.DrawFn, plan: Plan) -> Timing:
    """Any order of completion of the plan's tasks."""
    row = st.lists(st.integers(0, 30), min_size=1, max_size=3).map(tuple)
    return Timing({task["name"]: draw(row) for task in plan.every}, draw(st.sampled_from([100, 1, 2])))


@st.composite
def dags(draw: st.DrawFn, *, races: bool = False) -> Plan:
    """Graphs without cycles, written down in any order."""
    size = draw(st.integers(2, 8))
    tasks = [draw(_tasks(f"t{n}")) for n in range(size)]
    for number, task in enumerate(tasks[:-1]):
        _lead_on(draw, task, [t["name"] for t in tasks[number + 1 :]], races)
    return draw(_finished(tasks, races))


@st.composite
def loops(draw: st.DrawFn, *, races: bool = False) -> Plan:
    """Graphs with cycles: well-built ones (forks, side branches, exits, loops in loops), or any tangle."""
    builder = _Builder(draw)
    if draw(st.booleans()):
        builder.block(2)
    else:
        for _ in range(draw(st.integers(2, 6))):
            builder.task()
    tasks = builder.tasks
    for _ in range(draw(st.integers(0, 3))):
        source = draw(st.integers(0, len(tasks) - 1))
        _lead_on(draw, tasks[source], [t["name"] for t in tasks[source + 1 :]], races, most=1)
    for _ in range(draw(st.integers(0, 2))):
        source, target = draw(st.sampled_from(tasks)), draw(st.sampled_from(tasks))
        _ask(source, draw(st.sampled_from(AGAIN)), target["name"])
    _enter(tasks)
    return draw(_finished(tasks, races))


class _Builder:
    """Blocks with one way in and some ways out, put together to well-formed loops."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw, self.tasks = draw, []

    def task(self, kind: Any = None) -> dict[str, Any]:
        task = self.draw(_tasks(f"t{len(self.tasks)}", kind))
        self.tasks.append(task)
        return task

    def block(self, depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """The first and the last task of what was built."""
        shapes = [self._fork, self._chain, self._loop, self._loop] if depth else [self.task]
        made = self.draw(st.sampled_from(shapes))
        if made == self.task:
            only = self.task()
            return only, only
        return made(depth - 1)

    def _chain(self, depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
        first, middle = self.block(depth)
        then, last = self.block(depth)
        _then(middle, then)
        return first, last

    def _fork(self, depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
        fork = self.task()
        branches = [self.block(depth) for _ in range(2)]
        meet = self.task()
        for first, last in branches:
            _then(fork, first)
            _then(last, meet)
        return fork, meet

    def _loop(self, depth: int) -> tuple[dict[str, Any], dict[str, Any]]:
        begin, head = self.task(), self.task()
        size = len(self.tasks)
        first, last = self.block(depth)
        tail, after = self.task("do"), self.task()
        for source, target in ((begin, head), (head, first), (last, tail)):
            _then(source, target)
        again = self.draw(st.sampled_from(AGAIN))
        if self.draw(st.booleans()):
            tail["decision"] = [{"when": again, "next": head["name"]}, {"default": after["name"]}]
        else:
            _ask(tail, again, head["name"])
            _then(tail, after)
        self._beside(head, self.tasks[size:-1])
        return begin, after

    def _beside(self, head: dict[str, Any], body: list[dict[str, Any]]) -> None:
        """Side branches and exits of a loop, and branches that lead back without meeting the others."""
        if self.draw(st.booleans()):
            source = self.draw(st.sampled_from([head, *body]))
            source.setdefault("on_complete", []).append(self.task()["name"])
        if self.draw(st.booleans()):
            alone = self.task("do")
            _then(self.draw(st.sampled_from([head, *body])), alone)
            _ask(alone, self.draw(st.sampled_from(AGAIN)), head["name"])


def _then(source: dict[str, Any], target: dict[str, Any]) -> None:
    source.setdefault("on_success", []).append(target["name"])


def _ask(source: dict[str, Any], condition: str | None, target: str) -> None:
    entry = {"do": [target], **({"when": condition} if condition else {})}
    source.setdefault("next", []).append(entry)


PLAIN = ("do", "do", "do", "do", "retry", "retry", "noop", "sleep", "late", "items", "child", "skipped", "ask", "event")
GROUPS = ("parallel", "loop")
USUAL = (*PLAIN, *GROUPS)
"""Kinds of tasks, the usual ones more often."""


@st.composite
def _tasks(draw: st.DrawFn, name: str, kind: str | None = None) -> dict[str, Any]:
    kind = kind or draw(st.sampled_from(USUAL))
    task: dict[str, Any] = {"name": name} if kind in GROUPS else {"name": name, "action": "t.do"}
    if draw(_seldom):
        task["publish"] = [{f"v_{name}": f"published by {name}"}]
    task.update(_KINDS[kind](draw, name))
    if kind in ("retry", "items", "child", "ask", "event", *GROUPS) and draw(st.booleans()):
        task["retry"] = draw(_RETRIES)
    return task


_RETRIES = st.sampled_from(
    [
        {"count": 1},
        {"count": 2, "delay": 7},
        {"count": 3, "delay": 2, "backoff": "exponential", "max_delay": 5, "jitter": True},
    ]
)


def _items(draw: st.DrawFn, name: str) -> dict[str, Any]:
    del name
    made: dict[str, Any] = {"with_items": list(range(draw(st.integers(0, 4)))), "input": {"n": "{{ item }}"}}
    if draw(st.booleans()):
        made["concurrency"] = draw(st.integers(1, 2))
    if draw(st.booleans()):
        made["tolerate_failures"] = 1
    return made


def _parallel(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Members side by side, perhaps a group among them."""
    kinds = draw(st.lists(st.sampled_from((*PLAIN, "parallel") if len(name) < 6 else PLAIN), min_size=1, max_size=3))
    return {"type": "parallel", "tasks": [draw(_tasks(f"{name}_{n}", kind)) for n, kind in enumerate(kinds)]}


def _loop(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """A body of one to three tasks, the first of which leads to the others, round after round."""
    body = [draw(_tasks(f"{name}_{n}", draw(st.sampled_from(PLAIN)))) for n in range(draw(st.integers(1, 3)))]
    for task in body[1:]:
        source = draw(st.sampled_from(body[: body.index(task)]))
        source.setdefault(draw(st.sampled_from(("on_success", "on_complete"))), []).append(task["name"])
    visit = f"task.{body[0]['name']}.visit"
    until, count = draw(st.booleans()), draw(st.integers(1, 3))
    key, condition = ("until", f"{visit} % {count} == 0") if until else ("while", f"{visit} | default(0) < {count - 1}")
    return {"type": "loop", key: "{{ " + condition + " }}", "tasks": body}


_KINDS: dict[str, Callable[[st.DrawFn, str], dict[str, Any]]] = {
    "do": lambda draw, name: {},
    "retry": lambda draw, name: {"retry": draw(_RETRIES)},
    "noop": lambda draw, name: {"action": "core.noop"},
    "sleep": lambda draw, name: {
        "action": "core.sleep",
        "input": {"seconds": f"{{{{ parameters.pauses.{name} }}}}"},
    },
    "late": lambda draw, name: {"action": "core.sleep", "input": {"seconds": "1h"}, "timeout": 5},
    "items": _items,
    "child": lambda draw, name: {"action": "t.child", "input": {"who": name, "number": "{{ system.attempt }}"}},
    "skipped": lambda draw, name: {"when": "{{ false }}"},
    "ask": lambda draw, name: {"action": "core.inquiry", "input": {"prompt": "Well?"}, "timeout": UNANSWERED},
    "event": lambda draw, name: {"action": "core.wait_for_event", "input": {"event_type": "E"}, "timeout": UNANSWERED},
    "parallel": _parallel,
    "loop": _loop,
}


def _lead_on(draw: st.DrawFn, task: dict[str, Any], targets: list[str], races: bool, most: int = 3) -> None:
    """Some of the targets, each under some key."""
    if not targets:
        return
    chosen = draw(st.lists(st.sampled_from(targets), max_size=most, unique=True))
    if races and draw(_seldom):
        chosen.append("fail")
    for target in chosen:
        key = draw(st.sampled_from((*FORWARD, "on_skip") if "when" in task else FORWARD))
        if key == "next":
            _ask(task, draw(st.sampled_from([None, *CONDITIONS])), target)
        elif key == "decision":
            task.setdefault("decision", []).append({"when": draw(st.sampled_from([*CONDITIONS])), "next": target})
        else:
            task.setdefault(key, []).append(target)
    if "decision" in task and not any("default" in b for b in task["decision"]) and draw(st.booleans()):
        task["decision"].append({"default": draw(st.sampled_from(["noop", *targets]))})
    if draw(_seldom):
        task.setdefault("on_failure", []).append("noop")


@st.composite
def _finished(draw: st.DrawFn, tasks: list[dict[str, Any]], races: bool) -> Plan:
    """Joins, ends, the order in which the tasks are written, and what stands at the top."""
    for task in tasks:
        sources = sum(task["name"] in leads_to(other) for other in tasks)
        if sources > 1 and draw(_seldom):
            joins = ["all", 1, 2] if _turns(tasks, task) else ["all", "each", 1, 2]
            task["join"] = draw(st.sampled_from(joins))
    row = st.lists(st.sampled_from(ENDS), min_size=1, max_size=4).map(tuple)
    every = _with_members(tasks)
    ends = {task["name"]: draw(row if "retry" in task else st.one_of(st.just(("0",)), row)) for task in every}
    top: dict[str, Any] = {}
    if races and draw(_seldom):
        top["fail_fast"] = True
    if races and draw(_seldom):
        top["timeout"] = draw(st.integers(1, 40))
    return Plan(tuple(draw(st.permutations(tasks))), ends, top)


def _turns(tasks: list[dict[str, Any]], task: dict[str, Any]) -> bool:
    """Whether a task is on a cycle: ``join: each`` there lets rounds overlap."""
    return task["name"] in _reached(tasks, leads_to(task))


def _enter(tasks: list[dict[str, Any]]) -> None:
    """Lead from a task of its own to whatever no entry point reaches."""
    while lost := _lost(tasks):
        if tasks[-1]["name"] != "begin":
            tasks.append({"name": "begin", "action": "core.noop"})
        _then(tasks[-1], lost)


def _lost(tasks: list[dict[str, Any]]) -> dict[str, Any] | None:
    led_to = {target for task in tasks for target in leads_to(task) if target != task["name"]}
    seen = _reached(tasks, {task["name"] for task in tasks} - led_to)
    return next((task for task in tasks if task["name"] not in seen), None)


def _reached(tasks: list[dict[str, Any]], front: set[str]) -> set[str]:
    by_name = {task["name"]: task for task in tasks}
    seen: set[str] = set()
    while front:
        seen |= front
        front = {target for name in front for target in leads_to(by_name[name])} - seen
    return seen


def leads_to(task: Mapping[str, Any]) -> set[str]:
    """The tasks that a task leads to in any way."""
    return {target for _, targets, _ in written(task) for target in targets} - {"noop", "fail"}


def written(task: Mapping[str, Any]) -> Iterator[tuple[str, list[str], str | None]]:
    """``(key, targets, condition)`` of every transition, in the order in which they are considered."""
    branches = task.get("decision", [])
    for branch in sorted(branches, key=lambda branch: "default" in branch):
        yield "decision", [branch.get("default") or branch["next"]], branch.get("when")
    for key in ("on_success", "on_failure", "on_timeout", "on_complete", "on_skip"):
        if key in task and not (key == "on_success" and "decision" in task):
            yield key, task[key], None
    for entry in task.get("next", []):
        yield "next", entry["do"], entry.get("when")
