"""Sub-workflows."""

from __future__ import annotations

from tests.conftest import Failure
from tests.explore.workflows.answers import MendedLater
from tests.explore.workflows.deeds import RETRY
from tests.explore.workflows.scenario import Scenario

CHILD = """
ref: t.child
tasks: [{name: inner, action: t.do, input: {n: 7}}]
output_map: {n: "{{ task.inner.result.n }}"}
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

CHILDREN: dict[str, Scenario] = {
    "child": Scenario((WITH_CHILD, CHILD)),
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
    "retried_child": Scenario((WITH_CHILD, CHILD), script={"inner": MendedLater}, deeds=(RETRY,)),
}
