"""Workflows that together use every construct of the language, with what happens to them from outside."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from attune.engine.ids import AttemptId, wait_id
from attune.engine.messages import Cancel, Pause, Resume, Retry
from attune.engine.state import State, WaitKind
from attune.exceptions import Conflict
from attune.execution.inquiries import Inquiries
from tests.conftest import Failure, World

Condition = Callable[[World, str], Any]


@dataclass(frozen=True)
class Deed:
    """Something that somebody does as soon as ``when`` holds (given what it returned)."""

    when: Condition
    do: Callable[[World, str, Any], None]


@dataclass(frozen=True)
class Scenario:
    """A workflow (and its children), what its actions answer, and what is done to it.

    ``also`` says of other outputs whether they are right too when a worker died in the middle of an action.
    ``loose``: how far an attempt got when it was cut off may differ. ``bound``: bytes of the state at most.
    ``unswept``: it may lose what a sweep does not look for (docs/explanation/liveness.md says what).
    """

    texts: tuple[str, ...]
    status: str = "completed"
    script: Mapping[str, Any] = field(default_factory=dict)
    takes: Mapping[str, Any] = field(default_factory=dict)
    deeds: tuple[Deed, ...] = ()
    also: Callable[[Any], bool] = lambda output: False
    loose: bool = False
    bound: int = 4096
    chunk_size: int | None = None
    unswept: bool = False


def _state(world: World, execution: str) -> State | None:
    return world.store.load(execution)


def _open(kind: WaitKind, world: World) -> list[tuple[str, AttemptId]]:
    """What has been awaited for long enough to be found by the index."""
    now = world.clock.now()
    rows = world.store.waits()
    return [(e, attempt) for e, attempt, wait in rows if wait["kind"] == kind and now - wait["since"] > 5]


def begun(world: World, execution: str) -> bool:
    """The execution has a state."""
    return _state(world, execution) is not None


def ended(count: int) -> Condition:
    """So many tasks have ended."""

    def holds(world: World, execution: str) -> bool:
        state = _state(world, execution)
        return state is not None and sum(code != "." for code in state.codes) >= count

    return holds


def paused_for(seconds: float) -> Condition:
    """The execution, and every child of it, has been paused for so long."""

    def holds(world: World, execution: str) -> bool:
        state = _state(world, execution)
        return state is not None and state.paused and world.clock.now() - state.updated_at > seconds

    return holds


def asked(world: World, execution: str) -> Any:
    """An inquiry is open."""
    return next(iter(_open(WaitKind.INQUIRY, world)), None)


def awaited(world: World, execution: str) -> Any:
    """An event is awaited."""
    return next(iter(_open(WaitKind.EVENT, world)), None)


def has_child(world: World, execution: str) -> bool:
    """A child execution has been created."""
    return len(world.store.executions()) > 1


def _answer(world: World, execution: str, found: Any) -> None:
    """Whoever answers twice is told that it is no longer open."""
    with suppress(Conflict):
        Inquiries(world.ports.directory, world.ports.mailbox).answer(wait_id(*found), {"yes": True}, "somebody")


def _publish(world: World, execution: str, found: Any) -> None:
    world.cloud.publish({"id": "e-1", "source": "shop", "detail-type": "Paid", "detail": {"order": 7}})


ANSWER = Deed(asked, _answer)
PUBLISH = Deed(awaited, _publish)
RESUME = Deed(paused_for(100), lambda world, execution, _: world.post(execution, Resume("r")))


def cancel(when: Condition) -> Deed:
    """Somebody cancels."""
    return Deed(when, lambda world, execution, _: world.post(execution, Cancel("enough", "c")))


def pause(when: Condition) -> Deed:
    """Somebody pauses."""
    return Deed(when, lambda world, execution, _: world.post(execution, Pause("wait", "p")))


def _twice_failing(attempt: Any) -> Any:
    if attempt.number < 3:
        raise Failure
    return {"n": attempt.number}


def _every_third_fails(attempt: Any) -> Any:
    if attempt.input["n"] % 3 == 2:
        raise Failure
    return dict(attempt.input)


class _Counting:
    """An action that gives another result each time it runs: which run it was of its execution."""

    def __init__(self) -> None:
        self._runs: dict[str, int] = {}

    def __call__(self, attempt: Any) -> Any:
        run = self._runs[attempt.execution_id] = self._runs.get(attempt.execution_id, 0) + 1
        return {"n": run}


def _first_time_fails(attempt: Any) -> Any:
    if attempt.number == 1:
        raise Failure
    return dict(attempt.input)


class _MendedLater:
    """An action that fails until somebody has seen its execution fail."""

    def __init__(self) -> None:
        self.mended = False

    def __call__(self, attempt: Any) -> Any:
        if not self.mended and attempt.index in (None, 1):
            raise Failure
        return dict(attempt.input)


def over(world: World, execution: str) -> bool:
    """It has ended."""
    state = _state(world, execution)
    return state is not None and state.status.ended


def _retry(world: World, execution: str, found: Any) -> None:
    """What was wrong is mended, and somebody has the execution go on."""
    for action in world.runner.script.values():
        action.mended = True
    world.post(execution, Retry("again"))


RETRY = Deed(over, _retry)
CHILD = """
ref: t.child
tasks: [{name: inner, action: t.do, input: {n: 7}}]
output_map: {n: "{{ task.inner.result.n }}"}
"""
CHAIN = """
tasks:
  - {name: a, action: t.do, on_success: b, publish: [{v: 1}]}
  - {name: b, action: t.do, input: {v: "{{ vars.v }}"}, on_success: c, publish: [{v: "{{ vars.v + 1 }}"}]}
  - {name: c, action: t.do, input: {v: "{{ vars.v }}"}}
