"""Every feature that the language promises, in the words of its documents, runs on the simulator as they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.conftest import PROJECT, Ended, Failure, World, action

from attune.language.compiler import compile_workflow, interface
from attune.language.source import load
from attune.model.status import ExecutionStatus

FILES = {path.stem: path.read_text() for path in sorted((PROJECT / "tests/fixtures/features").glob("*.yaml"))}
ACTIONS = [
    action(ref)
    for ref in (
        "postgres.health_check", "redis.ping", "rabbitmq.cluster_status", "cloud.deploy_instance", "data.transform",
        "http.post", "ml.train_model", "core.echo",
    )
]  # fmt: skip
LATE = Failure(timeout=True)
SHOWN = {
    "message": "SHOP",
    "path": "/srv/logs",
    "config": {"debug": True},
    "payload": '{"a":[1,null]}',
    "regions": [{"name": "eu", "enabled": True}],
    "first_region": "eu",
    "count": 3,
    "batches": [list(range(100)), list(range(100, 200)), list(range(200, 250))],
    "status": "completed",
    "url": "https://db.local",
    "ternary": "deployed",
    "flag": False,
    "secret": "t0ken",
    "who": "simulator",
}


@dataclass(frozen=True)
class Case:
    """A feature, what is done with it, and what must come of it."""

    feature: str
    ran: list[str]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    script: Mapping[str, Any] = field(default_factory=dict)
    answer: Any = None
    output: Any = None
    status: ExecutionStatus = ExecutionStatus.COMPLETED


WARNED = {"human_decision": ["no-on-skip"]}
CHECKS = ["check_database", "check_redis", "check_rabbitmq"]
REGIONS = {"regions": ["eu", "us"], "records": list(range(250))}
DEPLOYED = [{"region": region, "instance_type": "small"} for region in REGIONS["regions"]]
CASES = {
    "checks side by side, then the deployment": Case(
        "parallel",
        [*CHECKS, "deploy_app"],
        script={"check_redis": "pong"},
        output={"checks": {"check_database": {}, "check_redis": "pong", "check_rabbitmq": {}}},
    ),
    "one failed check of three ends in the abortion, after all three": Case(
        "parallel",
        [*CHECKS, "abort_deployment"],
        script={"check_redis": Failure()},
        output={"checks": {"check_database": {}, "check_redis": None, "check_rabbitmq": {}}},
    ),
    "regions one by one, records by the hundred": Case(
        "iteration",
        ["deploy_to_regions"] * 2 + ["process_large_dataset"] * 3 + ["verify_deployments"],
        REGIONS,
        output={"deployed": DEPLOYED, "batches": 3, "processed": 250},
    ),
    "no records at all": Case(
        "iteration",
        ["deploy_to_regions", "verify_deployments"],
        {"regions": ["eu"]},
        output={"deployed": DEPLOYED[:1], "batches": 0, "processed": 0},
    ),
    "approved": Case("human_decision", ["deploy_app"], {"environment": "production"}, answer={"approved": True}),
    "refused": Case("human_decision", ["cancel_deployment"], {"environment": "production"}, answer={"approved": False}),
    "nobody is asked outside production": Case("human_decision", [], {"environment": "staging"}),
    "nobody answers": Case("human_decision", [], {"environment": "production"}, status=ExecutionStatus.FAILED),
    "first branch": Case("decision", ["require_approval"], {"environment": "production"}),
    "second branch": Case("decision", ["run_tests"], {"environment": "staging"}),
    "default branch": Case("decision", ["deploy_directly"], {"environment": "test"}),
    "a call that works the third time": Case(
        "error_handling", ["flaky_api_call"] * 3 + ["process_response"], script={"flaky_api_call": [LATE, LATE, {}]}
    ),
    "a call that never works": Case(
        "error_handling", ["flaky_api_call"] * 6 + ["log_error"], script={"flaky_api_call": LATE}
    ),
    "an error that is not to be retried": Case(
        "error_handling", ["flaky_api_call", "log_error"], script={"flaky_api_call": Failure()}
    ),
    "a training that takes too long": Case(
        "timeout", ["long_running_task", "cleanup_and_notify"], script={"long_running_task": LATE}
    ),
    "a training that is in time": Case("timeout", ["long_running_task"]),
    "a workflow calls another": Case(
        "sub_workflow",
        ["create", "deploy_application"],
        {"app_name": "shop"},
        output={"stack": "shop-staging in eu-central-1"},
    ),
    "one after the other": Case("simple_sequence", ["task1", "task2"]),
}


class Documented(World):
    """A world in which every feature's workflow is registered."""

    def __init__(self, script: Mapping[str, Any]) -> None:
        super().__init__(*FILES.values(), script=script, actions=ACTIONS)

    def play(self, case: Case) -> Ended:
        """Start it, answer what is asked, and run to the end."""
        ref = load(FILES[case.feature], case.feature).data["ref"]
        execution = self.start(ref, case.parameters)
        if case.answer is not None:
            self.run(until=self.clock.now())
            self.answer(execution, "require_approval", case.answer)
        self.run()
        return self.ended(execution)


@pytest.mark.parametrize("name", CASES)
def test_a_documented_feature_runs_as_documented(name: str) -> None:
    case = CASES[name]

    ended = Documented(case.script).play(case)

    assert (ended.status, sorted(ended.ran)) == (case.status, sorted(case.ran)), ended.error
    assert ended.output == case.output
    assert ended.ran[-1:] == case.ran[-1:]


def test_every_template_of_the_documents_gives_what_they_say() -> None:
    world = Documented({})
    world.secrets.put("api.credentials.token", "t0ken")
    regions = [{"name": "eu", "enabled": True}, {"name": "us", "enabled": False}]
    parameters = {"app_name": " shop ", "all_regions": regions, "regions": ["eu", "us"]}
    ended = world.play(Case("templates", ["deploy", "show"], parameters))
    assert ended.status is ExecutionStatus.COMPLETED, ended.error

    shown = dict(world.runner.ran[-1].input)
    execution, _, instant = shown.pop("run").partition(" at ")
    assert shown == SHOWN
    assert execution == ended.execution
    assert instant.startswith("20")


@pytest.mark.parametrize("name", FILES)
def test_a_documented_feature_compiles_without_a_word_but_for_what_it_leaves_open(name: str) -> None:
    known = World(actions=ACTIONS).catalog.actions()
    for text in FILES.values():
        spec = interface(load(text, "other.yaml"), "features")
        known[spec.ref] = spec
    source = load(FILES[name], name)
    problems = compile_workflow(source, pack=source.data["ref"].split(".")[0], actions=known).problems
    assert [problem.code for problem in problems] == WARNED.get(name, [])
