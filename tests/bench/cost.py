"""What workflows cost, through the real handlers with boto3 on moto: ``python -m tests.bench.cost``
(or ``make bench-cost``) prints the tables of docs/reference/cost.md and the constants of ``attune.cost.timing``;
``--write`` puts them there.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tools.measured_pages import put

from attune.cost import rivals
from attune.cost.bill import per_million, total
from attune.cost.idle import Deployment, monthly
from attune.cost.prices import AS_OF, PRICES, REGION, Meter
from tests.bench import timing
from tests.bench.stack import Bench, account, deployed, memory, write_pack
from tests.template import RESOURCES

PROJECT = Path(__file__).parents[2]
TIMING = PROJECT / "layers" / "attune" / "attune" / "cost" / "timing.py"
PAGE = PROJECT / "docs" / "reference" / "cost.md"
BEGIN, END = "<!-- cost: begin -->", "<!-- cost: end -->"
SHOWN = (
    *(meter for meter in Meter if meter not in (Meter.S3_PUT, Meter.S3_GET, Meter.SECRETS, Meter.LOGS)),
    Meter.LOGS,
)
"""The rows of the table."""


def chain(length: int) -> str:
    """Tasks one after the other."""
    rows = [
        f"  - {{name: t{n}, action: core.set, input: {{values: {{n: {n}}}}}, on_success: t{n + 1}}}"
        for n in range(1, length)
    ]
    return "\n".join(
        ["tasks:", *rows, f"  - {{name: t{length}, action: core.set, input: {{values: {{n: {length}}}}}}}\n"]
    )


FAN_OUT = """
parameters: {items: {type: integer, required: true}}
tasks:
  - name: each
    action: core.set
    with_items: "{{ range(parameters.items) | list }}"
    input: {values: {n: "{{ item }}"}}
"""
FAILING = "tasks:\n" + "".join(
    f"  - {{name: t{n}, action: core.fail, input: {{message: no, type: busy, retryable: true}},\n"
    f"     retry: {{count: 2, delay: 5}}, on_failure: {f't{n + 1}' if n < 10 else 'noop'}}}\n"
    for n in range(1, 11)
)
APPROVAL = """
tasks:
  - name: ask
    action: core.inquiry
    input: {prompt: May it go on?}
    timeout: 1h
    on_success: go
  - {name: go, action: core.set, input: {values: {n: 1}}}
