"""The simulator and the deployed stack do the same: the same attempts in the same order, the same output."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from attune.actions.runner import ActionRunner
from attune.adapters.memory.clock import VirtualClock
from attune.cli.local import StackOutputs
from attune.cli.project import prepare
from attune.execution.answers import to_json
from attune.execution.graph_view import nodes_and_edges
from attune.simulator import Simulator, TimedRunner
from tests.e2e.conftest import Api

SIDE_BY_SIDE = {"left": "both", "right": "both", "p": "fork", "q": "fork"}
"""Tasks that run at the same time, and so in any order: they go by the name of what starts them."""
APPROVED = {"approved": True}
PAID = {"order": 7, "amount": 12.5}


@dataclass(frozen=True)
class Run:
    """What can be compared of an execution."""

    status: str
    output: Any
    attempts: Counter[tuple[Any, ...]]
    sequence: list[str]
    nodes: list[tuple[Any, ...]]


def run(status: str, output: Any, rows: Iterable[Mapping[str, Any]], nodes: Iterable[Mapping[str, Any]]) -> Run:
    """Attempts with a worker's record, by the time at which they started."""
    worked = sorted((row for row in rows if row["started_at"]), key=lambda row: row["started_at"])
    stages = [SIDE_BY_SIDE.get(row["task"], row["task"]) for row in worked]
    return Run(
        status,
        output,
        Counter((row["task"], row["visit"], row["index"], row["attempt"], row["status"]) for row in worked),
        [stage for before, stage in zip([None, *stages], stages, strict=False) if stage != before],
        sorted((n["name"], n["status"], n["visits"], json.dumps(n["items"])) for n in nodes),
    )


class Simulated:
    """One execution on the simulator, with the real actions."""

    def __init__(self, ref: str, packs: Path, parameters: dict[str, Any]) -> None:
        self.prepared = prepare(ref, [packs])
        clock = VirtualClock(time.time())
        self.simulator = Simulator(self.prepared.catalog, TimedRunner(ActionRunner(packs), clock), clock=clock)
        self.execution = self.simulator.start(ref, parameters)

    def until(self, task: str) -> None:
        """Let everything happen until this task waits."""
        while task not in {node["name"] for node in self.nodes() if node["status"] == "waiting"}:
            assert self.simulator.cloud.step(), self.simulator.state(self.execution).error

    def nodes(self) -> list[dict[str, Any]]:
        """The tasks, and where they stand."""
        state = self.simulator.store.load(self.execution)
        return list(to_json(nodes_and_edges(self.prepared.graph, state).nodes))

    def ended(self) -> Run:
        """Run to the end."""
        self.simulator.run()
        rows = [
            {"task": attempt.task, "visit": attempt.visit, "index": attempt.index, "attempt": attempt.number}
            | {"started_at": None, **record}
            for attempt, record in self.simulator.store.records(self.execution)
        ]
        state = self.simulator.state(self.execution)
        return run(str(state.status), self.simulator.output(self.execution), rows, self.nodes())


def deployed(api: Api, execution: str) -> Run:
    """The same of an execution on the stack, when it has ended."""
    ended = api.ended(execution, within=120)
    nodes = api.get(f"/api/v1/workflow-executions/{execution}/graph")["nodes"]
    return run(ended["status"], ended["output"], api.tasks(execution), nodes)


@pytest.mark.parametrize("app", ["shop", "sickly"])
def test_deploy_application_does_the_same_on_the_simulator_and_on_the_stack(
    api: Api, packs_dir: Path, healthy: dict[str, int], app: str
) -> None:
    healthy["sickly"] = 503
    parameters = {"app_name": app, "version": "1.2.3", "environment": "production"}

    simulated = Simulated("my_pack.deploy_application", packs_dir, parameters).ended()

    assert deployed(api, api.start("my_pack.deploy_application", **parameters)) == simulated
    assert len(simulated.sequence) > 6


def test_every_construct_does_the_same_on_the_simulator_and_on_the_stack(
    api: Api, stack: StackOutputs, aws: Callable[[str], Any], packs_dir: Path, tmp_path: Path
) -> None:
    there = Simulated("flows.everything", packs_dir, {"order": 7, "path": str(tmp_path / "simulated")})
    there.until("ask")
    there.simulator.answer(there.execution, "ask", APPROVED)
    there.until("paid")
    there.simulator.event({"id": "1", "source": "shop", "detail-type": "OrderPaid", "detail": PAID})
    simulated = there.ended()

    execution = api.start("flows.everything", order=7, path=str(tmp_path / "deployed"))
    question = api.until(lambda: [i for i in api.get("/api/v1/inquiries")["items"] if i["execution"] == execution])
    api.post(f"/api/v1/inquiries/{question[0]['id']}/answer", {"response": APPROVED})
    api.until(lambda: ("paid", "waiting") in api.standing(execution))
    entry = {"Source": "shop", "DetailType": "OrderPaid", "Detail": json.dumps(PAID)}
    aws("events").put_events(Entries=[{**entry, "EventBusName": stack.event_bus_name}])

    assert simulated.status == "completed", simulated
    assert simulated.output["every"] == 2
    assert deployed(api, execution) == simulated
