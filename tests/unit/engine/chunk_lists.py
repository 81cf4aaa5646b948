"""Lists that are cut into chunks, and a watch over their states."""

from __future__ import annotations

import json
from typing import Any

from tests.conftest import World

from attune.engine import codec
from attune.engine.ids import chunk_id
from attune.engine.state import State

LIST = """
parameters: {over: {}}
tasks:
  - {name: a, action: t.do, with_items: "{{ parameters.over }}", input: {item: "{{ item }}", index: "{{ index }}"}, %s}
output_map:
  items: "{{ task.a.items }}"
  result: "{{ task.a.result }}"
  counts: ["{{ task.a.total_count }}", "{{ task.a.succeeded_count }}", "{{ task.a.failed_count }}"]
"""
WHOLE = 1000
"""A chunk's size that no list here reaches."""


class Watch:
    """Looks at every state that is saved: how many items are under way in all, and whether it reads back the same."""

    def __init__(self, world: World) -> None:
        self.most, self.largest, self.saves = 0, 0, 0
        self._under_way: dict[str, int] = {}
        world.advancer._observer = self.see

    def see(self, state: State, messages: Any, steps: Any) -> None:
        self.saves += 1
        visits = state.active.values()
        self._under_way[state.execution] = sum(len(visit.items.active) for visit in visits if visit.items)
        self.most = max(self.most, sum(self._under_way.values()))
        encoded = json.dumps(codec.encode(state))
        self.largest = max(self.largest, len(encoded))
        kept = {"execution": state.execution, "workflow": state.workflow, "workflow_version": 1, "created_at": 0.0}
        again = codec.decode(json.loads(encoded), **kept, status=state.status)
        assert json.dumps(codec.encode(again)) == encoded


def chunk(state: State, world: World, number: int, task: str = "a") -> State:
    """The state of a chunk."""
    found = world.store.load(chunk_id(state.execution, task, 1, number))
    assert found is not None
    return found
