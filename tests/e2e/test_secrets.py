"""Values and secrets on the deployed stack, its policies enforced: who may read a secret reads it, and nobody else."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from attune.cli.local import StackOutputs
from tests.e2e.conftest import Api

NAMED, GIVEN = 'k3y "quoted" & söme', "p4rameter+text=="


def test_a_secret_reaches_its_action_and_is_in_no_item_reply_or_log_line(
    api: Api, aws: Callable[[str], Any], stack: StackOutputs
) -> None:
    assert api.http.put("/api/v1/kv/hush.url", json={"value": "http://hush"}).status_code == 200
    for _ in range(2):
        answer = api.http.put("/api/v1/secrets/hush.api", json={"value": NAMED})
        assert answer.status_code == 200, answer.text
    assert api.get("/api/v1/secrets")["items"] == ["hush.api"]

    ended = api.run("hush.main", within=120, token=GIVEN)
    assert ended["status"] == "completed", ended
    assert ended["parameters"] == {"token": "***", "who": "api"}
    assert ended["output"]["named"]["token"] == ended["output"]["below"]["token"] == "***"
    assert ended["output"]["named"]["url"] == "http://hush"
    assert [item["status"] for item in ended["output"]["items"]] == ["completed", "failed", "failed", "failed"]

    items = [
        item
        for page in aws("dynamodb").get_paginator("scan").paginate(TableName=stack.table_name)
        for item in page["Items"]
    ]
    pages = aws("logs").get_paginator("filter_log_events").paginate(logGroupName=stack.log_group_name)
    lines = [event["message"] for page in pages for event in page["events"]]
    assert any("token ***" in line for line in lines), "the action has printed it"
    everything = json.dumps([items, lines, api.tasks(ended["id"]), ended], default=repr, ensure_ascii=False)
    for secret in (NAMED, GIVEN):
        assert secret not in everything
        assert json.dumps(secret, ensure_ascii=False)[1:-1] not in everything
    assert api.http.delete("/api/v1/secrets/hush.api").status_code == 200


def test_the_functions_that_advance_and_answer_may_not_read_secrets(
    aws: Callable[[str], Any], stack: StackOutputs
) -> None:
    """As their roles say, for every policy that is attached to them."""
    functions = {name: getattr(stack, f"{name}_function") for name in ("api", "advance", "run_task")}
    allowed = {name: _actions(aws, function) for name, function in functions.items()}
    reading = {"secretsmanager:GetSecretValue", "kms:Decrypt"}
    assert {name for name, actions in allowed.items() if actions & reading} == {"run_task"}
    assert not {action for action in allowed["advance"] if action.startswith(("secretsmanager:", "kms:"))}


def _actions(aws: Callable[[str], Any], function: str) -> set[str]:
    role = aws("lambda").get_function_configuration(FunctionName=function)["Role"].rpartition("/")[2]
    iam, documents = aws("iam"), []
    for name in iam.list_role_policies(RoleName=role)["PolicyNames"]:
        documents.append(iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"])
    for policy in iam.list_attached_role_policies(RoleName=role)["AttachedPolicies"]:
        try:
            version = iam.get_policy(PolicyArn=policy["PolicyArn"])["Policy"]["DefaultVersionId"]
        except ClientError:
            pytest.fail(f"{policy['PolicyArn']} cannot be read")
        document = iam.get_policy_version(PolicyArn=policy["PolicyArn"], VersionId=version)
        documents.append(document["PolicyVersion"]["Document"])
    statements = [row for document in documents for row in document["Statement"] if row["Effect"] == "Allow"]
    return {
        action
        for row in statements
        for action in ([row["Action"]] if isinstance(row["Action"], str) else row["Action"])
    }
