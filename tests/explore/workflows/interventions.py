"""What people do to executions: cancel, pause and resume, retry."""

from __future__ import annotations

from tests.explore.workflows.answers import MendedLater, twice_failing
from tests.explore.workflows.children import ASKING_CHILD, WITH_CHILD
from tests.explore.workflows.deeds import ANSWER, RESUME, RETRY, asked, begun, cancel, ended, has_child, pause, retry_in
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
