"""``attune new``: what it writes is sound as it is, and it overwrites nothing."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from attune.cli.main import app
from attune.packs.loader import load_pack

PACKS = Path(__file__).parents[3] / "packs"


@pytest.fixture
def attune(tmp_path, monkeypatch):
    """Run the command in an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ATTUNE__PACKS_BASE_DIR", raising=False)
    return lambda *words: CliRunner().invoke(app, [str(word) for word in words])


def everything(folder):
    return {path.relative_to(folder): path.read_text() for path in folder.rglob("*") if path.is_file()}


def test_a_new_pack_is_valid_its_tests_pass_and_take_every_transition(attune):
    made = attune("new", "pack", "shop")
    assert made.exit_code == 0, made.output
    assert attune("validate", "packs").stdout == "no problems\n"
    tested = attune("test")
    assert tested.exit_code == 0, tested.output
    assert "100%" in tested.stdout and "never" not in tested.stdout
    ran = attune("run", "shop.hello", "-p", "who=you")
    assert "hello, hello, you, again" in ran.stdout


def test_it_has_an_action_a_workflow_a_rule_that_is_off_and_tests(attune, tmp_path):
    attune("new", "pack", "shop")
    pack = load_pack(tmp_path / "packs" / "shop")
    assert (list(pack.actions), list(pack.workflows)) == (["shop.greet"], ["shop.hello"])
    assert [(rule.ref, rule.action, rule.enabled) for rule in pack.rules] == [("shop.nightly", "shop.hello", False)]


@pytest.mark.parametrize("kind", ["action", "workflow", "rule"])
def test_what_is_added_to_a_pack_is_sound_too(attune, kind):
    attune("new", "pack", "shop")
    made = attune("new", kind, "more-of_it")
    assert made.exit_code == 0, made.output
    assert attune("validate", "packs").stdout == "no problems\n"
    tested = attune("test")
    assert tested.exit_code == 0, tested.output
    assert ("more-of_it.yaml" in tested.stdout) == (kind != "rule")


def test_a_workflow_in_a_pack_without_the_new_packs_action_uses_the_core_pack(attune, tmp_path):
    (tmp_path / "packs" / "old").mkdir(parents=True)
    (tmp_path / "packs" / "old" / "pack.yaml").write_text("ref: old\n")
    attune("new", "workflow", "first")
    both = ("--packs", "packs", "--packs", PACKS)
    assert attune("validate", "packs/old", *both).stdout == "no problems\n"
    assert attune("test", "packs/old", *both).exit_code == 0


def test_a_rule_fills_in_what_its_workflow_needs(attune, tmp_path):
    attune("new", "pack", "shop")
    made = attune("new", "rule", "imports", "--workflow", "examples.import_orders", "--packs", "packs")
    assert "there is no workflow 'examples.import_orders'" in made.stderr
    (tmp_path / "packs" / "shop" / "workflows" / "needy.yaml").write_text(
        "parameters: {key: {type: string, required: true}}\ntasks: [{name: a, action: shop.greet}]\n"
    )
    assert attune("new", "rule", "imports", "--workflow", "shop.needy").exit_code == 0
    assert 'key: "{{ event.detail.key }}"' in (tmp_path / "packs/shop/rules/imports.yaml").read_text()
    assert attune("validate", "packs/shop/rules/imports.yaml").stdout == "no problems\n"


def test_nothing_is_overwritten(attune, tmp_path):
    attune("new", "pack", "shop")
    (tmp_path / "packs/shop/tests/order.yaml").write_text("mine\n")
    before = everything(tmp_path)
    for words in (
        ("pack", "shop"),
        ("workflow", "hello"),
        ("action", "greet"),
        ("rule", "nightly"),
        ("workflow", "order"),
    ):
        ended = attune("new", *words)
        assert ended.exit_code == 2, words
        assert "is there already" in ended.stderr
    assert everything(tmp_path) == before


@pytest.mark.parametrize("name", ["1st", "a b", "../up", "a.b", ""])
def test_what_cannot_be_a_name_is_refused(attune, tmp_path, name):
    assert attune("new", "pack", name).exit_code == 2
    assert everything(tmp_path) == {}


def test_where_the_pack_is_not_clear_it_must_be_named(attune):
    assert "there is no folder packs" in attune("new", "workflow", "x").stderr
    attune("new", "pack", "one")
    attune("new", "pack", "two")
    ended = attune("new", "workflow", "x")
    assert (ended.exit_code, "there are one, two" in ended.stderr) == (2, True)
    assert attune("new", "workflow", "x", "--pack", "two").exit_code == 0
    assert "there is no pack 'three'" in attune("new", "workflow", "x", "--pack", "three").stderr


def test_every_file_points_an_editor_at_a_schema_that_attune_schema_writes(attune, tmp_path):
    attune("new", "pack", "shop")
    attune("schema", "--workspace", "-o", ".attune/schemas")
    files = list((tmp_path / "packs").rglob("*.yaml"))
    assert len(files) == 6
    for file in files:
        line = file.read_text().splitlines()[0]
        schema = file.parent / line.removeprefix("# yaml-language-server: $schema=")
        assert schema.resolve().is_file(), line
