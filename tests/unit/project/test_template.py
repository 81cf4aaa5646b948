"""The template keeps the promises that the code relies on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from tests.template import PROJECT, TEMPLATE, TEXT, default

from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.dead_letter_store import KEPT
from attune.adapters.memory.cloud import ADVANCE, EVENTS, TASKS, TIMERS
from attune.cli.local import StackOutputs
from attune.cli.local.runtime import RUNTIMES

FUNCTIONS = ("Api", "Advance", "RunTask", "OnEvent", "OnTimer", "OnDead", "Sweep")
SQS_MAX_RETENTION = 14 * 24 * 3600
WITHOUT_RESOURCES = {
    "cloudwatch:GetMetricStatistics",
    "secretsmanager:ListSecrets",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "scheduler:ListSchedules",
}
"""Actions that can't be narrowed to a resource."""


@pytest.fixture(scope="module")
def template() -> Any:
    return TEMPLATE


@pytest.fixture(scope="module")
def resources(template: Any) -> Any:
    return template["Resources"]


def of_type(resources: Any, kind: str) -> dict[str, Any]:
    return {name: r["Properties"] for name, r in resources.items() if r["Type"] == kind}


def name_of(given: Any) -> str:
    """The resource in ``!GetAtt X.Arn`` or ``!Ref X``."""
    return str(given.get("Ref") or given["Fn::GetAtt"]).split(".")[0]


def mappings(resources: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each function with each of its SQS events."""
    functions = of_type(resources, "AWS::Serverless::Function").values()
    events = [(f, e) for f in functions for e in f.get("Events", {}).values()]
    return [(f, e["Properties"]) for f, e in events if e["Type"] == "SQS"]


def statements(resources: Any) -> Iterator[dict[str, Any]]:
    """Every statement of every policy of ours."""
    for policy in of_type(resources, "AWS::IAM::ManagedPolicy").values():
        yield from policy["PolicyDocument"]["Statement"]
    for role in of_type(resources, "AWS::IAM::Role").values():
        for policy in role.get("Policies", ()):
            yield from policy["PolicyDocument"]["Statement"]


def as_list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def test_a_batch_can_fail_in_part(resources: Any) -> None:
    assert len(mappings(resources)) == 7
    for _, event in mappings(resources):
        assert event["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
        assert event["BatchSize"] == 10


def test_no_message_comes_back_while_its_function_may_still_run(template: Any, resources: Any) -> None:
    """Lambda refuses a mapping whose queue has a shorter visibility timeout than the function's timeout."""
    usual = template["Globals"]["Function"]["Timeout"]
    for function, event in mappings(resources):
        queue = resources[name_of(event["Queue"])]["Properties"]
        timeout = default(function.get("Timeout", usual))
        assert default(queue["VisibilityTimeout"]) >= timeout


def test_the_lease_of_an_attempt_is_as_long_as_its_message_is_hidden(resources: Any) -> None:
    assert resources["TaskQueue"]["Properties"]["VisibilityTimeout"] == {"Ref": "WorkerTimeout"}
    assert resources["RunTask"]["Properties"]["Timeout"] == {"Ref": "WorkerTimeout"}


def test_every_worked_queue_has_a_dead_letter_queue_of_its_kind_that_keeps_as_long_as_sqs_can(resources: Any) -> None:
    queues = of_type(resources, "AWS::SQS::Queue")
    worked = [name for name in queues if "Dead" not in name]
    assert sorted(worked) == ["AdvanceQueue", "TaskQueue", "TimerQueue"]
    for name in worked:
        dead = queues[name_of(queues[name]["RedrivePolicy"]["deadLetterTargetArn"])]
        assert dead.get("FifoQueue") == queues[name].get("FifoQueue")
        assert dead["MessageRetentionPeriod"] == SQS_MAX_RETENTION


def test_the_simulated_cloud_gives_up_when_the_real_one_does(resources: Any) -> None:
    tries = {
        name: r["RedrivePolicy"]["maxReceiveCount"]
        for name, r in of_type(resources, "AWS::SQS::Queue").items()
        if "RedrivePolicy" in r
    }
    assert tries == {"AdvanceQueue": ADVANCE.receives, "TaskQueue": TASKS.receives, "TimerQueue": TIMERS.receives}
    assert resources["OnEvent"]["Properties"]["EventInvokeConfig"]["MaximumRetryAttempts"] == EVENTS.receives - 1


def test_the_mailboxes_are_ordered_and_deduplicated_per_execution(resources: Any) -> None:
    queue = resources["AdvanceQueue"]["Properties"]
    assert queue["FifoQueue"] is True
    assert queue["ContentBasedDeduplication"] is False
    assert (queue["DeduplicationScope"], queue["FifoThroughputLimit"]) == ("messageGroup", "perMessageGroupId")


def test_what_dies_wakes_on_dead(resources: Any) -> None:
    sources = {name_of(e["Properties"]["Queue"]) for e in resources["OnDead"]["Properties"]["Events"].values()}
    assert sources == {"AdvanceDeadQueue", "TaskDeadQueue", "TimerDeadQueue", "EventDeadQueue"}


def test_the_table_is_what_its_keys_say(resources: Any) -> None:
    table = resources["Table"]["Properties"]
    assert [key["AttributeName"] for key in table["KeySchema"]] == ["PK", "SK"]
    (index,) = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == keys.INDEX
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}


