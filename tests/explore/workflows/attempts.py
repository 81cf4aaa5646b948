"""Attempts that fail, take too long, or must not be repeated."""

from __future__ import annotations

from tests.conftest import Failure
from tests.explore.workflows.answers import Counting, twice_failing
from tests.explore.workflows.scenario import Scenario

ATTEMPTS: dict[str, Scenario] = {
    "retry": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, retry: {count: 2, delay: 30, backoff: exponential}, on_success: b}
  - {name: b, action: core.sleep, input: {seconds: 20}}
output_map: "{{ task.a.result.n }}"
""",
        ),
        script={"a": twice_failing},
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
        script={"a": twice_failing},
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
        script={"a": Counting},
        also=lambda output: output is not None and output[0] == output[1],
    ),
}
