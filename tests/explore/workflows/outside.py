"""What executions wait for from outside."""

from __future__ import annotations

from tests.explore.workflows.deeds import ANSWER, awaited, begun, publish
from tests.explore.workflows.scenario import Scenario

OUTSIDE: dict[str, Scenario] = {
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
        deeds=(publish(awaited),),
        unswept=True,
    ),
    "event_before": Scenario(
        (
            """
tasks:
  - {name: nap, action: core.sleep, input: {seconds: 10}, on_success: wait}
  - {name: wait, action: core.wait_for_event, input: {event_type: Paid, within: 5h}, on_success: go}
  - {name: go, action: t.do, input: {order: "{{ task.wait.result.detail.order }}"}}
output_map: "{{ task.go.result.order }}"
""",
        ),
        deeds=(publish(begun),),
    ),
}
