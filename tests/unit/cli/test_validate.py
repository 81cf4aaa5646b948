"""``attune validate --format``: the same findings for people, programs, code scanning and GitHub."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from attune.cli.main import app
from attune.cli.render.annotations import github, sarif
from attune.exceptions import Location, Problem, Severity

PACKS = Path(__file__).parents[3] / "packs"
BROKEN = """tasks:
  - {name: a, action: core.ecko}
  - {name: b, action: core.noop, join: all}
"""


@pytest.fixture
def validate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Validate a broken file of a relative name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "flow.yaml").write_text(BROKEN)
    return lambda *words: CliRunner().invoke(app, ["validate", "flow.yaml", "--packs", str(PACKS), *words])


def test_text_is_what_is_written_unless_asked_otherwise(validate: Callable[..., Any]) -> None:
    assert validate("--format", "text").stdout == validate().stdout
    assert validate().stdout.endswith("1 error, 1 warning\n")


def test_json_is_what_the_short_option_gives(validate: Callable[..., Any]) -> None:
    assert json.loads(validate("--format", "json").stdout) == json.loads(validate("--json").stdout)


def test_sarif_has_a_result_for_each_problem_and_a_rule_for_each_code(validate: Callable[..., Any]) -> None:
    ended = validate("--format", "sarif")
    assert ended.exit_code == 1
    (run,) = json.loads(ended.stdout)["runs"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["needless-join", "unknown-action"]
    first, second = run["results"]
    assert first == {
        "ruleId": "unknown-action",
        "ruleIndex": 1,
        "level": "error",
        "message": {"text": "there is no action 'core.ecko' (did you mean 'core.echo'?)"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "flow.yaml"},
                    "region": {"startLine": 2, "startColumn": 23},
                }
            }
        ],
    }
    assert (second["level"], second["ruleIndex"]) == ("warning", 0)


def test_github_has_a_command_for_each_problem(validate: Callable[..., Any]) -> None:
    ended = validate("--format", "github")
    assert ended.exit_code == 1
    assert ended.stdout.splitlines() == [
        "::error file=flow.yaml,line=2,col=23,title=unknown-action::"
        "there is no action 'core.ecko' (did you mean 'core.echo'?)",
        "::warning file=flow.yaml,line=3,col=34,title=needless-join::"
        "task 'b' has fewer than two sources, so its join means nothing",
    ]


def test_what_means_something_in_a_github_command_is_escaped() -> None:
    problem = Problem("bad", "100%\nof it: a, b", Location("a,b:c.yaml", 1, 2), hint=None, severity=Severity.WARNING)
    assert github(problem) == "::warning file=a%2Cb%3Ac.yaml,line=1,col=2,title=bad::100%25%0Aof it: a, b"


def test_sarif_of_nothing_is_a_run_without_results() -> None:
    (run,) = sarif([])["runs"]
    assert (run["results"], run["tool"]["driver"]["rules"]) == ([], [])


def test_sarif_names_files_outside_of_the_project_by_a_whole_address() -> None:
    (run,) = sarif([Problem("bad", "it is", Location("/tmp/a b.yaml"))])["runs"]  # noqa: S108
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "file:///tmp/a%20b.yaml"


def test_a_form_that_is_none_is_wrong_usage(validate: Callable[..., Any]) -> None:
    assert validate("--format", "xml").exit_code == 2


BAD_TEST = """workflow: shop.flow
cases:
  - {name: one, expcet: {}}
  - {name: one, timeline: [{at: 1s}]}
"""


@pytest.mark.parametrize("target", ["packs", "packs/shop", "packs/shop/tests/t.yaml"])
def test_a_packs_tests_are_checked_too(tmp_path: Path, validate: Callable[..., Any], target: str) -> None:
    for name, text in {"pack.yaml": "ref: shop\n", "tests/t.yaml": BAD_TEST}.items():
        file = tmp_path / "packs" / "shop" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    ended = CliRunner().invoke(app, ["validate", target])
    assert ended.exit_code == 1
    places = [line.split(": ")[0].removeprefix("packs/shop/tests/") for line in ended.stdout.splitlines()[:-1]]
    assert places == ["t.yaml:3:17", "t.yaml:4:12", "t.yaml:4:28"], ended.stdout
    assert "unknown key 'expcet'" in ended.stdout and "[bad-moment]" in ended.stdout
    assert CliRunner().invoke(app, ["validate", str(PACKS)]).stdout == "no problems\n"