output_map: "{{ task.c.result.v }}"
"""
ASKING_CHILD = """
ref: t.child
tasks:
  - {name: ask, action: core.inquiry, input: {prompt: "well?"}, on_success: inner}
  - {name: inner, action: t.do, input: {n: 7}}
output_map: {n: "{{ task.inner.result.n }}"}
"""
WITH_CHILD = """
tasks:
  - {name: sub, action: t.child, on_success: after}
  - {name: after, action: t.do, input: {n: "{{ task.sub.result.n }}"}}
output_map: "{{ task.after.result.n }}"
"""

WORKFLOWS: dict[str, Scenario] = {
    "chain": Scenario((CHAIN,)),
    "diamond": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, on_success: [b, c]}
  - {name: b, action: t.do, input: {n: 1}, on_success: d, publish: [{left: "{{ result.n }}"}]}
  - {name: c, action: t.do, input: {n: 2}, on_success: d, publish: [{right: "{{ result.n }}"}]}
  - {name: d, action: t.do, input: {n: "{{ vars.left + vars.right }}"}}
output_map: "{{ task.d.result.n }}"
""",
        ),
        takes={"b": 3, "c": 5},
    ),
    "join": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, on_success: d}
  - {name: b, action: t.do, on_success: d}
  - {name: c, action: t.do, on_failure: d}
  - {name: d, join: 2, action: t.do, on_success: e}
  - {name: e, action: core.noop}
output_map: "{{ task.d.result }}"
""",
        )
    ),
    "items": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(5) | list }}", concurrency: 2,
     input: {n: "{{ item }}"}, on_success: b}
  - {name: b, action: t.do, input: {all: "{{ task.a.result | map(attribute='n') | list }}"}}
output_map: "{{ task.b.result.all }}"
""",
        )
    ),
    "many_items": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(23) | list }}", input: {n: "{{ item }}"}}
output_map: "{{ task.a.result | map(attribute='n') | sum }}"
""",
        )
    ),
    "failing_items": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(7) | list }}", tolerate_failures: "40%",
     input: {n: "{{ item }}"}, retry: {count: 1, delay: 5}, on_success: b}
  - {name: b, action: core.noop}
output_map: "{{ task.a.failed_count }}"
""",
        ),
        script={"a": _every_third_fails},
    ),
    "chunks": Scenario(
        (
            """
vars: {v: 1}
tasks:
  - {name: a, action: t.do, with_items: "{{ range(5) | list }}", input: {n: "{{ item + vars.v }}"}, on_success: b}
  - {name: b, action: t.do, input: {all: "{{ task.a.result | map(attribute='n') | list }}"}}
output_map: "{{ task.b.result.all }}"
""",
        ),
        chunk_size=2,
    ),
    "chunks_in_turn": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(5) | list }}", concurrency: 3, tolerate_failures: 3,
     input: {n: "{{ item }}"}, retry: {count: 1, delay: 30}, on_success: b}
  - {name: b, action: t.do}
output_map: "{{ task.a.failed_count }}"
""",
        ),
        script={"a": _every_third_fails},
        chunk_size=2,
    ),
    "chunks_of_children": Scenario(
        (
            """
tasks:
  - {name: a, action: t.child, with_items: "{{ range(3) | list }}"}
output_map: "{{ task.a.result }}"
""",
            CHILD,
        ),
        chunk_size=2,
    ),
    "chunks_paused": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: "{{ range(5) | list }}", concurrency: 2, input: {n: "{{ item }}"}}
output_map: "{{ task.a.result | length }}"
""",
        ),
        deeds=(pause(begun), RESUME),
        takes={"a": 20},
        chunk_size=2,
    ),
    "chunks_cancelled": Scenario(
        (
            """
tasks:
  - {name: a, action: core.inquiry, with_items: [1, 2, 3], input: {prompt: "{{ item }}"}}
""",
        ),
        status="cancelled",
        deeds=(cancel(asked),),
        chunk_size=2,
        unswept=True,
    ),
    "chunks_retried": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: [0, 1, 2], input: {n: "{{ item }}"}}
