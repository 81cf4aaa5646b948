"""Tasks that follow each other, meet, go round in circles and fail."""

from __future__ import annotations

from tests.conftest import Failure
from tests.explore.workflows.answers import first_time_fails
from tests.explore.workflows.children import ASKING_CHILD
from tests.explore.workflows.scenario import Scenario

CHAIN = """
tasks:
  - {name: a, action: t.do, on_success: b, publish: [{v: 1}]}
  - {name: b, action: t.do, input: {v: "{{ vars.v }}"}, on_success: c, publish: [{v: "{{ vars.v + 1 }}"}]}
  - {name: c, action: t.do, input: {v: "{{ vars.v }}"}}
output_map: "{{ task.c.result.v }}"
"""

FLOW: dict[str, Scenario] = {
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
        script={"b": first_time_fails},
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
    "group_timeout": Scenario(
        (
            """
tasks:
  - name: both
    type: parallel
    timeout: 8000
    tasks:
      - {name: a, action: t.do}
      - {name: b, action: core.inquiry, input: {prompt: "?"}}
      - {name: c, action: core.sleep, input: {seconds: 50000}}
    on_timeout: late
  - {name: late, action: t.do, input: {n: "{{ task.both.error.type }}"}}
output_map: "{{ task.late.result.n }}"
""",
        )
    ),
    "fail_fast_child": Scenario(
        (
            """
fail_fast: true
tasks:
  - {name: nap, action: core.sleep, input: {seconds: 30}, on_success: x}
  - {name: x, action: t.do}
  - {name: sub, action: t.child}
""",
            ASKING_CHILD,
        ),
        status="failed",
        script={"x": Failure()},
    ),
}
