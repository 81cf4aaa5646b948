"""Folders of packs: what is found in them, what is refused, and what ``attune validate`` says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from attune.exceptions import InvalidDefinition
from attune.language.files.action_file import compile_action
from attune.language.source import load
from attune.model.action import Runner
from attune.model.rule import Rule, TriggerType
from attune.packs.checker import check
from attune.packs.loader import load_pack, load_packs
from attune.packs.pack import catalogue, compile_pack

ROOT = Path(__file__).parents[3]

ACTION = "runner_type: python\nentry_point: code.py:run\nparameters: {n: {type: integer, required: true}}\n"
WORKFLOW = "tasks: [{name: a, action: shop.buy, input: {n: 1}}]\n"
RULE = "trigger: {type: event, pattern: {source: [x]}}\naction: shop.order\n"
FILES = {
    "pack.yaml": "ref: shop\nlabel: Shop\nversion: '2'\nconfig: {url: {type: string, default: here}, n: {type: "
    "integer}}\n",
    "config.yaml": "n: 5\n",
    "actions/code.py": "def run(n): ...\n",
    "actions/buy.yaml": ACTION,
    "workflows/order.yml": WORKFLOW,
    "rules/on_x.yaml": RULE,
}

Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a pack ``shop`` with these files beside (or instead of) the usual ones; None leaves one out."""

    def write(files: dict[str, str | None] | None = None, name: str = "shop") -> Path:
        for path, text in {**FILES, **(files or {})}.items():
            if text is not None:
                (tmp_path / name / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / name / path).write_text(text)
        return tmp_path / name

    return write


def said(directory: Path) -> list[str]:
    """Problems of a pack, with paths below it."""
    return [str(problem).removeprefix(f"{directory}/") for problem in check([directory])]


def test_a_pack_is_read_whole(make: Make) -> None:
    pack = load_pack(make())
    assert (pack.ref, pack.label, pack.version, pack.problems) == ("shop", "Shop", "2", [])
    assert pack.config == {"url": "here", "n": 5}
    assert pack.actions["shop.buy"].entry_point == "code.py:run"
    assert pack.workflows["shop.order"].data["tasks"][0]["name"] == "a"
    assert pack.rules[0].ref == "shop.on_x"
    assert check([pack.directory]) == []


def test_a_catalogue_has_workflows_as_actions(make: Make) -> None:
    actions = catalogue([load_pack(make())])
    assert {ref: spec.runner for ref, spec in actions.items()} == {
        "shop.buy": Runner.PYTHON,
        "shop.order": Runner.WORKFLOW,
    }


def test_compiling_a_pack_gives_graphs_and_what_is_wrong(make: Make) -> None:
    pack = load_pack(make({"workflows/bad.yaml": "tasks: [{name: a, action: shop.by, input: {n: 1}}]\n"}))
    found = dict(compile_pack(pack, catalogue([pack])))
    assert isinstance(found["shop.bad"], InvalidDefinition)
    order = found["shop.order"]
    assert not isinstance(order, InvalidDefinition)
    assert order.graph.pack_config == {"url": "here", "n": 5}


