"""The http pack's actions: one function under five names."""

from functools import partial
from typing import Any

from attune.actions.http_request import Options
from attune.actions.http_request import request as send


def request(
    method: str,
    url: str,
    headers: dict[str, str] | None = None,
    params: dict[str, Any] | None = None,
    json: Any = None,
    body: str | None = None,
    auth: dict[str, str] | None = None,
    timeout: float = 30,
    expected_status: int | list[int] | None = None,
    follow_redirects: bool = True,
    verify: bool = True,
) -> dict[str, Any]:
    """``{status, headers, body, elapsed}``; see the action's YAML for the arguments."""
    options = Options(timeout, expected_status, follow_redirects, verify)
    return send(method, url, headers=headers, params=params, json=json, body=body, auth=auth, options=options)


get = partial(request, "GET")
post = partial(request, "POST")
put = partial(request, "PUT")
delete = partial(request, "DELETE")
