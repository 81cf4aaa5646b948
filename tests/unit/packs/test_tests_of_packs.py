"""The packs' own tests pass, in virtual time, and take every way through the example workflows."""

import json
import re
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attune.cli.main import app

PROJECT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def report():
    begun = time.monotonic()
    ended = CliRunner().invoke(app, ["test", str(PROJECT / "packs"), "--json"])
    return json.loads(ended.stdout) | {"exit_code": ended.exit_code, "took": time.monotonic() - begun}


def test_every_test_of_every_pack_passes(report):
    wrong = [(case["file"], case["name"], case["problems"], case["differences"]) for case in report["cases"]]
    assert [row for row, case in zip(wrong, report["cases"], strict=True) if not case["passed"]] == []
    assert report["exit_code"] == 0
    assert report["passed"] == len(report["cases"]) > 25


def test_the_tests_of_the_examples_take_every_transition(report):
    missing = {row["workflow"]: row["missing"] for row in report["coverage"]}
    assert set(missing) >= {"examples.chain5", "examples.diamond", "examples.import_orders"}
    assert {ref: rows for ref, rows in missing.items() if rows} == {}


def test_days_of_waiting_take_no_time(report):
    assert sum(case["elapsed"] for case in report["cases"]) > 3 * 86_400
    assert report["took"] < 20, "a fraction of a second on a quiet machine"


def test_every_action_of_the_core_pack_is_tested_by_itself(report):
    actions = {f"core.{file.stem}" for file in (PROJECT / "packs" / "core" / "actions").glob("*.yaml")}
    assert actions <= {case["subject"] for case in report["cases"]}


def test_the_tests_that_the_documentation_shows_pass_and_take_every_transition(tmp_path):
    page = (PROJECT / "docs" / "how-to" / "test-workflows.md").read_text(encoding="utf-8")
    for path, text in re.findall(r"```yaml\n# (packs/\S+)\n(.*?)```", page, re.DOTALL):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    packs = ["--packs", str(tmp_path / "packs"), "--packs", str(PROJECT / "packs")]
    ended = CliRunner().invoke(app, ["test", str(tmp_path / "packs" / "shop"), *packs])
    shown = page.partition("```text\npacks/shop/tests/order.yaml\n")[2].partition("\n```")[0].splitlines()
    assert [line for line in shown if line not in ended.stdout.splitlines()] == ["4 passed in 20ms"], ended.output
