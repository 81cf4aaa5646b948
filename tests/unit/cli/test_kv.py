"""``attune kv``, against a small HTTP server that answers as the API does; ``attune run`` with values and secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.unit.cli.conftest import Stack
from typer.testing import CliRunner

from attune.cli.main import app

PACKS = Path(__file__).parents[3] / "packs"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    made = Stack()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ATTUNE_URL", made.url)
    monkeypatch.setenv("ATTUNE_TOKEN", "t0ken")
    yield made
    made.server.shutdown()
    made.server.server_close()


def attune(*words: Any, given: str | None = None) -> Any:
    return CliRunner().invoke(app, [str(word) for word in words], input=given)


@pytest.mark.parametrize(
    ("words", "given", "value"),
    [
        (["5"], None, 5),
        (["some text"], None, "some text"),
        (['{"a": [1]}'], None, {"a": [1]}),
        (["5", "--text"], None, "5"),
        ([], "from stdin\n", "from stdin"),
        (["-"], "[1]", [1]),
        (["--file", "value.json"], None, {"b": 2}),
    ],
)
def test_a_value_comes_from_the_argument_a_file_or_standard_input(
    stack: Any, tmp_path: Path, words: list[str], given: str | None, value: Any
) -> None:
    (tmp_path / "value.json").write_text('{"b": 2}\n')
    stack.on("PUT", "/kv/a.b", {"key": "a.b", "created": True})
    ended = attune("kv", "set", "a.b", *words, given=given)
    assert (ended.exit_code, ended.stdout) == (0, "value created: a.b\n"), ended.output
    assert stack.asked == [("PUT", "/kv/a.b", "", {"value": value})]


def test_a_secret_is_text_and_is_not_printed(stack: Any) -> None:
    stack.on("PUT", "/secrets/a.b", {"name": "a.b", "created": False})
    ended = attune("kv", "set", "--secret", "a.b", given="12345\n")
    assert (ended.exit_code, ended.output) == (0, "secret changed: a.b\n")
    assert stack.asked == [("PUT", "/secrets/a.b", "", {"value": "12345"})]


def test_a_value_is_printed_as_text_or_json(stack: Any) -> None:
    stack.on("GET", "/kv/t", {"key": "t", "value": "a text"})
    stack.on("GET", "/kv/n", {"key": "n", "value": {"a": 1}})
    assert attune("kv", "get", "t").stdout == "a text\n"
    assert json.loads(attune("kv", "get", "n").stdout) == {"a": 1}
    assert json.loads(attune("kv", "get", "t", "--json").stdout) == {"key": "t", "value": "a text"}
    assert attune("kv", "get", "missing").exit_code == 2


def test_keys_and_names_are_listed_page_by_page_and_removed(stack: Any) -> None:
    stack.on("GET", "/kv", {"items": ["a.1"], "cursor": "two"}, {"items": ["a.2"], "cursor": None})
    stack.on("GET", "/secrets", {"items": ["b", "a"], "cursor": None})
    assert attune("kv", "ls", "a.").stdout == "a.1\na.2\n"
    assert stack.asked[-1][2] == "prefix=a.&limit=200&cursor=two"
    assert attune("kv", "ls", "--secret").stdout == "a\nb\n"
    stack.on("DELETE", "/kv/a", {"key": "a"})
    stack.on("DELETE", "/secrets/a", {"name": "a"})
    assert attune("kv", "rm", "a").stdout == attune("kv", "rm", "a", "--secret").stdout == "removed: a\n"
    assert [path for _, path, _, _ in stack.asked[-2:]] == ["/kv/a", "/secrets/a"]


def test_both_a_value_and_a_file_are_refused(stack: Any) -> None:
    ended = attune("kv", "set", "a", "1", "--file", "x")
    assert (ended.exit_code, stack.asked) == (2, [])
    assert attune("kv", "set", "a", "--file", "nowhere").exit_code == 2


WORKFLOW = """
ref: my.w
parameters: {pin: {type: string, secret: true}}
tasks:
  - name: a
    action: core.echo
    input: {message: "{{ kv.get('n') + 1 }} {{ kv.get_secret('s') }} {{ parameters.pin }}"}
  - {name: b, action: core.echo, input: {message: "{{ kv.get('n') + 1 }}"}}
output_map: ["{{ task.a.result.message }}", "{{ task.b.result.message }}"]
"""


def test_the_simulator_is_given_values_and_secrets_and_shows_no_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    (tmp_path / "secret.txt").write_text("from-a-file\n")
    given = ["--kv", "n=41", "--secret", "s=@secret.txt", "-p", "pin=987654"]
    ended = attune("run", "w.yaml", "--packs", PACKS, *given, "--json")
    assert ended.exit_code == 0, ended.output
    assert json.loads(ended.stdout)["output"] == ["***", 42]
    assert "from-a-file" not in ended.output
    assert "987654" not in ended.output


@pytest.mark.parametrize("wrong", [["--secret", "hunter22"], ["--kv", "=1"], ["--secret", "s=@nowhere"]])
def test_what_is_no_pair_is_not_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: list[str]) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.yaml").write_text(WORKFLOW)
    ended = attune("run", "w.yaml", "--packs", PACKS, *wrong)
    assert ended.exit_code == 2
    assert "hunter22" not in ended.output
