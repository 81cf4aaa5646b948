"""aws.call and aws.invoke_lambda."""

import difflib
from typing import Any

from botocore import xform_name

from attune.actions import ActionError, lambda_function
from attune.actions.aws import aws_errors, client, to_json


def call(service: str, operation: str, params: dict[str, Any], region: str | None = None) -> dict[str, Any]:
    """The response of one API call, as JSON and without its ResponseMetadata."""
    with aws_errors():
        api = client(service, region)
        known = api.meta.method_to_api_mapping
        name = xform_name(operation)
        if name not in known:
            raise _unknown(service, operation, list(known))
        response = getattr(api, name)(**params)
        response.pop("ResponseMetadata", None)
        answer: dict[str, Any] = to_json(response)
        return answer


def invoke_lambda(function: str, payload: Any = None, region: str | None = None) -> Any:
    """What the function returns."""
    return lambda_function.invoke(function, payload, region=region)


def _unknown(service: str, operation: str, known: list[str]) -> ActionError:
    near = difflib.get_close_matches(xform_name(operation), known, n=3)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    message = f"{service} has no operation {operation!r}{hint}"
    return ActionError(message, type="unknown_operation", retryable=False)
