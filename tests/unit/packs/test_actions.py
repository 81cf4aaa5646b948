"""Every action of every pack: its YAML, its file and its function fit together."""

import ast
import inspect
import time
from pathlib import Path

import pytest
import yaml

from attune.actions.attempt import Attempt, OutcomeStatus
from attune.actions.loading import load_function
from attune.actions.runner import ActionRunner
from attune.language.files.action_file import compile_action
from attune.language.source import load
from attune.model.action import Runner
from attune.model.schema import schema_error

ROOT = Path(__file__).parents[3]
SHIPPED, FIXTURES = ROOT / "packs", ROOT / "tests" / "fixtures" / "packs"
FILES = [path for base in (SHIPPED, FIXTURES) for path in sorted(base.glob("*/actions/*.yaml"))]


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def spec(path):
    """The action as its YAML describes it."""
    return compile_action(load(path.read_bytes(), str(path)), pack=path.parts[-3])


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_an_action_is_described_as_it_is(path):
    data, action = read(path), spec(path)
    assert data["ref"] == f"{path.parts[-3]}.{path.stem}" and data["label"]
    assert schema_error(action.parameters) is None
    if action.runner is Runner.PYTHON:
        signature = inspect.signature(load_function(path.parents[2], action)).parameters
        described, taken = set(action.parameters["properties"]), set(signature) - {"context"}
        needed = {name for name in taken if signature[name].default is inspect.Parameter.empty}
        assert needed <= described <= taken


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*")) + sorted(FIXTURES.glob("*")), ids=lambda path: path.name)
def test_a_pack_has_the_ref_of_its_folder(path):
    if path.is_dir():
        assert read(path / "pack.yaml")["ref"] == path.name


def outcome_of(ref, given, config=None):
    pack, name = ref.split(".")
    action = spec(FIXTURES / pack / "actions" / f"{name}.yaml")
    attempt = Attempt(
        execution_id="exec-1",
        workflow="w.x",
        task="t",
        index=None,
        visit=1,
        number=1,
        action=action,
        input=given,
        timeout=20,
        pack_config=config or {},
    )
    ((_, outcome),) = ActionRunner(FIXTURES).run([attempt], deadline=time.monotonic() + 30)
    return outcome


def test_every_action_of_deploy_application_is_there():
    workflow = read(FIXTURES / "my_pack" / "workflows" / "deploy_application.yaml")
    known = {read(path)["ref"] for folder in (SHIPPED, FIXTURES) for path in folder.glob("*/actions/*.yaml")}
    assert {task["action"] for task in workflow["tasks"]} <= known


RECORD = {"app_name": "shop", "version": "1.2", "environment": "dev"}


def test_the_health_check_is_where_the_pack_config_says():
    outcome = outcome_of("my_pack.create_deployment_record", RECORD, {"health_base_url": "http://127.0.0.1:9/"})
    assert outcome.result["health_url"] == "http://127.0.0.1:9/health/shop"
    assert outcome.result["id"] == "shop-1.2-dev"


def test_the_health_check_may_be_in_a_file_that_the_config_names(tmp_path):
    (tmp_path / "url").write_text("http://127.0.0.1:8\n")
    outcome = outcome_of("my_pack.create_deployment_record", RECORD, {"health_base_url_file": str(tmp_path / "url")})
    assert outcome.result["health_url"] == "http://127.0.0.1:8/health/shop"


def test_without_a_place_for_the_health_check_no_deployment_is_recorded():
    assert outcome_of("my_pack.create_deployment_record", RECORD).error["type"] == "not_configured"


@pytest.mark.parametrize(
    ("ref", "given", "type_"),
    [
        ("docker.build_and_push", {"app_name": "unbuildable", "version": "1", "registry": "r"}, "build_failed"),
        ("kubernetes.apply_deployment", {"app_name": "undeployable", "image": "i", "replicas": 3}, "image_pull_failed"),
        ("kubernetes.wait_for_ready", {"deployment": "unready", "timeout": 300}, "not_ready"),
    ],
)
def test_an_applications_name_makes_a_step_fail(ref, given, type_):
    assert outcome_of(ref, given).error["type"] == type_


def test_flaky_fails_as_often_as_told(tmp_path):
    given = {"fail_times": 2, "path": str(tmp_path / "calls")}
    ends = [outcome_of("faults.flaky", given) for _ in range(3)]
    failed, completed = OutcomeStatus.FAILED, OutcomeStatus.COMPLETED
    assert [end.status for end in ends] == [failed, failed, completed]
    assert ends[2].result == 3


PUBLIC = {"attune.actions": {"ActionError", "Context", "aws", "http_request", "lambda_function"}}
"""What the files of packs may import from; of what is not listed by name, everything."""
PUBLIC_MODULES = {"attune.actions.aws", "attune.actions.http_request", "attune.actions.lambda_function"}


@pytest.mark.parametrize(
    "path",
    sorted(base for root in (SHIPPED, FIXTURES) for base in root.glob("*/actions/*.py")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_the_files_of_packs_import_of_attune_only_what_is_public(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("attune"):
            names = {alias.name for alias in node.names}
            assert node.module in PUBLIC_MODULES or names <= PUBLIC.get(node.module, set()), ast.unparse(node)
