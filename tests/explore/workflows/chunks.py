"""Lists that are so long that they are cut into chunks."""

from __future__ import annotations

from tests.explore.workflows.answers import MendedLater, every_third_fails
from tests.explore.workflows.children import CHILD
from tests.explore.workflows.deeds import RESUME, RETRY, asked, begun, cancel, pause, publish
from tests.explore.workflows.scenario import Scenario

CHUNKS: dict[str, Scenario] = {
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
        script={"a": every_third_fails},
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
    "chunks_of_events": Scenario(
        (
            """
tasks:
  - {name: a, action: core.wait_for_event, with_items: [1, 2, 3], input: {event_type: Paid, within: 5h}}
output_map: "{{ task.a.result | map(attribute='id') | list }}"
""",
        ),
        deeds=(publish(begun),),
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
    ),
    "chunks_retried": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: [0, 1, 2], input: {n: "{{ item }}"}}
output_map: "{{ task.a.result | map(attribute='n') | list }}"
""",
        ),
        script={"a": MendedLater},
        deeds=(RETRY,),
        chunk_size=2,
    ),
}
