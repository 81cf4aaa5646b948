"""Counts the AWS calls of workflows: the real handlers, real boto3 calls, on moto.

``python -m tests.integration.test_calls`` prints the table of docs/reference/cost.md; ``--write`` puts it there.
Receiving and deleting messages is done by the event source mappings, not by our code: one request a batch, which the
harness counts (empty receives cost only when nothing happens, and are left out).
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tools.measured_pages import print_measured

from tests.integration.queues import hold

PROJECT = Path(__file__).parents[2]
PAGE = PROJECT / "docs" / "reference" / "cost.md"
BEGIN, END = "<!-- calls: begin -->", "<!-- calls: end -->"
CASES: list[tuple[str, str, dict[str, Any], int]] = [
    ("chain of 20", "flows.chain20", {}, 20),
    ("fan-out of 100", "flows.fan_out", {"items": 100}, 100),
]


def run(stack: Any, ledger: Any, ref: str, parameters: dict[str, Any]) -> Counter[tuple[str, str]]:
    """The calls of one execution of ``advance`` and ``run_task``, on warm functions."""
    for warm in (True, False):
        execution = stack.start(ref, **parameters)
        ledger.reset()
        batches = stack.pump()
        calls: Counter[tuple[str, str]] = Counter(ledger.counts)
        assert stack.execution(execution)["status"] == "completed"
        if warm:
            continue
    for (service, operation), _ in list(calls.items()):
        if (service, operation) in {("sqs", "ReceiveMessage"), ("sqs", "DeleteMessageBatch")}:
            del calls[service, operation]
    calls["sqs", "ReceiveMessage (by the mapping)"] = batches
    calls["sqs", "DeleteMessageBatch (by the mapping)"] = batches
    calls["lambda", "Invoke (by the mapping)"] = batches
    return calls


def table(columns: dict[str, tuple[Counter[tuple[str, str]], int]]) -> str:
    """Calls per task, by service and operation, as Markdown."""
    rows = sorted({call for counts, _ in columns.values() for call in counts})
    lines = ["| service | operation | " + " | ".join(columns) + " |", "|---|---|" + "--:|" * len(columns)]
    for service, operation in rows:
        cells = [f"{counts[service, operation] / tasks:.2f}" for counts, tasks in columns.values()]
        lines.append(f"| {service} | {operation} | " + " | ".join(cells) + " |")
    totals = [f"**{sum(counts.values()) / tasks:.2f}**" for counts, tasks in columns.values()]
    return "\n".join([*lines, "| | **all** | " + " | ".join(totals) + " |"])


def test_calls_per_task(stack: Any, ledger: Any, clients: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chain stays at eleven calls a task and a bit, a fan-out at three; printed with -s."""
    from attune.execution import worker
    from attune.wiring import process

    # A busy machine must not look like slow actions, whose ends are reported one by one.
    monkeypatch.setattr(worker, "REPORT_EVERY", 60.0)
    for service in ("dynamodb", "sqs", "s3", "events", "scheduler"):
        ledger.attach(process.client(service))
    hold(stack, monkeypatch)
    columns = {name: (run(stack, ledger, ref, parameters), tasks) for name, ref, parameters, tasks in CASES}
    print("\n" + BEGIN + "\n" + table(columns) + "\n" + END)
    per_task = {name: sum(counts.values()) / tasks for name, (counts, tasks) in columns.items()}
    assert per_task["chain of 20"] < 11.5
    assert per_task["fan-out of 100"] < 3.1


def main() -> int:
    """Run the measurement, and with --write put its table into the page."""
    return print_measured(__file__, PAGE, BEGIN, END)


if __name__ == "__main__":
    raise SystemExit(main())