def test_a_broken_file_hides_none_of_the_others(make: Make) -> None:
    directory = make(
        {
            "actions/broken.yaml": "runner_type: [\n",
            "actions/odd.yaml": "runner_type: pyhton\n",
            "workflows/broken.yaml": "a: b: c\n",
            "workflows/bad.yaml": "tasks: [{name: a, action: shop.by, input: {n: 1}}]\n",
            "rules/broken.yaml": "trigger: {type: evnt}\naction: shop.order\n",
            "rules/nowhere.yaml": RULE.replace("shop.order", "shop.ordre"),
        }
    )
    pack = load_pack(directory)
    assert (set(pack.actions), set(pack.workflows)) == ({"shop.buy"}, {"shop.order", "shop.bad"})
    assert [(line.split(":")[0], line.rpartition("[")[2]) for line in said(directory)] == [
        ("actions/broken.yaml", "yaml-syntax]"),
        ("actions/odd.yaml", "bad-value]"),
        ("rules/broken.yaml", "bad-value]"),
        ("rules/nowhere.yaml", "unknown-action]"),
        ("workflows/bad.yaml", "unknown-action]"),
        ("workflows/broken.yaml", "yaml-syntax]"),
    ]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"pack.yaml": "ref: shopp\n", "config.yaml": None},
         "pack.yaml:1:6: error: the ref 'shopp' is not the name of the pack's folder (the folder is named 'shop') "
         "[bad-ref]"),
        ({"pack.yaml": "labl: x\n", "config.yaml": None},
         "pack.yaml:1:1: error: unknown key 'labl' (did you mean 'label'?) [unknown-key]"),
        ({"config.yaml": "url: x\nn: five\n"}, "config.yaml:2:4: error: n: 'five' is not of type 'integer' "
         "[bad-config]"),
        ({"pack.yaml": "config: {key: {type: string, required: true}}\n", "config.yaml": None},
         "pack.yaml:1:1: warning: 'key' is a required property (write a config.yaml) [missing-config]"),
        ({"actions/buy.yaml": ACTION.replace("code.py", "cod.py")},
         "actions/buy.yaml:2:14: error: there is no file 'cod.py' in the actions folder of the pack [missing-file]"),
        ({"actions/buy.yaml": ACTION.replace("code.py", "../code.py")},
         "actions/buy.yaml:2:14: error: '../code.py:run' cannot be the entry point of a python action (write "
         "file.py:function, relative to the actions folder) [bad-entry-point]"),
        ({"actions/again.yaml": "ref: shop.buy\n" + ACTION},
         "actions/buy.yaml:1:1: error: the ref 'shop.buy' is taken by {shop}/actions/again.yaml [duplicate-ref]"),
        ({"workflows/buy.yaml": "tasks: [{name: a, action: shop.buy, input: {n: 1}}]\n"},
         "workflows/buy.yaml:1:1: error: the ref 'shop.buy' is taken by {shop}/actions/buy.yaml [duplicate-ref]"),
        ({"rules/on_x.yaml": RULE.replace("shop.order", "shop.buy")},
         "rules/on_x.yaml:2:9: error: 'shop.buy' is an action; a rule starts a workflow [not-a-workflow]"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_pack(make: Make, files: dict[str, str | None], expected: str) -> None:
    directory = make(files)
    found = [line for line in said(directory) if "unknown-action" not in line]
    assert found == [expected.replace("{shop}", str(directory))]


def test_packs_are_the_folders_with_a_pack_yaml(make: Make, tmp_path: Path) -> None:
    make()
    make({path: None for path in FILES if path != "pack.yaml"} | {"pack.yaml": "label: B\n"}, name="b")
    (tmp_path / "notes").mkdir()
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "pack.yaml").write_text("label: H\n")
    assert [pack.ref for pack in load_packs(tmp_path)] == ["b", "shop"]
    assert load_packs(tmp_path / "nothing") == []


def test_links_out_of_a_pack_are_refused(make: Make, tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text(WORKFLOW)
    directory = make()
    (directory / "workflows" / "stolen.yaml").symlink_to(tmp_path / "secret.yaml")
    (directory / "actions" / "code.py").unlink()
    (directory / "actions" / "code.py").symlink_to(tmp_path / "secret.yaml")
    assert [line.rpartition("[")[2] for line in said(directory)] == ["missing-file]", "outside-of-pack]"]
    assert "shop.stolen" not in load_pack(directory).workflows


def test_links_out_of_the_folder_of_packs_are_refused(make: Make, tmp_path: Path) -> None:
    make()
    base = tmp_path / "base"
    base.mkdir()
    (base / "shop").symlink_to(tmp_path / "shop")
    assert load_packs(base) == []


def action(text: str) -> str:
    with pytest.raises(InvalidDefinition) as caught:
        compile_action(load(text, "p/actions/x.yaml"), pack="p")
    (problem,) = caught.value.problems
    return str(problem).removeprefix("p/actions/x.yaml:")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("label: x\n", "1:1: error: the key 'runner_type' is missing [missing-key]"),
        ("runner_type: http\n", "1:1: error: an action of runner_type 'http' needs an 'entry_point' [missing-key]"),
        ("runner_type: http\nentry_point: FETCH http://x\n",
         "2:14: error: 'FETCH http://x' cannot be the entry point of a http action (write METHOD url) "
         "[bad-entry-point]"),
        ("runner_type: engine\nentry_point: slep\n",
         "2:14: error: the engine has no built-in 'slep' (did you mean 'sleep'?) [bad-entry-point]"),
        ("runner_type: python\nentry_point: code.py\n",
         "2:14: error: 'code.py' cannot be the entry point of a python action (write file.py:function, relative to the "
         "actions folder) [bad-entry-point]"),
        ("runner_type: python\noutput_schema: {type: strin}\n",
         "2:23: error: there is no type 'strin' (did you mean 'string'?) [bad-schema]"),
    ],
)  # fmt: skip
def test_wrong_actions(text: str, expected: str) -> None:
    assert action(text) == expected


