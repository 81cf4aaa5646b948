"""Values and secrets."""

from __future__ import annotations

from tests.conftest import Failure
from tests.explore.workflows.scenario import Scenario

VALUES: dict[str, Scenario] = {
    "values": Scenario(
        (
            """
tasks:
  - {name: a, action: t.do, with_items: "{{ kv.get('cities') }}", on_success: b,
     input: {n: "{{ item ~ kv.get('sign') }}"}}
  - {name: b, action: t.do, input: {n: "{{ kv.get('missing', default=task.a.total_count) }}"}}
output_map: "{{ [task.a.result | map(attribute='n') | list, task.b.result.n] }}"
""",
        ),
        values={"cities": ["Ulm", "Aachen"], "sign": "!"},
    ),
    "secrets": Scenario(
        (
            """
parameters: {pin: {type: string, secret: true}, name: {type: string}}
tasks:
  - {name: a, action: t.do, input: {key: "{{ kv.get_secret('api') }}", pin: "{{ parameters.pin }}"}, on_success: b}
  - {name: b, action: t.do, with_items: [1, 2], retry: {count: 1, delay: 5}, on_failure: c,
     input: {n: "{{ item }}", key: "{{ kv.get('kind') }} {{ kv.get_secret('api') }}"}}
  - {name: c, action: t.do, input: {n: "{{ task.b.failed_count }}"}}
output_map: "{{ [parameters.name, task.a.result.key, task.c.result.n] }}"
""",
        ),
        parameters={"pin": "4711-that-nobody-knows", "name": "Ada"},
        script={"b": Failure("the key was hunter22-that-nobody-knows")},
        values={"kind": "Bearer"},
        secrets={"api": "hunter22-that-nobody-knows", "pin": "4711-that-nobody-knows"},
    ),
}
