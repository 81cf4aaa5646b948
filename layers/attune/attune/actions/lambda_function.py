"""Invokes a Lambda function: the runner of ``runner_type: lambda`` actions, and what ``aws.invoke_lambda`` calls."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attune.actions.attempt import Attempt
from attune.actions.aws import aws_errors, client, read_bounded, warm
from attune.actions.context import Context
from attune.actions.errors import ActionError

warm("lambda")


def invoke(function: str, payload: Any, *, region: str | None = None) -> Any:
    """What the function (a name or an ARN) returns for ``payload``; waits for it.

    Raises:
        ActionError: the function's own errorType and errorMessage if it failed, else the AWS error code.

    """
    with aws_errors():
        response = client("lambda", region).invoke(FunctionName=function, Payload=json.dumps(payload).encode())
        body = _parsed(read_bounded(response["Payload"]))
    if "FunctionError" not in response:
        return body
    error = body if isinstance(body, dict) else {"errorMessage": str(body)}
    raise ActionError(
        f"{function}: {error.get('errorMessage') or response['FunctionError']}",
        type=error.get("errorType") or "FunctionError",
        details={"function": function, "stack_trace": error.get("stackTrace", [])[-5:]},
    )


def call(attempt: Attempt, arguments: Mapping[str, Any], _context: Context, _packs_dir: Path) -> Any:
    """Run an action whose entry point is a function's name or ARN; the input is the payload."""
    return invoke(attempt.action.entry_point, dict(arguments))


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data) if data else None
    except ValueError:
        return data.decode("utf-8", "replace")
