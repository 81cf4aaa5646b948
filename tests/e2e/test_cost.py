"""What an execution has cost, as the command line reads it from a deployed stack."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from attune.cli.main import app
from attune.cost.estimate import BATCH
from tests.e2e.conftest import Api


def test_the_cost_of_a_long_list_counts_all_its_items_and_the_states_of_its_chunks(api: Api) -> None:
    ended = api.run("flows.fan_out", items=120, within=180)
    assert ended["status"] == "completed", ended
    token = api.http.headers["authorization"].removeprefix("Bearer ")
    command = ["cost", ended["id"], "--url", str(api.http.base_url), "--token", token, "--json"]
    answer = CliRunner().invoke(app, command)
    assert answer.exit_code == 0, answer.output
    cost = json.loads(answer.output)
    assert cost["attempts"] == 120
    billed = {line["what"]: line["units"] for line in cost["billed"]}
    assert billed["DynamoDB write units"] > 2 * 120 + 120 / BATCH + ended["state_version"]
    assert billed["EventBridge events"] == 1, "a chunk's end is none of an execution"
    assert cost["dollars_per_million_attempts"] == pytest.approx(2, abs=1)
