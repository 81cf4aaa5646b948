"""Lists of items."""

from __future__ import annotations

from tests.explore.workflows.answers import every_third_fails
from tests.explore.workflows.children import CHILD
from tests.explore.workflows.scenario import Scenario

LISTS: dict[str, Scenario] = {
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
        script={"a": every_third_fails},
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
}
