"""What rules and sensors start."""

from __future__ import annotations

from tests.explore.workflows.deeds import begun, tick
from tests.explore.workflows.scenario import Scenario

SENSORS: dict[str, Scenario] = {
    "sensor": Scenario(
        (
            """
tasks:
  - {name: wait, action: core.wait_for_event, on_success: go,
     input: {pattern: {detail-type: [News], detail: {key: [b]}}, within: 1h}}
  - {name: go, action: t.do, input: {n: "{{ task.wait.result.detail.item.n }}"}}
output_map: "{{ task.go.result.n }}"
""",
            """
ref: t.import
parameters: {n: {type: integer}}
tasks: [{name: take, action: t.do, input: {n: "{{ parameters.n }}"}}]
""",
        ),
        script={"poll": {"rows": [{"id": "a", "n": 1}, {"id": "b", "n": 2}], "next": 2}},
        deeds=(tick("t.news", begun),),
        sensors=(
            """
ref: t.news
schedule: rate(5 minutes)
action: t.do
parameters: {since: "{{ cursor }}"}
items: "{{ result.rows }}"
key: "{{ item.id }}"
cursor: "{{ result.next }}"
event_type: News
""",
        ),
        rules=(
            """
ref: t.on_news
trigger: {type: event, pattern: {detail-type: [News]}}
action: t.import
parameters: {n: "{{ event.detail.item.n }}"}
""",
        ),
    ),
}
