"""The JSON Schemas: they describe every key, accept what the validator accepts, and catch what an editor can catch."""

import json
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from attune.cli.main import app
from attune.language.editor_schema import templated
from attune.language.files.json_schemas import KINDS, json_schema
from attune.language.source import load
from attune.packs.loader import load_packs
from attune.packs.pack import catalogue

PROJECT = Path(__file__).parents[3]
PACKS = PROJECT / "packs"
FOLDERS = {"workflows": "workflow", "actions": "action", "rules": "rule", "sensors": "sensor", "tests": "test"}
FILES = [
    (FOLDERS.get(file.parent.name, "pack"), file)
    for folder in (PACKS, PROJECT / "tests" / "fixtures" / "packs")
    for file in sorted(folder.rglob("*.yaml"))
    if file.parent.name in KINDS or file.name == "pack.yaml"
]


@pytest.fixture(scope="module")
def workspace():
    packs = [*load_packs(PACKS), *load_packs(PROJECT / "tests" / "fixtures" / "packs")]
    return {kind: json_schema(kind, catalogue(packs).values()) for kind in KINDS}


def wrong(schema, text):
    data = load(text, "x.yaml").data
    return [error.json_path for error in jsonschema.Draft7Validator(schema).iter_errors(data)]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one_and_every_key_of_it_is_described(kind):
    schema = json_schema(kind)
    jsonschema.Draft7Validator.check_schema(schema)
    for name, part in {"": schema, **schema.get("$defs", {})}.items():
        for key, rule in part.get("properties", {}).items():
            assert rule.get("description"), f"{name}.{key} needs a line in key_descriptions.py"


@pytest.mark.parametrize(("kind", "file"), FILES, ids=[str(file.relative_to(PROJECT)) for _, file in FILES])
def test_every_file_of_ours_fits_its_schema_with_and_without_the_workspace(kind, file, workspace):
    text = file.read_text(encoding="utf-8")
    assert wrong(json_schema(kind), text) == []
    assert wrong(workspace[kind], text) == []


TASK = "tasks: [{{name: a, action: core.echo, {}}}]"
GOOD = [
    TASK.format("timeout: 1h30m, retry: {count: 1, delay: 0.5, max_delay: 5m}"),
    TASK.format("on_success: fail, on_failure: [noop, fail], when: true"),
    TASK.format("with_items: '{{ x }}', tolerate_failures: 10%, join: each"),
    TASK.format("publish: whole, publish_on_failure: [a, {b: 1}], next: [{do: noop, publish: {a: 1}}]"),
    TASK.format("decision: [{when: '{{ x }}', next: noop}, {default: noop}]"),
    "tasks: [{name: a, type: parallel, tasks: [{name: b, action: core.echo}]}]",
    "tasks: [{name: a, type: loop, while: '{{ x }}', max_iterations: 3, tasks: [{name: b, action: core.echo}]}]",
    "parameters: {type: {type: string}, n: {type: [number, 'null'], required: true, secret: true, default: 1}}\n"
    + TASK.format(""),
    "parameters: {type: object, properties: {type: {type: string}}, required: [type]}\n" + TASK.format(""),
    "tasks: [{name: a, action: '{{ parameters.x }}', input: {any: thing}}]",
    "tasks: [{name: a, action: core.sleep, input: {seconds: '{{ x }}'}}]",
    "tasks: [{name: a, action: core.set, input: {values: '{{ x }}'}}]",
    "tasks: [{name: a, action: core.set, input: {'{{ key }}': 1, values: {}}}]",
    "tasks: [{name: a, action: aws.s3_get, input: {bucket: b, key: k, format: '{{ x }}'}}]",
]
BAD = [
    (TASK.format("tiemout: 1"), "$.tasks[0]"),
    (TASK.format("timeout: soon"), "$.tasks[0].timeout"),
    (TASK.format("retry: {delay: 1}"), "$.tasks[0].retry"),
    (TASK.format("retry: {count: 0}"), "$.tasks[0].retry.count"),
    (TASK.format("on_success: 3"), "$.tasks[0].on_success"),
    (TASK.format("join: some"), "$.tasks[0].join"),
    (TASK.format("with_items: text"), "$.tasks[0].with_items"),
    (TASK.format("tolerate_failures: many"), "$.tasks[0].tolerate_failures"),
    ("tasks: []", "$.tasks"),
    ("ref: a.b", "$"),
    ("parameters: {a: {required: 'yes'}}\n" + TASK.format(""), "$.parameters.a.required"),
]
BAD_IN_WORKSPACE = [
    ("tasks: [{name: a, action: core.eco}]", "$.tasks[0].action"),
    ("tasks: [{name: a, action: core.sleep}]", "$.tasks[0]"),
    ("tasks: [{name: a, action: core.sleep, input: {}}]", "$.tasks[0].input"),
    ("tasks: [{name: a, action: core.echo, input: {mesage: x}}]", "$.tasks[0].input"),
    ("tasks: [{name: a, action: aws.s3_get, input: {bucket: b, key: 7}}]", "$.tasks[0].input.key"),
    ("tasks: [{name: a, action: aws.s3_get, input: {bucket: b, key: k, format: xml}}]", "$.tasks[0].input.format"),
]


