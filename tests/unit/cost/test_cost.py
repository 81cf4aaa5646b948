"""Units, prices and estimates; and that the figures of docs/reference/cost.md follow from them."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import pytest
from tests.bench.cost import CASES, RIVALS, chain, deployment
from tests.bench.stack import memory
from tests.bench.timing import constants, put
from typer.testing import CliRunner

from attune.cli.main import app
from attune.cost import prices, rivals, timing
from attune.cost.bill import lines, per_million, total
from attune.cost.estimate import Shape, Tried, estimate
from attune.cost.idle import Deployment, monthly
from attune.cost.prices import PRICES, Meter
from attune.cost.units import chunks, index_units, item_size, read_units, write_units
from attune.testing.blank import blank

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "cost.md").read_text(encoding="utf-8")
MARK = """ref: mine.mark
label: Mark
description: Leaves a file.
runner_type: python
entry_point: mark.py:run
parameters: {}
output_schema: {type: object, properties: {at: {type: string}}, required: [at]}
"""
MARKED = """ref: local.w
label: W
tasks:
  - name: mark
    action: mine.mark
output_map: {at: "{{ task.mark.result.at }}"}
"""
KEYED = {"GSI1PK": {"S": "a"}, "GSI1SK": {"S": "b"}}


@pytest.mark.parametrize(("before", "after", "units"), [(0, 0, 1), (0, 1024, 1), (0, 1025, 2), (3000, 10, 3)])
def test_a_write_is_billed_by_the_larger_of_what_was_and_what_is(before, after, units):
    assert write_units(before, after) == units


@pytest.mark.parametrize(("size", "units"), [(0, 1), (4096, 1), (4097, 2)])
def test_a_read_is_billed_by_four_kilobytes_and_half_of_that_if_it_may_be_stale(size, units):
    assert read_units(size) == units
    assert read_units(size, consistent=False) == units / 2


def test_requests_are_billed_by_64_kilobytes():
    assert [chunks(size) for size in (0, 65_536, 65_537)] == [1, 1, 2]


def test_an_items_size_counts_names_and_values():
    assert item_size({"PK": {"S": "ä"}, "n": {"N": "-123.5"}}) == 2 + 2 + 1 + 3
    assert item_size(None) == 0


@pytest.mark.parametrize(
    ("before", "after", "units"),
    [
        (None, KEYED, 1),
        (KEYED, KEYED, 0),
        (KEYED, KEYED | {"GSI1PK": {"S": "c"}}, 2),
        (KEYED, None, 1),
        ({}, {"GSI1PK": {"S": "a"}}, 0),
    ],
)
def test_an_index_is_written_when_an_entry_comes_goes_or_moves(before, after, units):
    assert index_units(before, after, ("GSI1PK", "GSI1SK")) == units


def test_every_meter_has_a_price_with_a_source_and_the_list_a_date():
    assert set(PRICES) == set(Meter)
    assert all(price.source.startswith("https://") for price in PRICES.values())
    assert all(price.seen.startswith("https://") for price in PRICES.values() if price.seen)
    assert date.fromisoformat(prices.AS_OF)
    assert date.fromisoformat(timing.AS_OF)


def test_logs_stand_beside_the_total():
    usage = {Meter.LOGS: 1.0, Meter.LAMBDA_REQUEST: 1_000_000.0}
    assert total(usage) == pytest.approx(0.20)
    assert [line.meter for line in lines(usage)] == [Meter.LAMBDA_REQUEST, Meter.LOGS]


def test_rivals_bill_a_chain_of_a_hundred_by_their_lists():
    work = rivals.Work(executions=1, steps=100, depth=100)
    assert rivals.standard(work) * 10_000 == pytest.approx(25.0)
    assert rivals.durable(work) * 10_000 == pytest.approx(8.08)
    express = (1.00 + 10 * 64 / 1024 * 16.67) / 1_000_000
    assert rivals.express(work) == pytest.approx(express)


def test_express_workflows_neither_wait_nor_run_for_long():
    assert rivals.express(rivals.Work(executions=1, steps=2, depth=2, waits=True)) is None
    assert rivals.express(rivals.Work(executions=1, steps=4000, depth=4000)) is None


def test_an_idle_queue_is_polled_five_times_every_twenty_seconds():
    polls, alarms, keys = monthly(Deployment(fifo_queues=0, standard_queues=1, alarms=3, keys=1))
    assert polls[1] == pytest.approx(5 * 3 * 60 * 24 * 30 * 0.40 / 1_000_000)
    assert alarms[1] == pytest.approx(0.30)
    assert keys[1] == pytest.approx(1.00)


def test_the_memory_of_the_functions_is_that_of_the_template():
    assert memory("advance") == timing.ADVANCE_GB
    assert memory("run_task") == timing.WORKER_GB
    assert {memory(name) for name in ("api", "on_event", "on_timer")} == {timing.OTHER_GB}


def test_a_child_costs_what_any_execution_does_but_for_the_api():
    alone = Shape([Tried(10, 10)], saves=2, tasks=1)
    child = Shape([Tried(10, 10)], saves=2, tasks=1, started=False)
    family = estimate(Shape([], saves=2, tasks=1, children=[child]))
    assert family[Meter.HTTP_API] == 1
    assert family[Meter.DYNAMODB_WRITE] > estimate(alone)[Meter.DYNAMODB_WRITE]


def test_a_large_result_costs_the_units_of_its_kilobytes():
    small, large = (estimate(Shape([Tried(10, size)], saves=2, tasks=1)) for size in (10, 5000))
    assert large[Meter.DYNAMODB_WRITE] - small[Meter.DYNAMODB_WRITE] == 5


def rows(title: str) -> dict[str, list[str]]:
    """The rows of the table whose head begins so, by their first cell."""
    table = PAGE[PAGE.index(f"| {title} |") :].split("\n\n")[0].splitlines()
    cells = [[cell.strip(" *") for cell in re.split(r"(?<!\\)\|", row)[1:-1]] for row in table if row.startswith("|")]
    return {row[0]: row[1:] for row in cells if not set(row[1]) <= set("-:")}


def test_the_chain_of_the_docs_is_what_an_estimate_says():
    table = rows("billed")
    column = table["billed"].index("chain(100)")
    estimated = per_million(estimate(Shape([Tried(30, 12)] * 100, saves=101, tasks=100)), 100)
    for meter in (Meter.DYNAMODB_WRITE, Meter.SQS_FIFO, Meter.SQS_STANDARD, Meter.LAMBDA_REQUEST, Meter.EVENTS):
        assert float(table[meter][column]) == pytest.approx(PRICES[meter].of(estimated[meter]), abs=0.011), meter


def test_the_totals_of_the_docs_are_the_sums_of_their_columns():
    table = rows("billed")
    for column, whole in enumerate(table["all"]):
        parts = [row[column] for name, row in table.items() if name not in ("billed", "all") and "beside" not in name]
        assert float(whole) == pytest.approx(sum(map(float, parts)), abs=0.05)
        assert table["all"][column] == rows("dollars")["Attune"][column]


def test_the_rivals_and_the_idle_bill_of_the_docs_are_computed():
    table = rows("dollars")
    cases = {case.name: case for case in CASES}
    for position, name in enumerate(table["dollars"]):
        case = cases[name]
        for rival, price in RIVALS:
            dollars = price(case.work)
            per_task = dollars and dollars * 1_000_000 / (case.tasks * case.executions)
            assert table[rival][position] == ("–" if per_task is None else f"{per_task:.2f}")
    idle = rows("a month, with nothing running")
    for what, dollars in monthly(deployment()):
        assert idle[what] == [f"{dollars:.2f}"]


def test_the_estimate_of_a_file_is_printed_and_is_json_if_asked(tmp_path):
    file = tmp_path / "w.yaml"
    file.write_text("ref: local.w\n" + chain(3))
    runner = CliRunner()
    packs = str(Path(__file__).parents[3] / "packs")
    shown = runner.invoke(app, ["cost", "--estimate", str(file), "--packs", packs])
    assert shown.exit_code == 0, shown.output
    assert "per attempt" in shown.output
    assert re.search(r"Step Functions Standard +0.0000750 +75.00", shown.output)
    answer = json.loads(runner.invoke(app, ["cost", "--estimate", str(file), "--packs", packs, "--json"]).output)
    assert answer["attempts"] == 3
    assert answer["dollars"] == pytest.approx(sum(line["dollars"] for line in answer["billed"]))
    assert 4.975 < answer["dollars_per_million_attempts"] < 12
    assert answer["elsewhere"]["Step Functions Standard"] == pytest.approx(3 * 25e-6)
    assert answer["elsewhere"]["Lambda durable functions"] == pytest.approx(4 * 8e-6, abs=1e-6)


def test_an_estimate_runs_no_action_unless_it_is_told_to(tmp_path):
    runner, marker = CliRunner(), tmp_path / "marker"
    actions = tmp_path / "packs" / "mine" / "actions"
    actions.mkdir(parents=True)
    (tmp_path / "packs" / "mine" / "pack.yaml").write_text("ref: mine\nlabel: M\nversion: 1.0.0\ndescription: M\n")
    (actions / "mark.py").write_text(f"def run():\n    open({str(marker)!r}, 'w').close()\n    return {{'at': 'x'}}\n")
    (actions / "mark.yaml").write_text(MARK)
    file = tmp_path / "w.yaml"
    file.write_text(MARKED)
    command = ["cost", "--estimate", str(file), "--packs", str(tmp_path / "packs"), "--json"]
    mocked = runner.invoke(app, command)
    assert json.loads(mocked.output)["attempts"] == 1, mocked.output
    assert not marker.exists()
    runner.invoke(app, [*command, "--run"])
    assert marker.exists()


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({}, {}),
        ({"type": "object", "properties": {"a": {"type": "string"}, "b": {"enum": [2, 3]}}}, {"a": "", "b": 2}),
        ({"type": ["array", "null"], "minItems": 2, "items": {"type": "integer"}}, [0, 0]),
        ({"type": "number", "default": 1.5}, 1.5),
    ],
)
def test_a_blank_result_has_the_form_of_the_schema(schema, value):
    assert blank(schema) == value


def test_a_cost_is_of_an_execution_or_of_a_workflow():
    for arguments in (["cost"], ["cost", "x", "--estimate", "y"]):
        assert CliRunner().invoke(app, arguments).exit_code == 2


def test_the_constants_of_the_time_are_what_calls_and_attempts_took(tmp_path):
    times = {
        ("advance", 1): [0.005, 0.004, 0.9, 0.8],
        ("run_task", 1): [0.015],
        ("run_task", 10): [0.105],
        ("api", 0): [0.00876],
        ("on_event", 0): [0.003],
        ("on_timer", 1): [0.002],
    }
    page = tmp_path / "timing.py"
    page.write_text(
        "AS_OF = 'x'\nWORKER_CALL = 1\nWORKER_ATTEMPT = 2\nADVANCE_MESSAGE = 3\nADVANCE_CALL = 4\nAPI_CALL = 5\n"
    )
    put(page, constants(times))
    lines = page.read_text().splitlines()
    assert lines[1:] == [
        "WORKER_CALL = 0.005",
        "WORKER_ATTEMPT = 0.01",
        "ADVANCE_MESSAGE = 3",
        "ADVANCE_CALL = 0.005",
        "API_CALL = 0.0088",
    ]
    assert date.fromisoformat(lines[0].removeprefix("AS_OF = ").strip('"'))


def test_a_constant_that_was_not_measured_stays():
    assert constants({("run_task", 1): [0.004], ("advance", 10): [0.1]}) == {}