output_map: "{{ task.a.result | map(attribute='n') | list }}"
""",
        ),
        script={"a": _MendedLater},
        deeds=(RETRY,),
        chunk_size=2,
    ),
    "items_of_children": Scenario(
        (
            """
tasks:
  - {name: a, action: t.child, with_items: "{{ range(3) | list }}", concurrency: 2}
output_map: "{{ task.a.result }}"
""",
            CHILD,
        )
    ),
    "parallel": Scenario(
        (
            """
tasks:
  - name: both
    type: parallel
    tasks:
      - {name: a, action: t.do, input: {n: 1}}
      - {name: b, action: t.do, input: {n: 2}, retry: {count: 1}}
    on_success: after
  - {name: after, action: t.do, input: {n: "{{ task.both.result.b.n }}"}}
output_map: "{{ task.after.result.n }}"
""",
        ),
        script={"b": _first_time_fails},
    ),
    "loop": Scenario(
        (
            """
vars: {n: 0}
tasks:
  - name: rounds
    type: loop
    while: "{{ vars.n < 3 }}"
    tasks:
      - {name: step, action: t.do, publish: [{n: "{{ vars.n + 1 }}"}], on_success: nap}
      - {name: nap, action: core.sleep, input: {seconds: 5}}
output_map: "{{ [task.rounds.result.iterations, vars.n] }}"
""",
        )
    ),
    "cycle": Scenario(
        (
            """
vars: {n: 0}
tasks:
  - {name: begin, action: core.noop, on_success: try}
  - name: try
    action: t.do
    max_visits: 5
    publish: [{n: "{{ vars.n + 1 }}"}]
    next:
      - {when: "{{ vars.n < 3 }}", do: try}
      - {when: "{{ vars.n >= 3 }}", do: over}
  - {name: over, action: t.do, input: {n: "{{ vars.n }}"}}
output_map: "{{ task.over.result.n }}"
""",
        )
    ),
    "decision": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, input: {go: right}, decision: [
      {when: "{{ result.go == 'left' }}", next: left}, {default: right}]}
  - {name: left, action: t.do}
  - {name: right, action: t.do, when: "{{ false }}", on_skip: rest}
  - {name: rest, action: t.do, input: {n: "{{ task.right.status }}"}}
output_map: "{{ task.rest.result.n }}"
""",
        )
    ),
    "retry": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, retry: {count: 2, delay: 30, backoff: exponential}, on_success: b}
  - {name: b, action: core.sleep, input: {seconds: 20}}
output_map: "{{ task.a.result.n }}"
""",
        ),
        script={"a": _twice_failing},
    ),
    "retry_later": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, retry: {count: 1, delay: 3600}, on_success: b}
  - {name: b, action: core.sleep, input: {seconds: 7200}}
output_map: "{{ task.a.result.n }}"
""",
        ),
        script={"a": [Failure(), {"n": 2}]},
    ),
    "retry_at_once": Scenario(
        (
            """
tasks: [{name: a, action: t.do, retry: {count: 3}}]
output_map: "{{ task.a.result.n }}"
""",
        ),
        script={"a": _twice_failing},
    ),
    "timeout": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, timeout: 10, on_timeout: b}
  - {name: b, action: core.inquiry, input: {prompt: "?"}, timeout: 50, on_timeout: c}
  - {name: c, action: t.do, input: {t: "{{ task.b.error.type }}"}}
output_map: "{{ task.c.result.t }}"
""",
        ),
        script={"a": Failure(timeout=True)},
    ),
    "workflow_timeout": Scenario(
        (
            """
timeout: 300
tasks:
  - {name: a, action: t.child}
output_map: "{{ task.a.status }}"
""",
            ASKING_CHILD,
        ),
        status="timed_out",
    ),
    "child_timeout": Scenario(
        (
            """
tasks:
  - {name: sub, action: t.child, timeout: 40, on_timeout: late}
  - {name: late, action: t.do, input: {n: 1}}
output_map: "{{ task.late.result.n }}"
""",
            ASKING_CHILD,
        )
    ),
    "inquiry": Scenario(
        (
            """
tasks:
  - {name: ask, action: core.inquiry, input: {prompt: "go?"}, timeout: 90000, on_success: go}
  - {name: go, action: t.do, input: {yes: "{{ task.ask.result.yes }}"}}