"""


@dataclass(frozen=True)
class Case:
    """A workflow that is measured: ``executions`` of it at once, with ``tasks`` and ``steps`` (attempts, waits) each.

    ``depth`` of the steps follow one another.
    """

    name: str
    ref: str
    tasks: int
    steps: int
    depth: int
    executions: int = 1
    parameters: Mapping[str, Any] = field(default_factory=dict)
    waits: bool = False

    @property
    def slow(self) -> bool:
        """Too long for a quick look."""
        return self.tasks * self.executions > 1_000

    @property
    def work(self) -> rivals.Work:
        """The same as rivals bill it; results here have some ten bytes."""
        steps = self.steps * self.executions
        return rivals.Work(
            executions=self.executions, steps=steps, depth=self.depth, written=10 * steps, waits=self.waits
        )


def fan_out(items: int) -> Case:
    """So many items side by side."""
    return Case(f"fan-out({items:,})", "bench.fan_out", items, items, 1, parameters={"items": items})


CASES = (
    Case("chain(100)", "bench.chain100", 100, 100, 100),
    fan_out(100),
    fan_out(1_000),
    fan_out(10_000),
    Case("many(200×5)", "bench.chain5", 5, 5, 5, executions=200),
    Case("retries(10×3)", "bench.failing", 10, 30, 30),
    Case("approval(20)", "bench.approval", 2, 2, 2, executions=20, waits=True),
)
WORKFLOWS = {
    "chain100": chain(100),
    "chain5": chain(5),
    "fan_out": FAN_OUT,
    "failing": FAILING,
    "approval": APPROVAL,
}


@dataclass(frozen=True)
class Measured:
    """What all executions of a case used."""

    case: Case
    usage: dict[Meter, float]
    seconds: dict[str, float]
    executions: list[str]
    times: timing.Times = field(default_factory=dict)

    @property
    def tasks(self) -> int:
        """Of all executions."""
        return self.case.tasks * self.case.executions

    @property
    def dollars(self) -> float:
        """Per million tasks."""
        return total(per_million(self.usage, self.tasks))


def measure(bench: Bench, case: Case) -> Measured:
    """Run a case on warm functions (a small fan-out has warmed them) and add up what it used."""
    bench.reset()
    executions = [bench.start(case.ref, **case.parameters) for _ in range(case.executions)]
    bench.pump(answer=case.waits)
    for execution in executions:
        assert bench.execution(execution)["status"] == "completed", case.name
    seconds = bench.seconds
    gb_seconds = sum(taken * memory(name) for name, taken in seconds.items())
    usage = {**bench.units.usage, Meter.LAMBDA_TIME: gb_seconds}
    return Measured(case, usage, seconds, executions, bench.books.times)


@contextlib.contextmanager
def bench(workflows: Mapping[str, str] = WORKFLOWS, *, apart: bool = False) -> Iterator[Bench]:
    """The functions with these workflows registered, warm, on the account that boto3 finds."""
    with tempfile.TemporaryDirectory() as folder:
        packs = Path(folder) / "packs"
        shutil.copytree(PROJECT / "packs", packs, ignore=shutil.ignore_patterns("__pycache__"))
        write_pack(packs / "bench", {"fan_out": FAN_OUT, "chain5": chain(5), **workflows})
        with deployed(packs, apart=apart) as made:
            made.start("bench.chain5")
            made.pump()
            yield made


def page(measured: list[Measured]) -> str:
    """The tables, as Markdown."""
    return "\n\n".join([units_table(measured), rivals_table(measured), idle_table()])


def units_table(measured: list[Measured]) -> str:
    """Dollars per million tasks, by what is billed."""
    lines = ["| billed | " + " | ".join(one.case.name for one in measured) + " |", "|---|" + "--:|" * len(measured)]
    for meter in SHOWN:
        cells = [f"{PRICES[meter].of(per_million(one.usage, one.tasks).get(meter, 0)):.2f}" for one in measured]
        if meter is Meter.LOGS:
            lines.append("| **all** | " + " | ".join(f"**{one.dollars:.2f}**" for one in measured) + " |")
        lines.append(f"| {meter}{', beside' if meter is Meter.LOGS else ''} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


RIVALS: tuple[tuple[str, Callable[[rivals.Work], float | None]], ...] = (
    ("Step Functions Standard", rivals.standard),
    ("Step Functions Express", rivals.express),
    ("Lambda durable functions", rivals.durable),
)


def rivals_table(measured: list[Measured]) -> str:
    """The same work elsewhere."""
    lines = ["| dollars | " + " | ".join(one.case.name for one in measured) + " |", "|---|" + "--:|" * len(measured)]
    lines.append("| Attune | " + " | ".join(f"{one.dollars:.2f}" for one in measured) + " |")
    for name, price in RIVALS:
        dollars = [(price(one.case.work), one.tasks) for one in measured]
        cells = ["–" if amount is None else f"{amount * 1_000_000 / tasks:.2f}" for amount, tasks in dollars]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def deployment() -> Deployment:
    """What stands in template.yaml and costs when nothing runs."""
    mapped = [
        event["Properties"]["Queue"]["Fn::GetAtt"].removesuffix(".Arn")
        for resource in RESOURCES.values()
        for event in (resource.get("Properties", {}).get("Events") or {}).values()
        if event["Type"] == "SQS"
    ]
    fifo = sum(bool(RESOURCES[queue]["Properties"].get("FifoQueue")) for queue in mapped)
    alarms = sum(resource["Type"] == "AWS::CloudWatch::Alarm" for resource in RESOURCES.values())
    keys = sum(resource["Type"] == "AWS::KMS::Key" for resource in RESOURCES.values())
    return Deployment(fifo, len(mapped) - fifo, alarms, keys)


def idle_table() -> str:
    """Dollars a month when nothing runs."""
    rows = monthly(deployment())
    lines = ["| a month, with nothing running | dollars |", "|---|--:|"]
    lines += [f"| {what} | {dollars:.2f} |" for what, dollars in rows]
    return "\n".join([*lines, f"| **all** | **{sum(dollars for _, dollars in rows):.2f}** |"])


def _measured(made: Bench, cases: list[Case]) -> list[Measured]:
    """All of them, slow ones last; Ctrl-C leaves out what has not been measured by then."""
    done: dict[str, Measured] = {}
    with contextlib.suppress(KeyboardInterrupt):
        for case in sorted(cases, key=lambda case: case.slow):
            begun = time.monotonic()
            done[case.name] = one = measure(made, case)
            took = time.monotonic() - begun
            print(f"{case.name}: {one.dollars:.2f} dollars a million, {took:.0f} s", file=sys.stderr, flush=True)
    return [done[case.name] for case in cases if case.name in done]


def _together(measured: list[Measured]) -> timing.Times:
    """The times of all cases."""
    together: dict[tuple[str, int], list[float]] = {}
    for one in measured:
        for call, taken in one.times.items():
            together.setdefault(call, []).extend(taken)
    return together


def main() -> int:
    """Run the measurement, and with --write put its tables into the page."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--write", action="store_true", help="put the tables and constants into docs and package")
    arguments.add_argument("--only", default="", metavar="NAME", help="only the cases whose name begins so")
    arguments.add_argument("--quick", action="store_true", help="leave out what takes ten minutes")
    given = arguments.parse_args()
    with account(), bench(apart=True) as made:
        chosen = [case for case in CASES if case.name.startswith(given.only) and not (given.quick and case.slow)]
        measured = _measured(made, chosen)
    made_page = f"{BEGIN}\n{page(measured)}\n{END}"
    print(f"{made_page}\n\nprices of {REGION}, {AS_OF}; CPU of the functions per task, in ms:")
    for one in measured:
        print(f"  {one.case.name:15}", {name: round(s / one.tasks * 1000, 2) for name, s in one.seconds.items()})
    constants = timing.constants(_together(measured))
    print("CPU of a call, in ms:", {name: round(seconds * 1000, 2) for name, seconds in constants.items()})
    if given.write:
        timing.put(TIMING, constants)
        put(PAGE, BEGIN, END, made_page)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
