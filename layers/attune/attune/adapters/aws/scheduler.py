"""The few calls we make to EventBridge Scheduler."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from attune.adapters.aws.failures import calling, code_of
from attune.exceptions import InvalidRequest


@dataclass(frozen=True, slots=True)
class Target:
    """A queue that schedules send to, and the role that lets them."""

    arn: str
    role_arn: str


class Scheduler:
    """One schedule group; all its schedules send a message to one queue.

    Raises InvalidRequest for an expression that is not taken: AWS checks more than emulators do.
    """

    def __init__(self, client: Any, group: str, target: Target) -> None:
        self._client, self._group, self._target = client, group, target

    def create(self, name: str, expression: str, body: str, **more: Any) -> bool:
        """Make a schedule; False if there is one of that name."""
        return self._call("create_schedule", "ConflictException", **self._request(name, expression, body, more))

    def update(self, name: str, expression: str, body: str, **more: Any) -> bool:
        """Change a schedule to this; False if there is none of that name."""
        return self._call("update_schedule", "ResourceNotFoundException", **self._request(name, expression, body, more))

    def delete(self, name: str) -> bool:
        """Remove a schedule; False if there was none."""
        return self._call("delete_schedule", "ResourceNotFoundException", Name=name, GroupName=self._group)

    def names(self, prefix: str) -> Iterator[str]:
        """The schedules whose names begin so."""
        request: dict[str, Any] = {"GroupName": self._group, "NamePrefix": prefix}
        while True:
            with calling("EventBridge Scheduler"):
                answer = self._client.list_schedules(**request)
            yield from (schedule["Name"] for schedule in answer["Schedules"])
            if not answer.get("NextToken"):
                return
            request["NextToken"] = answer["NextToken"]

    def _request(self, name: str, expression: str, body: str, more: dict[str, Any]) -> dict[str, Any]:
        return {
            "Name": name,
            "GroupName": self._group,
            "ScheduleExpression": expression,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {"Arn": self._target.arn, "RoleArn": self._target.role_arn, "Input": body},
            **more,
        }

    def _call(self, operation: str, expected: str, **request: Any) -> bool:
        try:
            with calling("EventBridge Scheduler"):
                getattr(self._client, operation)(**request)
        except ClientError as error:
            if code_of(error) == expected:
                return False
            if code_of(error) == "ValidationException":
                raise _refusal(error, request) from error
            raise
        return True


def _refusal(error: ClientError, request: dict[str, Any]) -> InvalidRequest:
    said = error.response["Error"].get("Message", "")
    message = f"EventBridge Scheduler refuses {request.get('ScheduleExpression')}: {said}"
    return InvalidRequest(message, hint="is it an expression that it takes, and is its time still to come?")