def test_an_action_has_defaults() -> None:
    spec = compile_action(load("runner_type: python\n", "p/actions/x.yaml"), pack="p")
    assert spec is not None
    assert (spec.ref, spec.entry_point, spec.idempotent, spec.timeout) == ("p.x", "x.py:run", True, None)
    assert compile_action(load("runner_type: python\nenabled: false\n", "x.yaml"), pack="p") is None


def test_a_rule_survives_being_stored(make: Make) -> None:
    schedule = "trigger: {type: schedule, schedule: 'cron(0 2 * * ? *)', timezone: Europe/Paris}\naction: shop.order\n"
    rules = load_pack(make({"rules/nightly.yaml": schedule})).rules
    assert [rule.trigger for rule in rules] == [TriggerType.SCHEDULE, TriggerType.EVENT]
    assert [Rule.from_dict(rule.to_dict()) for rule in rules] == list(rules)


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        ("{type: event}", "1:10: error: a trigger of type 'event' needs a 'pattern' [missing-key]"),
        ("{type: event, pattern: {}}", "1:10: error: a trigger of type 'event' needs a 'pattern' [missing-key]"),
        ("{type: schedule}", "1:10: error: a trigger of type 'schedule' needs a 'schedule' [missing-key]"),
        ("{type: schedule, schedule: hourly}", "1:37: error: 'hourly' is no schedule (write rate(5 minutes), "
         "cron(0 2 * * ? *) or at(2030-01-31T08:00:00)) [bad-schedule]"),
        ("{type: schedule, schedule: rate(1 hour), timezone: Europe/Brelin}", "1:61: error: there is no time zone "
         "'Europe/Brelin' (did you mean 'Europe/Berlin'?) [bad-timezone]"),
        ("{type: event, pattern: {source: x}}", "1:42: error: the pattern's 'source' must be a list of values "
         "(write [x]) "
         "[bad-pattern]"),
        ("{type: event, pattern: {source: [x]}, timezone: UTC}", "1:48: error: a trigger of type 'event' has no "
         "'timezone' [unknown-key]"),
    ],
)  # fmt: skip
def test_wrong_triggers(make: Make, trigger: str, expected: str) -> None:
    directory = make({"rules/on_x.yaml": f"trigger: {trigger}\naction: shop.order\n"})
    assert said(directory) == [f"rules/on_x.yaml:{expected}"]


def test_what_a_rule_hands_over_is_checked(make: Make) -> None:
    files: dict[str, str | None] = {
        "workflows/order.yml": "parameters: {n: {type: integer, required: true}}\n" + WORKFLOW,
        "rules/on_x.yaml": RULE + "parameters: {m: '{{ evnt.detail }}'}\n",
    }
    assert said(make(files)) == [
        "rules/on_x.yaml:3:17: error: there is no 'evnt' in templates (did you mean 'event'?) [unknown-name]"
    ]
    files["rules/on_x.yaml"] = RULE + "parameters: {m: '{{ event.detail }}'}\n"
    assert [line.rpartition("[")[2] for line in said(make(files))] == ["missing-input]", "unknown-input]"]


def test_single_files_are_checked_as_what_they_are(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory = make({"workflows/bad.yaml": "tasks: [{name: a, action: shop.by}]\n"})
    assert check([directory / "workflows" / "order.yml", directory / "rules" / "on_x.yaml"]) == []
    assert check([directory / "actions" / "buy.yaml", directory / "pack.yaml"]) != [], "the pack has a bad workflow"
    monkeypatch.chdir(directory / "workflows")
    (problem,) = check([Path("bad.yaml")])
    assert str(problem) == (
        "bad.yaml:1:27: error: there is no action 'shop.by' (did you mean 'shop.buy'?) [unknown-action]"
    )


def test_files_outside_of_packs_are_checked_together(make: Make, tmp_path: Path) -> None:
    packs = make().parent
    folder = tmp_path / "drafts"
    folder.mkdir()
    (folder / "one.yaml").write_text("tasks: [{name: a, action: my.two}, {name: b, action: shop.buy, input: {n: 1}}]\n")
    (folder / "two.yaml").write_text("ref: my.two\ntasks: [{name: a, action: local.one}]\n")
    (folder / "what.yaml").write_text("hello: world\n")
    assert [problem.code for problem in check([folder], [packs])] == ["unknown-file"]
    assert {problem.code for problem in check([folder])} == {"unknown-file", "unknown-action"}


def test_paths_that_are_nothing_are_said_to_be(tmp_path: Path) -> None:
    assert [problem.code for problem in check([tmp_path / "x", tmp_path])] == ["nothing-to-check", "no-such-file"]


def test_our_own_packs_are_without_problems() -> None:
    assert [str(problem) for problem in check([ROOT / "packs", ROOT / "tests" / "fixtures" / "packs"])] == []
