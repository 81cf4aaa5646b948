"""What tasks cost, in the units that AWS bills: the targets, and that estimates agree with what is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from moto import mock_aws
from moto.sqs import models as sqs

from attune.cli.shape import shape_of
from attune.cli.view import View
from attune.cost import timing
from attune.cost.bill import total
from attune.cost.estimate import estimate
from attune.cost.prices import PRICES, Meter
from attune.execution.answers import to_json
from attune.wiring import functions
from tests.bench.cost import Case, Measured, bench, chain, fan_out, measure

SHORT, LONG = 5, 20


@pytest.fixture(scope="module")
def measured(known_to_all: None) -> Iterator[Any]:
    """Two chains and a fan-out, counted; time is left to the constants, because this machine may be busy."""
    patch = pytest.MonkeyPatch()
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        patch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        patch.setenv(name, "testing")
    patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    patch.setattr(sqs.Queue, "add_message", lambda queue, message: None)  # the bench keeps what is sent
    with mock_aws(), bench({"chain5": chain(SHORT), "chain20": chain(LONG)}) as made:
        cases = [Case("short", "bench.chain5", SHORT, SHORT, SHORT), Case("long", "bench.chain20", LONG, LONG, LONG)]
        yield made, {case.name: measure(made, case) for case in (*cases, fan_out(100), fan_out(250))}
    patch.undo()


def without_time(one: Measured) -> float:
    """Dollars of all that is counted, not measured."""
    return total({meter: units for meter, units in one.usage.items() if meter is not Meter.LAMBDA_TIME})


def test_each_further_task_of_a_chain_costs_4_975_dollars_a_million_beside_time(measured):
    _, cases = measured
    further = (without_time(cases["long"]) - without_time(cases["short"])) / (LONG - SHORT)
    assert further * 1_000_000 == pytest.approx(4.975, abs=0.001)


def test_a_fan_out_costs_less_than_three_dollars_a_million(measured):
    _, cases = measured
    gb_seconds = 100 * (timing.WORKER_CALL + timing.WORKER_ATTEMPT + timing.ADVANCE_CALL)
    dollars = without_time(cases["fan-out(100)"]) + PRICES[Meter.LAMBDA_TIME].of(gb_seconds)
    assert dollars / 100 * 1_000_000 <= 3.0


@pytest.mark.parametrize("name", ["long", "fan-out(100)", "fan-out(250)"])
def test_an_estimate_from_the_records_agrees_with_what_was_counted(measured, name):
    _, cases = measured
    reader, execution = functions.services().reader, cases[name].executions[0]
    shown = (reader.execution(execution), reader.graph(execution).nodes, reader.tasks(execution, 1000, "").items)
    estimated = estimate(shape_of(View(*map(to_json, shown))))
    counted = cases[name].usage
    for meter in (Meter.DYNAMODB_WRITE, Meter.SQS_FIFO, Meter.SQS_STANDARD, Meter.LAMBDA_REQUEST, Meter.EVENTS):
        assert estimated[meter] == pytest.approx(counted[meter], rel=0.03), meter
    timeless = {meter: units for meter, units in estimated.items() if meter is not Meter.LAMBDA_TIME}
    assert total(timeless) == pytest.approx(without_time(cases[name]), rel=0.03)
