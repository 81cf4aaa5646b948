"""One HTTP request: what the http pack's actions call, and the runner of declarative ``runner_type: http`` actions."""

from __future__ import annotations

import contextlib
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from attune.actions.attempt import Attempt
from attune.actions.context import Context
from attune.actions.errors import ActionError, Quoted
from attune.actions.result import RESULT_LIMIT, is_too_deep, parse, too_large

TIMEOUT = 30.0
"""Seconds for a whole request when nothing else is said."""

BODILESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})
"""Methods whose parameters go into the query; RFC 9110 gives a body no meaning there."""

INVALID = (
    httpx.UnsupportedProtocol,
    httpx.InvalidURL,
    httpx.LocalProtocolError,
    httpx.TooManyRedirects,
    UnicodeError,
)
"""Why a request cannot be sent, however often it is tried: an illegal header, for instance."""

JSON_TYPE = re.compile(r"[^/]+/(?:.+\+)?json")
"""Media types of answers that are JSON: ``application/json``, ``text/json``, ``application/problem+json``."""

TRUSTED = httpx.create_ssl_context()
"""The usual certificate authorities. Reading them takes 60 ms, so it is done at import, before any fork; a context
holds no connection."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to send a request and which answers are good: ``expected_status`` None means any 2xx."""

    timeout: float = TIMEOUT
    expected_status: int | list[int] | None = None
    follow_redirects: bool = True
    verify: bool = True


