"""The stack as it stands after `sam deploy`, before anything runs on it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import httpx

from attune.cli.local import LocalCloud, StackOutputs
from tests.e2e.conftest import Api


def test_the_http_api_reaches_the_api_function(stack: StackOutputs) -> None:
    """Whatever the function answers, API Gateway found it, and it didn't crash."""
    assert httpx.get(f"{stack.api_url}/api/v1/workflow-executions").status_code in {200, 401}


def test_every_output_names_something(stack: StackOutputs) -> None:
    assert all(getattr(stack, f.name) for f in fields(stack))


def test_every_mapping_polls_its_queue(stack: StackOutputs, aws: Callable[[str], Any]) -> None:
    """A MaximumConcurrency that isn't a number would stop the poller."""
    mappings = aws("lambda").list_event_source_mappings()["EventSourceMappings"]
    limits = [m["ScalingConfig"]["MaximumConcurrency"] for m in mappings if m.get("ScalingConfig")]
    assert len(mappings) == 7
    assert sorted(limits) == [8, 100]


def test_sweep_may_do_what_it_does(stack: StackOutputs, api: Api, aws: Callable[[str], Any]) -> None:
    """Its role is enforced here: it reads what has not ended, and the lengths of queues, and writes down its notes."""
    execution = api.start("flows.approval")
    answer = aws("lambda").invoke(FunctionName=stack.sweep_function, Payload=b"{}")
    swept = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, swept
    assert swept["repairs"] == {}
    sweep = next(check for check in api.get("/api/v1/checkup")["checks"] if check["name"] == "sweep")
    assert sweep["ok"], sweep
    api.post(f"/api/v1/workflow-executions/{execution}/cancel")


def test_deploying_the_same_again_does_nothing(
    cloud: LocalCloud, stack: StackOutputs, parameters: dict[str, str], aws: Callable[[str], Any]
) -> None:
    def history() -> list[str]:
        return [e["EventId"] for e in aws("cloudformation").describe_stack_events(StackName="attune")["StackEvents"]]

    before = history()
    assert cloud.deploy(parameters) == stack
    assert history() == before