output_map: "{{ task.go.result.yes }}"
""",
        ),
        deeds=(ANSWER,),
    ),
    "event": Scenario(
        (
            """
tasks:
  - {name: wait, action: core.wait_for_event, input: {event_type: Paid}, on_success: go}
  - {name: go, action: t.do, input: {order: "{{ task.wait.result.detail.order }}"}}
output_map: "{{ task.go.result.order }}"
""",
        ),
        deeds=(PUBLISH,),
    ),
    "event_before": Scenario(
        (
            """
tasks:
  - {name: nap, action: core.sleep, input: {seconds: 100}, on_success: wait}
  - {name: wait, action: core.wait_for_event, input: {event_type: Paid, within: 5h}, on_success: go}
  - {name: go, action: t.do, input: {order: "{{ task.wait.result.detail.order }}"}}
output_map: "{{ task.go.result.order }}"
""",
        ),
        deeds=(Deed(begun, _publish),),
        unswept=True,
    ),
    "child": Scenario((WITH_CHILD, CHILD)),
    "retried": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: [0, 1, 2], concurrency: 2, input: {n: "{{ item }}"}, on_success: d}
  - {name: b, action: t.do, publish: [{v: 1}], on_success: d}
  - {name: d, action: t.do, input: {all: "{{ task.a.result | map(attribute='n') | list }}"}}
output_map: "{{ task.d.result.all }}"
""",
        ),
        script={"a": _MendedLater, "b": _MendedLater},
        deeds=(RETRY,),
    ),
    "retried_child": Scenario((WITH_CHILD, CHILD), script={"inner": _MendedLater}, deeds=(RETRY,)),
    "failing_child": Scenario(
        (
            """
tasks:
  - {name: sub, action: t.child, retry: {count: 1, delay: 10}, on_failure: after}
  - {name: after, action: t.do, input: {n: "{{ task.sub.error.type }}"}}
output_map: "{{ task.after.result.n }}"
""",
            CHILD,
        ),
        script={"inner": Failure()},
    ),
    "cancel": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, on_success: [b, c]}
  - {name: b, action: core.inquiry, input: {prompt: "?"}, on_success: d}
  - {name: c, action: core.sleep, input: {seconds: 100000}, on_success: d}
  - {name: d, action: t.do}
output_map: "{{ task.b.status }}"
""",
        ),
        status="cancelled",
        deeds=(cancel(asked),),
    ),
    "cancel_child": Scenario((WITH_CHILD, ASKING_CHILD), status="cancelled", deeds=(cancel(asked),)),
    "cancel_at_once": Scenario((WITH_CHILD, ASKING_CHILD), status="cancelled", deeds=(cancel(begun),), loose=True),
    "pause": Scenario((CHAIN,), deeds=(pause(ended(1)), RESUME), takes={"b": 20}),
    "pause_child": Scenario((WITH_CHILD, ASKING_CHILD), deeds=(pause(has_child), RESUME, Deed(asked, _answer))),
    "failure": Scenario(
        (
            """
tasks:
  - {name: x, action: t.do, on_failure: clean}
  - {name: clean, action: t.do, on_complete: [fail]}
""",
        ),
        status="failed",
        script={"x": Failure()},
    ),
    "fail_fast": Scenario(
        (
            """
fail_fast: true
tasks:
  - {name: x, action: t.do}
  - {name: y, action: core.sleep, input: {seconds: 50000}, on_success: z}
  - {name: z, action: t.do}
""",
        ),
        status="failed",
        script={"x": Failure()},
    ),
    "not_idempotent": Scenario(
        (
            """
tasks:
  - {name: a, action: t.once, input: {n: 1}, on_success: b, on_failure: lost}
  - {name: b, action: t.do, input: {n: "{{ task.a.result.n }}"}}
  - {name: lost, action: t.do, input: {n: "{{ task.a.error.type }}"}}
output_map: "{{ task.b.result.n | default(task.lost.result.n) }}"
""",
        ),
        also=lambda output: output == "worker_lost",
    ),
    "unsteady": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, on_success: b}
  - {name: b, action: t.do, input: {n: "{{ task.a.result.n }}"}, on_success: nap}
  - {name: nap, action: core.sleep, input: {seconds: 30}}
output_map: ["{{ task.a.result.n }}", "{{ task.b.result.n }}"]
""",
        ),
        script={"a": _Counting},
        also=lambda output: output is not None and output[0] == output[1],
    ),
    "template_error": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, on_success: b}
  - {name: b, action: t.do, input: {n: "{{ task.a.result.nothing }}"}, on_failure: c}
  - {name: c, action: t.do, input: {n: "{{ task.b.error.type }}"}}
output_map: "{{ task.c.result.n }}"
""",
        )
    ),
}
