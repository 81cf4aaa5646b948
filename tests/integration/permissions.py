"""What the functions' roles in template.yaml allow, held against what the functions call.

moto lets everybody do everything. So each call that a function makes is looked up in the policies of its role, by
action and by the resource that it is for, as far as the call names one of ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from typing import Any

from tests.template import RESOURCES, properties

ACTIONS = {
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:CopyObject": ("s3:GetObject", "s3:PutObject", "s3:PutObjectTagging"),
    "sqs:SendMessageBatch": ("sqs:SendMessage",),
    "lambda:Invoke": ("lambda:InvokeFunction",),
}
"""Operations that are allowed by actions of other names. (Ours copies objects onto themselves, with a tag.)"""
BESIDES = {
    "s3:GetObject": ("s3:ListBucket", "Bucket.Arn"),
    "scheduler:CreateSchedule": ("iam:PassRole", "ScheduleRole.Arn"),
    "scheduler:UpdateSchedule": ("iam:PassRole", "ScheduleRole.Arn"),
}
"""What else an operation needs: who may not list is told "access denied" for an object that is gone, and a schedule is
given its role."""
_HERE = "${AWS::Region}:${AWS::AccountId}"
SCHEDULES = f"arn:${{AWS::Partition}}:scheduler:{_HERE}:schedule/${{ScheduleGroup}}/*"
SECRETS = f"arn:${{AWS::Partition}}:secretsmanager:{_HERE}:secret:${{AWS::StackName}}/*"
LEADING_KEYS = "dynamodb:LeadingKeys"


@dataclass(frozen=True)
class Call:
    """One request: the action that allows it, the resource as a policy names it, and the partitions that it writes."""

    action: str
    resource: str | None
    partitions: tuple[str, ...] = ()


def _table(params: Mapping[str, Any]) -> str:
    return "${Table.Arn}/index/by_listing" if "IndexName" in params else "Table.Arn"


def _bucket(params: Mapping[str, Any]) -> str:
    return "${Bucket.Arn}/payloads/*" if params.get("Key", "").startswith("payloads/") else "Bucket.Arn"


def _schedule(params: Mapping[str, Any]) -> str:
    return SCHEDULES if "Name" in params else "*"


def _secret(params: Mapping[str, Any]) -> str:
    return SECRETS if {"Name", "SecretId"} & params.keys() else "*"


@dataclass
class Guard:
    """Notes what a function called that its role doesn't allow; ``queues`` are the names of queues by their URLs."""

    queues: Mapping[str, str]
    running: str = ""
    refused: list[str] = field(default_factory=list)

    def watch(self, session: Any) -> None:
        """Look at what the clients of this botocore session ask for."""
        session.register("provide-client-params", self._asked)

    def guarded(self, function: str, handler: Callable[..., Any]) -> Callable[..., Any]:
        """The handler, watched."""

        def watched(event: Any, context: Any) -> Any:
            self.running = function
            try:
                return handler(event, context)
            finally:
                self.running = ""

        return watched

    def _asked(self, params: Mapping[str, Any], model: Any, **_: Any) -> None:
        if self.running:
            calls = self._calls(model.service_model.service_name, model.name, params)
            self.refused += (f"{self.running}: {call}" for call in calls if not is_allowed(self.running, call))

    def _calls(self, service: str, operation: str, params: Mapping[str, Any]) -> Iterator[Call]:
        name = f"{service}:{operation}"
        item = params.get("Item", {}).get("PK", {}) if service == "dynamodb" else {}
        for action in ACTIONS.get(name, (name,)):
            yield Call(action, self._resource(service, params), tuple(item.values()))
        if name in BESIDES:
            yield Call(*BESIDES[name])

    def _resource(self, service: str, params: Mapping[str, Any]) -> str | None:
        find: dict[str, Callable[[Mapping[str, Any]], str | None]] = {
            "dynamodb": _table,
            "s3": _bucket,
            "sqs": lambda given: self.queues[given["QueueUrl"]],
            "events": lambda _: "EventBus.Arn",
            "lambda": lambda _: "OnEvent.Arn",
            "kms": lambda _: "SecretsKey.Arn",
            "scheduler": _schedule,
            "secretsmanager": _secret,
        }
        return find[service](params) if service in find else None


@cache
def statements(function: str) -> tuple[Mapping[str, Any], ...]:
    """All that the role of a function (``run_task``) says."""
    role = RESOURCES[properties(function)["Role"]["Fn::GetAtt"].removesuffix(".Arn")]["Properties"]
    managed = [policy["Ref"] for policy in role["ManagedPolicyArns"] if "Ref" in policy]
    documents = [RESOURCES[policy]["Properties"]["PolicyDocument"] for policy in managed]
    documents += [policy["PolicyDocument"] for policy in role["Policies"]]
    return tuple(statement for document in documents for statement in document["Statement"])


def is_allowed(function: str, call: Call) -> bool:
    """Whether the role of a function says so, and nothing in it forbids it."""
    effects = {statement["Effect"] for statement in statements(function) if _speaks_of(statement, call)}
    return effects == {"Allow"}


def _speaks_of(statement: Mapping[str, Any], call: Call) -> bool:
    keys = statement.get("Condition", {}).get("ForAllValues:StringEquals", {}).get(LEADING_KEYS)
    return (
        any(fnmatch(call.action, action) for action in _listed(statement["Action"]))
        and (call.resource is None or bool({call.resource, "*"} & set(_resources(statement))))
        and (keys is None or set(call.partitions) <= set(keys))
    )


def _listed(given: Any) -> list[Any]:
    return given if isinstance(given, list) else [given]


def _resources(statement: Mapping[str, Any]) -> Iterator[str]:
    for resource in _listed(statement["Resource"]):
        yield from resource.values() if isinstance(resource, dict) else [resource]