def request(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    params: Mapping[str, Any] | None = None,
    json: Any = None,
    body: str | None = None,
    auth: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> dict[str, Any]:
    """Send one request; ``{status, headers, body, elapsed}``, the body parsed if it is JSON, else text.

    ``auth`` is ``{username, password}`` or ``{token}``; ``elapsed`` is in seconds. The whole exchange has
    ``options.timeout`` seconds.

    Raises:
        ActionError: ``unexpected_status`` (retryable for 429 and 5xx only), ``timeout``, ``connection_error``,
            ``invalid_request``, ``result_too_large``.

    """
    options = options or Options()
    content = _content(json, body)
    sent = {**_default_headers(json, auth), **(headers or {})}
    verify = TRUSTED if options.verify else False
    credentials = (auth["username"], auth["password"]) if auth and "username" in auth else None
    try:
        with httpx.Client(
            timeout=options.timeout, follow_redirects=options.follow_redirects, verify=verify, auth=credentials
        ) as client:
            outgoing = client.build_request(method, _with_query(url, params), headers=sent, content=content)
            answer = _exchange(outgoing, client, options)
    except httpx.TimeoutException as exc:
        raise _timeout(url, options.timeout) from exc
    except INVALID as exc:
        raise ActionError(f"{method} {url}: {exc}", type="invalid_request", retryable=False) from exc
    except httpx.RequestError as exc:
        raise ActionError(f"{method} {url}: {exc or type(exc).__name__}", type="connection_error") from exc
    _check_status(answer, options.expected_status, f"{method} {url}")
    return answer


def call(attempt: Attempt, arguments: Mapping[str, Any], _context: Context, _packs_dir: Path) -> dict[str, Any]:
    """Run an action whose entry point is ``METHOD url``; the result is :func:`request`'s.

    ``{name}`` in the URL takes that input, quoted; ``{config.name}`` the pack's config as it is. What is left of
    the input goes into the query (GET, HEAD, DELETE, OPTIONS) or is the JSON body.
    """
    method, _, template = attempt.action.entry_point.partition(" ")
    rest = dict(arguments)
    url = re.sub(r"\{([\w.]+)\}", lambda match: _filled(match[1], attempt, arguments, rest), template.strip())
    if method.upper() in BODILESS:
        return request(method.upper(), url, params=rest)
    return request(method.upper(), url, json=rest)


def _filled(name: str, attempt: Attempt, arguments: Mapping[str, Any], rest: dict[str, Any]) -> str:
    """What stands for ``{name}`` in a URL; takes an input that is used here out of ``rest``."""
    key = name.removeprefix("config.")
    source = arguments if key == name else attempt.pack_config
    if key not in source:
        message = f"{attempt.action.ref}: there is nothing to fill {{{name}}} with in {attempt.action.entry_point!r}"
        raise ActionError(message, type="invalid_input", retryable=False)
    if key != name:
        return str(source[key])
    rest.pop(name, None)
    return quote(str(source[key]), safe="")


def _exchange(outgoing: httpx.Request, client: httpx.Client, options: Options) -> dict[str, Any]:
    began = time.monotonic()
    response = client.send(outgoing, stream=True)
    try:
        content = bytearray()
        for chunk in response.iter_bytes():
            content += chunk
            if len(content) > RESULT_LIMIT:
                raise too_large(f"the response of {outgoing.url} has more than {RESULT_LIMIT:,} bytes")
            if time.monotonic() - began > options.timeout:
                raise _timeout(str(outgoing.url), options.timeout)
    finally:
        response.close()
    return {
        "status": response.status_code,
        "headers": dict(response.headers),
        "body": _parsed(bytes(content), response),
        "elapsed": round(time.monotonic() - began, 6),
    }


def _with_query(url: str, params: Mapping[str, Any] | None) -> httpx.URL:
    """Adds to the URL's own query, where httpx's ``params`` would replace it; what is null is left out."""
    given = {name: _query_value(name, value) for name, value in (params or {}).items() if value is not None}
    return httpx.URL(url).copy_merge_params(given) if given else httpx.URL(url)


def _query_value(name: str, value: Any) -> Any:
    """The values of a list, or the one value; raises ActionError for a mapping and for a list in a list."""
    values = [part for part in value if part is not None] if isinstance(value, list | tuple) else [value]
    if any(isinstance(part, Mapping | list | tuple) for part in values):
        message = f"the parameter {name!r} of the query is nested; a query holds scalars and lists of scalars"
        raise ActionError(message, type="invalid_input", retryable=False)
    return values


def _content(value: Any, body: str | None) -> bytes | None:
    if value is not None and body is not None:
        raise ActionError("give either json or body, not both", type="invalid_input", retryable=False)
    if value is not None:
        return json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    return body.encode() if body is not None else None


def _default_headers(value: Any, auth: Mapping[str, str] | None) -> dict[str, str]:
    sent = {"accept": "application/json, */*;q=0.5", "user-agent": "attune"}
    if value is not None:
        sent["content-type"] = "application/json"
    if auth and "token" in auth:
        sent["authorization"] = f"Bearer {auth['token']}"
    return sent


def _parsed(content: bytes, response: httpx.Response) -> Any:
    """What says that it is JSON, as its value if it has one that can be a result; all else as text."""
    text = _text(content, response)
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if text and JSON_TYPE.fullmatch(media_type):
        encoded = text.removeprefix("\ufeff").encode("utf-8", "replace")
        with contextlib.suppress(ValueError):
            value = parse(encoded)
            return text if is_too_deep(value, encoded) else value
    return text


def _text(content: bytes, response: httpx.Response) -> str:
    """Decoded as the answer says; as UTF-8 if it names no encoding of text."""
    try:
        return content.decode(response.encoding or "utf-8", "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", "replace")


def _check_status(answer: Mapping[str, Any], expected: int | list[int] | None, what: str) -> None:
    status = answer["status"]
    wanted = [expected] if isinstance(expected, int) else expected
    if status in wanted if wanted else 200 <= status < 300:
        return
    body = answer["body"] if isinstance(answer["body"], str) else json.dumps(answer["body"], ensure_ascii=False)
    raise ActionError(
        f"{what} answered {status}, expected {' or '.join(map(str, wanted)) if wanted else '2xx'}",
        type="unexpected_status",
        details={"status": status, "body": Quoted(body)},
        retryable=status == 429 or status >= 500,
    )


def _timeout(url: str, seconds: float) -> ActionError:
    return ActionError(f"{url} did not answer within {seconds:g} s", type="timeout")