def test_what_lies_in_the_bucket_for_something_that_expires_outlives_it_and_no_more(resources: Any) -> None:
    """By far: a warm function does not write again what it has written before."""
    rules = [rule for rule in resources["Bucket"]["Properties"]["LifecycleConfiguration"]["Rules"] if "Prefix" in rule]
    days = {rule["Prefix"]: rule["ExpirationInDays"] for rule in rules}
    assert days == {"payloads/dead-letters/": 30, "payloads/events/": 30}
    assert min(days.values()) * 86_400 > 2 * KEPT


@pytest.mark.parametrize("name", ["Table", "Bucket"])
def test_data_outlives_the_stack(resources: Any, name: str) -> None:
    assert resources[name]["DeletionPolicy"] == resources[name]["UpdateReplacePolicy"] == "Retain"


def test_every_function_has_a_role_of_its_own(resources: Any) -> None:
    """Without one SAM attaches policies that reach every queue of the account."""
    functions = of_type(resources, "AWS::Serverless::Function")
    assert tuple(functions) == FUNCTIONS
    for name, function in functions.items():
        assert function["Role"] == {"Fn::GetAtt": f"{name}Role.Arn"}
        assert "Policies" not in function


def test_lambda_does_not_stop_an_execution_after_sixteen_rounds(template: Any, resources: Any) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html: it would, unless told not to."""
    assert template["Globals"]["Function"]["RecursiveLoop"] == "Allow"
    assert not [f for f in of_type(resources, "AWS::Serverless::Function").values() if "RecursiveLoop" in f]


def test_policies_name_their_actions_and_resources(resources: Any) -> None:
    for statement in statements(resources):
        actions = as_list(statement["Action"])
        assert all(re.fullmatch(r"\w+:\w{4,}\*?", action) for action in actions)
        assert set(actions) <= WITHOUT_RESOURCES or "*" not in as_list(statement["Resource"])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_who_reads_payloads_is_told_when_one_is_gone(resources: Any, name: str) -> None:
    """Without leave to list, S3 calls it "access denied", which nobody takes for gone."""
    role = resources[f"{name}Role"]["Properties"]
    named = [resources[p["Ref"]]["Properties"] for p in role["ManagedPolicyArns"] if "Ref" in p]
    listed = [s for policy in (*named, *role["Policies"]) for s in policy["PolicyDocument"]["Statement"]]
    actions = {action for statement in listed for action in as_list(statement["Action"])}
    assert {"s3:GetObject", "s3:ListBucket"} <= actions


def test_a_schedule_can_only_post_to_the_timer_queue(resources: Any) -> None:
    (policy,) = resources["ScheduleRole"]["Properties"]["Policies"]
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert (statement["Action"], statement["Resource"]) == ("sqs:SendMessage", {"Fn::GetAtt": "TimerQueue.Arn"})


def test_every_function_and_every_queue_has_an_alarm(resources: Any) -> None:
    alarms = of_type(resources, "AWS::CloudWatch::Alarm").values()
    (watched_queues, watched_functions) = (
        {name_of(d["Value"]) for a in alarms for d in a["Dimensions"] if d["Name"] == kind}
        for kind in ("QueueName", "FunctionName")
    )
    assert watched_functions == set(FUNCTIONS)
    assert watched_queues == set(of_type(resources, "AWS::SQS::Queue"))


def test_the_functions_are_given_what_the_wiring_reads(template: Any, resources: Any) -> None:
    wiring = "".join(file.read_text() for file in (PROJECT / "layers/attune/attune/wiring").iterdir() if file.is_file())
    read = {f"ATTUNE__{name}" for name in re.findall(r'setting\("(\w+)"', wiring)}
    read |= {f"ATTUNE__{name}_QUEUE_URL" for name in re.findall(r'\bqueue\("(\w+)"\)', wiring)}
    environments = [template["Globals"]["Function"], *of_type(resources, "AWS::Serverless::Function").values()]
    given = {name for e in environments for name in e.get("Environment", {}).get("Variables", {})}
    assert {name for name in given if name.startswith("ATTUNE__")} == read


def test_every_parameter_is_described_and_used(template: Any) -> None:
    for name, parameter in template["Parameters"].items():
        assert parameter["Description"]
        assert re.search(rf"!Ref {name}\b", TEXT), f"{name} is not used"


def test_the_runtimes_are_those_that_we_can_build_for(template: Any) -> None:
    assert tuple(template["Parameters"]["Runtime"]["AllowedValues"]) == RUNTIMES
    assert template["Parameters"]["Runtime"]["Default"] == RUNTIMES[-1]


def test_the_outputs_are_those_that_we_read(template: Any) -> None:
    read = {"".join(word.capitalize() for word in f.name.split("_")) for f in fields(StackOutputs)}
    assert set(template["Outputs"]) == read
