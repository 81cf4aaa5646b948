"""Crashes and lost replies at the calls that the handlers make to AWS, on moto."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from moto.server import ThreadedMotoServer

from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.adapters.memory.queues import Crash
from attune.wiring import functions, process, storage
from tests.integration.dying import GONE
from tests.integration.stack import PROJECT, Stack

LEASE_OVER = 61.0
"""Seconds after which what a dead worker held is free."""
EVERY = 5
"""One call in so many goes wrong here, in another way each time."""


class Echoing:
    """Answers for actions, in no time, and counts them."""

    def __init__(self) -> None:
        self.ran: list[tuple[Any, ...]] = []

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:
        for position, attempt in enumerate(attempts):
            self.ran.append((attempt.execution_id, attempt.task, attempt.index, attempt.number))
            yield position, Outcome(OutcomeStatus.COMPLETED, dict(attempt.input))


class Hooks:
    """Lets one call go wrong: ``moment`` is botocore's name for before or after it."""

    def __init__(self) -> None:
        self.calls, self.place, self.moment, self.armed = 0, 0, "", False
        self.error: Callable[[], BaseException] = Crash

    def attach(self) -> None:
        for service in ("dynamodb", "sqs", "events"):
            events = process.client(service).meta.events
            events.register("before-call", lambda **_: self._call("before-call"))
            events.register("after-call", lambda **_: self._call("after-call"))

    def _call(self, moment: str) -> None:
        self.calls += self.armed and moment == "before-call"
        if self.armed and (self.calls, moment) == (self.place, self.moment):
            self.place = 0
            raise self.error()


def lost() -> ReadTimeoutError:
    """The service does not answer."""
    return ReadTimeoutError(endpoint_url="https://aws")


WRONG: list[tuple[str, Callable[[], BaseException]]] = [
    ("before-call", Crash),
    ("after-call", Crash),
    ("before-call", lost),
    ("after-call", lost),
]


class Pump:
    """Delivers as the event source mappings do: what failed comes again before anything else of its group."""

    def __init__(self, stack: Stack, hooks: Hooks, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stack, self.hooks, self.late, self.runner = stack, hooks, 0.0, Echoing()
        monkeypatch.setattr(process.SystemClock, "now", lambda _: time.time() + self.late)

    def run(self) -> None:
        """Until nothing moves."""
        while any([self._deliver("advance", self.stack.messages()), self._deliver("run_task", self.stack.tasks())]):
            pass

    def _deliver(self, name: str, event: dict[str, Any] | None) -> bool:
        for _ in range(5):
            if event is None or not event["Records"]:
                return event is not None
            event = {"Records": self._invoke(name, event)}
        raise AssertionError(f"{name} could not work off {event}")

    def _invoke(self, name: str, event: dict[str, Any]) -> list[dict[str, Any]]:
        """Returns what must come again: everything, later and to a new process, if this one died."""
        functions.worker()._runner = self.runner
        self.hooks.armed = True
        try:
            failed = {row["itemIdentifier"] for row in self.stack.invoke(name, event)["batchItemFailures"]}
        except Crash:
            failed = {record["messageId"] for record in event["Records"]}
            for made in (functions.advancer, storage.store, functions.worker):
                made.cache_clear()
        finally:
            self.hooks.armed = False
        self.late += LEASE_OVER if failed else 0.0
        return [record for record in event["Records"] if record["messageId"] in failed]


def test_no_call_of_the_handlers_can_go_wrong_and_change_how_an_execution_ends(stack, monkeypatch):
    hooks = Hooks()
    hooks.attach()
    pump = Pump(stack, hooks, monkeypatch)
    right = ended(stack, pump)
    calls = hooks.calls
    assert right[0] == "completed"
    assert calls > 30
    for number, place in enumerate(range(1, calls + 1, EVERY)):
        hooks.calls, hooks.place = 0, place
        hooks.moment, hooks.error = WRONG[number % len(WRONG)]
        assert ended(stack, pump) == right, f"{hooks.error.__name__} {hooks.moment} {place}"
        assert hooks.place == 0, "nothing went wrong"


def ended(stack: Stack, pump: Pump) -> tuple[Any, ...]:
    """Start it and let it run; returns how it ended, and the attempts that ran."""
    pump.runner.ran.clear()
    execution = stack.start("flows.crash_points")
    pump.run()
    shown = stack.execution(execution)
    return shown["status"], shown["output"], sorted(map(repr, {row[1:] for row in pump.runner.ran}))


@pytest.fixture
def endpoint(stack, monkeypatch) -> Iterator[dict[str, str]]:
    """The environment of another process that sees the same AWS."""
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield {**os.environ, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    server.stop()


@pytest.mark.parametrize(
    ("name", "moment"),
    [
        ("advance", "after-call.dynamodb.PutItem"),
        ("advance", "before-call.sqs.SendMessageBatch"),
        ("run_task", "after-call.dynamodb.UpdateItem"),
        ("run_task", "before-call.sqs.SendMessageBatch"),
    ],
)
def test_a_process_that_is_gone_at_a_call_leaves_nothing_that_the_next_cannot_finish(
    stack, endpoint, monkeypatch, tmp_path, name, moment
):
    execution = stack.start("flows.counted_chain", folder=str(tmp_path))
    if name == "run_task":
        stack.invoke("advance", stack.messages())
    event = stack.messages() if name == "advance" else stack.tasks()
    died = subprocess.run(
        [sys.executable, "-m", "tests.integration.dying", name, moment],
        input=json.dumps(event), text=True, capture_output=True, cwd=PROJECT, env=endpoint, timeout=60,
    )  # fmt: skip
    assert died.returncode == GONE, died.stderr
    monkeypatch.setattr(process.SystemClock, "now", lambda _: time.time() + LEASE_OVER)
    assert stack.invoke(name, event) == {"batchItemFailures": []}
    stack.pump()
    shown = stack.execution(execution)
    assert (shown["status"], shown["output"]) == ("completed", {"lines": [1, 1, 1, 1, 1]})
