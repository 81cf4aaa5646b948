"""The stack's alarms in CloudWatch."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from attune.adapters.aws.failures import calling, code_of


class Alarms:
    """Of the stack with this name; ``cloudwatch`` is a client of it."""

    def __init__(self, cloudwatch: Any, stack: str) -> None:
        self._cloudwatch, self._prefix = cloudwatch, f"{stack}-"

    def on(self) -> list[str] | None:
        """The names of those in alarm; None where they may not be looked at. Raises Unavailable.

        They may not in a local cloud that enforces policies: it allows that for ``*`` only. CloudFormation names alarms
        ``<stack>-<resource>-<chance>``; another stack's name may begin as ours does.
        """
        try:
            with calling("CloudWatch"):
                answer = self._cloudwatch.describe_alarms(AlarmNamePrefix=self._prefix, StateValue="ALARM")
        except ClientError as error:
            if code_of(error) not in ("AccessDenied", "AccessDeniedException"):
                raise
            return None
        names = [alarm["AlarmName"] for alarm in answer.get("MetricAlarms", ())]
        return [name for name in names if name.removeprefix(self._prefix).count("-") == 1]
