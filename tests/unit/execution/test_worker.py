"""A worker in virtual time: what it reports together, and how long it goes on trying."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from tests.conftest import ScriptedRunner

from attune.adapters.memory.clock import VirtualClock
from attune.adapters.memory.cloud import MemoryCloud
from attune.adapters.memory.execution_store import MemoryStore
from attune.engine.ids import AttemptId
from attune.exceptions import Unavailable
from attune.execution.ports.queues import Envelope, TaskMessage
from attune.execution.worker import Lease, Worker
from attune.model.action import ActionSpec, Runner

EXECUTION = "01JEXECVT10N00000000000001"


class Mailbox:
    """Notes when it was told of how many attempts."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock, self._begun = clock, clock.now()
        self.posts: list[tuple[float, int]] = []

    def post(self, envelopes: Sequence[Envelope]) -> None:
        self.posts.append((round(self._clock.now() - self._begun, 3), len(envelopes)))


class Schema(Mapping[str, Any]):
    """A schema that counts how often it is read."""

    def __init__(self) -> None:
        self.read = 0

    def __getitem__(self, key: str) -> Any:
        self.read += 1
        return {"properties": {"password": {"writeOnly": True}}}[key]

    def __iter__(self) -> Iterator[str]:
        return iter(("properties",))

    def __len__(self) -> int:
        return 1


class Bench:
    """A worker whose attempts take as long as is said."""

    def __init__(self, **takes: float) -> None:
        self.clock = VirtualClock()
        self.store, self.mailbox = MemoryStore(), Mailbox(self.clock)
        self.schema = Schema()
        self.worker = Worker(
            store=self.store,
            mailbox=self.mailbox,
            tasks=MemoryCloud(self.clock),
            runner=ScriptedRunner(self.clock, takes=takes),
            clock=self.clock,
            pack_config=lambda pack: {},
            opener=lambda: pytest.fail("there is nothing to open"),
            sleep=self.clock.advance,
            monotonic=self.clock.now,
        )
        self.names = list(takes)

    def work(self, seconds: float = 900.0) -> list[int]:
        """Work on an attempt of each task."""
        spec = ActionSpec("t.do", "t", runner=Runner.PYTHON, entry_point="do.py:run", parameters=self.schema)
        batch = [
            TaskMessage(
                execution=EXECUTION, workflow="t.w", attempt=AttemptId(name), spec=spec, input={"password": "x"}
            )
            for name in self.names
        ]
        return self.worker.work(batch, Lease("w", seconds))


def test_attempts_that_end_together_are_reported_together() -> None:
    bench = Bench(a=0.1, b=0.15, c=0.3, d=0.35, e=2.0)
    assert bench.work() == []
    assert bench.mailbox.posts == [(0.3, 3), (2.0, 2), (2.0, 0)]


def test_a_result_is_offered_until_the_lease_is_over_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(a=1.0)
    offered: list[float] = []

    def refuse(*_: Any, **__: Any) -> Any:
        offered.append(bench.clock.now() - begun)
        raise Unavailable("too many requests")

    monkeypatch.setattr(bench.store, "finish", refuse)
    begun = bench.clock.now()
    assert bench.work(seconds=9) == [0], "the message comes again"
    assert offered == [1.0, 2.0, 4.0, 8.0]


def test_the_schema_of_an_action_is_gone_over_once_for_a_message() -> None:
    bench = Bench(a=0.0)
    bench.work()
    assert bench.schema.read == 1
    assert [record["input"] for _, record in bench.store.records(EXECUTION)] == [{"password": "***"}]
