"""What executions wait for from outside."""

from __future__ import annotations

from tests.explore.workflows.deeds import ANSWER, awaited, awaited_by, begun, publish
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
    ),
    "event_of_some_type": Scenario(
        (
            """
tasks: [{name: wait, action: core.wait_for_event, input: {pattern: {source: [shop], detail: {order: [7, 8]}}}}]
output_map: "{{ task.wait.result.id }}"
""",
        ),
        deeds=(publish(awaited),),
    ),
    "events": Scenario(
        (
            """
vars: {had: []}
tasks:
  - name: rounds
    type: loop
    while: "{{ vars.had | length < 2 }}"
    tasks:
      - name: wait
        action: core.wait_for_event
        input: {event_type: Paid}
        publish: [{had: "{{ vars.had | append(result.id) }}"}]
output_map: "{{ vars.had }}"
""",
        ),
        deeds=(publish(awaited), publish(awaited_by(2), "e-2")),
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
