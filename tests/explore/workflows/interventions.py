"""What people do to executions: cancel, pause and resume, retry."""

from __future__ import annotations

from tests.explore.workflows.answers import MendedLater, twice_failing
from tests.explore.workflows.children import ASKING_CHILD, WITH_CHILD
from tests.explore.workflows.deeds import (
    ANSWER,
    RESUME,
    RETRY,
    answer,
    asked,
    begun,
    cancel,
    ended,
    failed_for,
    has_child,
    over,
    pause,
    paused_for,
    resume,
    retried,
    retry,
    retry_in,
    then,
)
from tests.explore.workflows.flow import CHAIN
from tests.explore.workflows.scenario import Scenario

INTERVENTIONS: dict[str, Scenario] = {
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
    "pause_child": Scenario((WITH_CHILD, ASKING_CHILD), deeds=(pause(has_child), RESUME, ANSWER)),
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
        script={"a": MendedLater, "b": MendedLater},
        deeds=(RETRY,),
    ),
    "pause_twice": Scenario(
        (WITH_CHILD, ASKING_CHILD),
        deeds=(
            pause(asked, "p1"),
            resume(then(1, paused_for(20)), "r1"),
            pause(then(2, asked), "p2"),
            resume(then(3, paused_for(20)), "r2"),
            answer(then(4, asked)),
        ),
    ),
    "pause_retry": Scenario(
        (
            """
tasks: [{name: a, action: t.do, retry: {count: 2, delay: 30}}]
output_map: "{{ task.a.result.n }}"
""",
        ),
        script={"a": twice_failing},
        deeds=(pause(begun), RESUME),
    ),
    "retried_twice": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, on_success: b}
  - {name: b, action: t.do, with_items: [0, 1], input: {n: "{{ item }}"}}
output_map: "{{ task.b.result | map(attribute='n') | list }}"
""",
        ),
        script={"b": MendedLater},
        deeds=(retry(over, "first", mended=False), retry(retried, "second")),
    ),
    "retried_late": Scenario(
        (
            """
timeout: 50000
tasks:
  - {name: a, action: t.do, input: {n: 1}, on_success: b}
  - {name: b, action: core.sleep, input: {seconds: 40000}}
output_map: "{{ task.a.result.n }}"
""",
        ),
        script={"a": MendedLater},
        deeds=(retry(failed_for(20000)),),
    ),
    "retried_anew": Scenario(
        (
            """
parameters: {n: {type: integer, default: 1}}
tasks:
  - {name: a, action: t.do, input: {n: "{{ parameters.n }}"}, on_success: b}
  - {name: b, action: t.do, input: {n: "{{ parameters.n }}"}}
output_map: ["{{ task.a.result.n }}", "{{ task.b.result.n }}"]
""",
        ),
        script={"b": MendedLater},
        deeds=(
            retry_in(
                """
parameters: {n: {type: integer, default: 1}}
tasks:
  - {name: a, action: t.do, input: {n: "{{ parameters.n }}"}, on_success: b}
  - {name: b, action: t.do, input: {n: "{{ parameters.n }}"}, on_success: c}
  - {name: c, action: t.do, input: {n: "{{ task.b.result.n + 1 }}"}}
output_map: ["{{ task.a.result.n }}", "{{ task.b.result.n }}", "{{ task.c.result.n }}"]
""",
                {"n": 5},
            ),
        ),
    ),
}
