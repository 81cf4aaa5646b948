"""Lists in chunks through the handlers: what an item costs does not grow with the list.

``python -m tests.integration.test_chunks`` prints the table of docs/reference/cost.md, for 10,000 items;
``--write`` puts it there.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tools.measured_pages import print_measured

from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.execution.ports.catalog import WorkflowVersion
from attune.language.compiler import compile_workflow
from attune.language.source import load
from attune.wiring import storage
from tests.integration.queues import hold

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cost.md"
BEGIN, END = "<!-- chunks: begin -->", "<!-- chunks: end -->"
SIZES = [int(size) for size in os.environ.get("ATTUNE_TEST_ITEMS", "100,1000").split(",")]
WRITES = ("PutItem", "UpdateItem", "BatchWriteItem")
MOST_STATE = 4096
"""Bytes that a state may have; DynamoDB bills a write per KB."""


@dataclass(frozen=True)
class Cost:
    """What the items of one list cost: calls to AWS, bytes written to the table, and the largest state."""

    items: int
    calls: int
    written: int
    largest: int

    def row(self) -> str:
        """As a row of the table."""
        calls, written = self.calls / self.items, self.written / self.items
        return f"| {self.items:,} | {calls:.2f} | {written:,.0f} | {self.largest:,} |"


class Echo:
    """Answers for ``core.echo`` without a process for each of ten thousand items."""

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:
        for position, attempt in enumerate(attempts):
            yield position, Outcome(OutcomeStatus.COMPLETED, {"message": attempt.input["message"]})


class StateSizes:
    """Notes the size of every STATE item that a DynamoDB client puts."""

    def __init__(self, client: Any) -> None:
        self.largest, self.seen = 0, set[str]()
        client.meta.events.register("before-call.dynamodb.PutItem", self._note)

    def _note(self, params: Any, **_: Any) -> None:
        item = json.loads(params["body"])["Item"]
        if item["SK"]["S"].startswith("STATE"):
            self.seen.add(item["SK"]["S"])
            self.largest = max(self.largest, sum(len(name) + len(*v.values()) for name, v in item.items()))


@pytest.fixture
def counted(stack: Any, ledger: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Any, Any, StateSizes]]:
    """The stack with a worker that echoes, the ledger of its calls, and the sizes of its states; few logs."""
    from attune.execution.worker import Worker
    from attune.wiring import functions, process, sending, storage

    echo = Worker(
        store=storage.store(),
        mailbox=sending.mailbox(),
        tasks=sending.task_queue(),
        runner=Echo(),
        clock=process.clock,
        pack_config=lambda pack: {},
        opener=functions.opener,
    )
    stack.functions["run_task"].worker = lambda: echo
    for service in ("dynamodb", "sqs", "s3", "events", "scheduler"):
        ledger.attach(process.client(service))
    hold(stack, monkeypatch)
    level = process.log().log_level
    process.log().setLevel("ERROR")
    yield stack, ledger, StateSizes(process.client("dynamodb"))
    process.log().setLevel(level)


def cost(counted: tuple[Any, Any, StateSizes], items: int) -> Cost:
    """Run a list of so many items to its end, and count."""
    stack, ledger, sizes = counted
    execution = stack.start("flows.many", items=items)
    ledger.reset()
    sizes.largest = 0
    batches = stack.pump()
    mapped = {("sqs", "ReceiveMessage"), ("sqs", "DeleteMessageBatch")}
    calls = sum(count for call, count in ledger.counts.items() if call not in mapped) + 3 * batches
    written = sum(ledger.request_bytes["dynamodb", operation] for operation in WRITES)
    shown = stack.execution(execution)
    assert (shown["status"], shown["output"]) == ("completed", {"total": items})
    return Cost(items, calls, written, sizes.largest)


def test_an_item_costs_the_same_in_a_long_list_as_in_a_short_one(counted: tuple[Any, Any, StateSizes]) -> None:
    """Fifty at a time, through the real handlers; printed with -s."""
    cost(counted, 10)
    costs = [cost(counted, size) for size in SIZES]
    head = "| items | calls per item | bytes written per item | largest state, bytes |\n|--:|--:|--:|--:|"
    print("\n" + "\n".join([BEGIN, head, *(c.row() for c in costs), END]))
    short = costs[0]
    for long in costs[1:]:
        assert long.calls / long.items < 1.1 * short.calls / short.items
        assert long.written / long.items < 1.1 * short.written / short.items
    assert max(c.largest for c in costs) < MOST_STATE


def test_chunks_are_seen_by_nobody_but_the_table(counted: tuple[Any, Any, StateSizes]) -> None:
    stack, _, sizes = counted
    execution = stack.start("flows.many", items=230)
    stack.pump()
    assert sizes.seen == {"STATE", *(f"STATE#~each.1.{number}" for number in range(3))}
    _, listed = stack.api("GET", "/api/v1/workflow-executions")
    assert [row["id"] for row in listed["data"]["items"]] == [execution]
    _, tasks = stack.api("GET", f"/api/v1/workflow-executions/{execution}/tasks?limit=200")
    assert [row["index"] for row in tasks["data"]["items"]] == list(range(200))
    status, _ = stack.api("GET", f"/api/v1/workflow-executions/{execution}~each.1.0")
    assert status == 404
    status, _ = stack.api("POST", f"/api/v1/workflow-executions/{execution}~each.1.0/cancel")
    assert status == 404


def test_a_question_in_a_chunk_is_answered_and_a_cancellation_closes_the_others(stack: Any) -> None:
    execution = stack.start("flows.questions")
    stack.pump()
    _, listed = stack.api("GET", "/api/v1/inquiries?limit=100")
    rows = listed["data"]["items"]
    assert len(rows) == 20
    assert {row["execution"] for row in rows} == {execution}
    for row in rows[:3]:
        status, _ = stack.api("POST", f"/api/v1/inquiries/{row['id']}/answer", {"response": "yes"})
        assert status == 202
    stack.pump()
    _, tasks = stack.api("GET", f"/api/v1/workflow-executions/{execution}/tasks?limit=200")
    assert [row["result"] for row in tasks["data"]["items"]] == ["yes"] * 3
    stack.api("POST", f"/api/v1/workflow-executions/{execution}/cancel")
    stack.pump()
    assert stack.execution(execution)["status"] == "cancelled"
    _, listed = stack.api("GET", "/api/v1/inquiries?limit=100")
    assert listed["data"]["items"] == []


VARS_BEFORE_A_LIST = """
ref: flows.vars_before_a_list
vars: {mark: m}
tasks:
  - {name: each, action: core.noop, with_items: "{{ range(101) | list }}"}
"""


def test_a_list_in_chunks_begins_in_the_fold_that_sets_the_variables(stack: Any) -> None:
    """DynamoDB refuses a batch in which one item is written twice."""
    graph = compile_workflow(
        load(VARS_BEFORE_A_LIST, "w.yaml"), pack="flows", actions=storage.catalog().actions()
    ).graph
    assert graph and storage.catalog().add_version(WorkflowVersion(graph.ref, 1, graph))
    execution = stack.start(graph.ref)
    stack.pump()
    assert stack.execution(execution)["status"] == "completed"


def main() -> int:
    """Run the measurement with 10,000 items (ten minutes), and with --write put its table into the page."""
    os.environ["ATTUNE_TEST_ITEMS"] = "100,1000,10000"
    return print_measured(__file__, PAGE, BEGIN, END, "--timeout=0")


if __name__ == "__main__":
    raise SystemExit(main())