@pytest.mark.parametrize("text", GOOD)
def test_what_may_be_written_fits(text, workspace):
    assert wrong(json_schema("workflow"), text) == []
    assert wrong(workspace["workflow"], text) == []


@pytest.mark.parametrize(("text", "where"), BAD)
def test_what_may_not_does_not_fit_at_its_place(text, where):
    assert wrong(json_schema("workflow"), text) == [where]


@pytest.mark.parametrize(("text", "where"), BAD_IN_WORKSPACE)
def test_a_workspace_knows_its_actions_and_what_they_are_given(text, where, workspace):
    assert wrong(json_schema("workflow"), text) == []
    assert wrong(workspace["workflow"], text) == [where]


def test_rules_and_tests_know_the_workflows_of_a_workspace(workspace):
    rule = "trigger: {type: schedule, schedule: rate(1 day)}\n"
    good = rule + "action: examples.import_orders\nparameters: {bucket: b, key: '{{ event.detail.key }}'}"
    assert wrong(workspace["rule"], good) == []
    assert wrong(workspace["rule"], good.replace("bucket", "buckt")) == ["$.parameters", "$.parameters"]
    assert wrong(workspace["rule"], rule + "action: core.echo") == ["$.action"]
    sensor = "event_type: X\nschedule: rate(1 day)\naction: core.echo\nparameters: "
    assert wrong(workspace["sensor"], sensor + "{message: '{{ cursor }}'}") == []
    assert wrong(workspace["sensor"], sensor + "{mesage: x}") == ["$.parameters"]
    assert wrong(workspace["test"], "workflow: examples.diamnd\ncases: [{name: a}]") == ["$.workflow"]
    bounds = (
        "workflow: examples.diamond\ncases: [{name: a, expect: {elapsed: {min: 1h}}}, {name: b, expect: {elapsed: 3}}]"
    )
    assert wrong(workspace["test"], bounds) == []


def test_templates_may_stand_for_any_value_but_a_text_is_a_text_already():
    assert templated({"type": "string", "description": "d"}) == {"type": "string", "description": "d"}
    inside = templated({"type": "array", "items": {"type": "integer"}, "description": "d"})
    assert inside["description"] == "d"
    check = jsonschema.Draft7Validator(inside).is_valid
    assert [check(value) for value in ([1, "{{ x }}"], "{{ x }}", ["x"], "x")] == [True, True, False, False]


def test_the_command_prints_one_all_or_writes_files(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = CliRunner().invoke
    assert json.loads(run(app, ["schema", "workflow"]).stdout) == json_schema("workflow")
    assert list(json.loads(run(app, ["schema"]).stdout)) == list(KINDS)
    ended = run(app, ["schema", "--workspace", "--packs", str(PACKS), "-o", "s"])
    assert ended.stdout.split() == [f"s/{kind}.json" for kind in KINDS]
    assert "core.echo" in (tmp_path / "s" / "workflow.json").read_text()


@pytest.mark.parametrize("file", sorted(PACKS.rglob("*.yaml")), ids=lambda file: str(file.relative_to(PACKS)))
def test_every_file_of_a_pack_names_the_schema_that_it_fits_where_attune_schema_writes_it(file, workspace):
    text = file.read_text(encoding="utf-8")
    marker, _, schema = text.splitlines()[0].partition("$schema=")
    assert marker == "# yaml-language-server: "
    place = (file.parent / schema).resolve()
    assert (place.parent, place.suffix) == (PROJECT / ".attune" / "schemas", ".json")
    assert wrong(workspace[place.stem], text) == []
