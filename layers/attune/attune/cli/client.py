"""The HTTP API, from the other side.

Requests that change nothing are tried again when the connection breaks or the server is busy (429, 5xx), with
exponential backoff; so is a start that carries an idempotency key. Everything else is tried again only if the
connection could not be made, for then nothing was sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from attune import exceptions
from attune.cli.connection import Connection
from attune.exceptions import AttuneError, InvalidParameters, Unavailable

ATTEMPTS = 5
FIRST_DELAY = 0.2
"""Seconds before the second attempt; doubled before each further one."""
LONGEST_DELAY = 5.0
"""Seconds; what ``Retry-After`` asks for is cut to it, too."""
TIMEOUT = 30.0
"""Seconds for one attempt; an HTTP API gives up after 30 (an API Gateway limit)."""
PAGE = 200
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""Hosts that no proxy of the environment can reach."""
_BASE = "/api/v1"
_EXECUTIONS = f"{_BASE}/workflow-executions"
_INQUIRIES = f"{_BASE}/inquiries"

Json = dict[str, Any]

_ERRORS: Mapping[int, type[AttuneError]] = {
    401: exceptions.Unauthorized,
    403: exceptions.Forbidden,
    404: exceptions.NotFound,
    409: exceptions.Conflict,
    413: exceptions.PayloadTooLarge,
    429: exceptions.Unavailable,
}
_HINTS: Mapping[int, str] = {
    401: "the token is not known to this stack: give --token, or make one with `attune token create`",
    429: "try again in a little while",
}
_STRANGE = "is this really the URL of an Attune API?"


class Client:
    """A stack's API. Close it, or use it as a context manager; methods raise :class:`AttuneError` only."""

    def __init__(self, to: Connection, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.url, self._sleep = to.url, sleep
        headers = {"authorization": f"Bearer {to.token}", "user-agent": "attune-cli"}
        trust_env = httpx.URL(to.url).host not in _LOOPBACK
        self._http = httpx.Client(base_url=to.url, headers=headers, timeout=TIMEOUT, trust_env=trust_env)

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def start(self, ref: str, parameters: Mapping[str, Any], key: str | None = None) -> Json:
        """Start a workflow; ``{id, status, existing}``."""
        body: Json = {"parameters": dict(parameters)}
        if key is not None:
            body["idempotency_key"] = key
        path = f"{_BASE}/workflows/{quote(ref, safe='')}/execute"
        return self._mapping("POST", path, json=body, again=key is not None)

    def workflow(self, ref: str) -> Json:
        """A workflow's latest version, with the JSON Schema of its ``parameters``."""
        return self._mapping("GET", f"{_BASE}/workflows/{quote(ref, safe='')}")

    def executions(self, **filters: Any) -> Json:
        """A page of executions, newest first; ``workflow``, ``status``, ``limit``, ``cursor``."""
        return self._mapping("GET", _EXECUTIONS, params=_given(filters))

    def execution(self, execution: str) -> Json:
        """One execution."""
        return self._mapping("GET", _path(execution))

    def graph(self, execution: str) -> Json:
        """Its ``{nodes, edges}``."""
        return self._mapping("GET", _path(execution, "graph"))

    def attempts(self, execution: str) -> Iterator[Json]:
        """All that was tried in it, page by page."""
        cursor = ""
        while True:
            page = self._mapping("GET", _path(execution, "tasks"), params=_given({"limit": PAGE, "cursor": cursor}))
            yield from page["items"]
            cursor = page["cursor"] or ""
            if not cursor:
                return

    def control(self, execution: str, what: str, reason: str | None = None) -> Json:
        """``cancel``, ``pause`` or ``resume`` it."""
        return self._mapping("POST", _path(execution, what), json=_given({"reason": reason}))

    def inquiries(self, **filters: Any) -> Json:
        """A page of open inquiries; ``assignee``, ``limit``, ``cursor``."""
        return self._mapping("GET", _INQUIRIES, params=_given(filters))

    def inquiry(self, inquiry: str) -> Json:
        """One inquiry, open or closed."""
        return self._mapping("GET", f"{_INQUIRIES}/{quote(inquiry, safe='')}")

    def answer(self, inquiry: str, response: Any) -> Json:
        """Answer an inquiry; ``{id}``."""
        return self._mapping("POST", f"{_INQUIRIES}/{quote(inquiry, safe='')}/answer", json={"response": response})

    def retry(self, execution: str, **wanted: Any) -> Json:
        """Have it go on; ``from``, ``workflow_version``, ``parameters``, ``idempotency_key``."""
        body = {key: value for key, value in wanted.items() if value}
        return self._mapping("POST", _path(execution, "retry"), json=body, again="idempotency_key" in body)

    def diagnosis(self, execution: str) -> Json:
        """Why it is where it is: ``{sentence, findings, …}``."""
        return self._mapping("GET", _path(execution, "diagnosis"))

    def repair(self, execution: str) -> Json:
        """Send again what was lost; its diagnosis, and ``repaired``. Doing it twice does no harm."""
        return self._mapping("POST", _path(execution, "repair"), again=True)

    def checkup(self) -> Json:
        """Is the stack well? ``{ok, checks}``."""
        return self._mapping("GET", f"{_BASE}/checkup")

    def dead_letters(self, **page: Any) -> Json:
        """A page of dead letters, newest first; ``limit``, ``cursor``."""
        return self._mapping("GET", _envelope(), params=_given(page))

    def dead_letter(self, envelope: str) -> Json:
        """One of them, with its body."""
        return self._mapping("GET", _envelope(envelope))

    def redrive(self, envelope: str) -> Json:
        """Send it again."""
        return self._mapping("POST", _envelope(envelope, "redrive"))

    def drop(self, envelope: str) -> Json:
        """Forget it."""
        return self._mapping("DELETE", _envelope(envelope))

    def packs(self) -> list[Json]:
        """The packs that are registered."""
        found = self._data("GET", f"{_BASE}/packs")
        return list(found["items"] if isinstance(found, dict) else found)

    def sync(self, pack: str) -> Json:
        """Register what is in a pack on the server's disk."""
        return self._mapping("POST", _pack(pack, "sync"))

    def sync_all(self) -> list[Json]:
        """The same for all packs there."""
        return list(self._mapping("POST", f"{_BASE}/packs/sync")["packs"])

    def validate(self, pack: str) -> Json:
        """Check a pack on the server's disk without registering it."""
        return self._mapping("POST", _pack(pack, "validate"), again=True)

    def value(self, key: str) -> Json:
        """``{key, value}`` of the key-value store."""
        return self._mapping("GET", _named("kv", key))

    def put_value(self, key: str, value: Any) -> Json:
        """Set a value; ``created`` says whether it is new."""
        return self._mapping("PUT", _named("kv", key), json={"value": value}, again=True)

    def put_secret(self, name: str, value: str) -> Json:
        """Set a secret."""
        return self._mapping("PUT", _named("secrets", name), json={"value": value}, again=True)

    def remove(self, kind: str, name: str) -> Json:
        """Remove one of ``kv`` or ``secrets``."""
        return self._mapping("DELETE", _named(kind, name))

    def names(self, kind: str, prefix: str = "") -> Iterator[str]:
        """All keys of ``kv`` that begin so, or all names of ``secrets``, page by page."""
        filters = {"prefix": prefix} if kind == "kv" else {}
        cursor = ""
        while True:
            page = self._mapping("GET", f"{_BASE}/{kind}", params=_given({**filters, "limit": PAGE, "cursor": cursor}))
            yield from page["items"]
            cursor = page["cursor"] or ""
            if not cursor:
                return

    def health(self) -> Json:
        """``{status, version}``."""
        return self._mapping("GET", f"{_BASE}/health")

    def _mapping(self, method: str, path: str, *, again: bool = False, **request: Any) -> Json:
        found = self._data(method, path, again=again, **request)
        if not isinstance(found, dict):
            raise self._strange()
        return found

    def _data(self, method: str, path: str, *, again: bool = False, **request: Any) -> Any:
        response = self._send(method, path, again or method == "GET", request)
        if not response.is_success:
            raise _error(response)
        try:
            return response.json()["data"]
        except (ValueError, KeyError, TypeError):
            raise self._strange() from None

    def _send(self, method: str, path: str, again: bool, request: Mapping[str, Any]) -> httpx.Response:
        for attempt in range(1, ATTEMPTS + 1):
            delay = min(FIRST_DELAY * 2 ** (attempt - 1), LONGEST_DELAY)
            try:
                response = self._http.request(method, path, **request)
            except httpx.RequestError as error:
                unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
                if attempt == ATTEMPTS or not (again or unsent):
                    raise self._unreachable(error) from None
            else:
                busy = response.status_code == 429 or response.status_code >= 500
                if attempt == ATTEMPTS or not busy or not again:
                    return response
                delay = _retry_after(response) or delay
            self._sleep(delay)
        raise AssertionError("unreachable")

    def _unreachable(self, error: httpx.RequestError) -> AttuneError:
        if isinstance(error, httpx.TimeoutException):
            return Unavailable(f"{self.url} did not answer within {TIMEOUT:g} s", hint="try again")
        reason = str(error).strip() or type(error).__name__
        hint = "is the stack up? `attune local status` tells of the local one"
        return Unavailable(f"cannot connect to {self.url}: {reason}", hint=hint)

    def _strange(self) -> AttuneError:
        return exceptions.InvalidRequest(f"{self.url} gave an answer that is not Attune's", hint=_STRANGE)


def _path(execution: str, what: str = "") -> str:
    tail = f"/{what}" if what else ""
    return f"{_EXECUTIONS}/{quote(execution, safe='')}{tail}"


def _envelope(*parts: str) -> str:
    return "/".join([f"{_BASE}/dead-letters", *(quote(part, safe="") for part in parts)])


def _pack(pack: str, what: str) -> str:
    return f"{_BASE}/packs/{quote(pack, safe='')}/workflows/{what}"


def _named(kind: str, name: str) -> str:
    return f"{_BASE}/{kind}/{quote(name, safe='')}"


def _given(values: Mapping[str, Any]) -> Json:
    return {key: value for key, value in values.items() if value not in (None, "")}


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return min(float(text), LONGEST_DELAY) if text.isdigit() else None


def _error(response: httpx.Response) -> AttuneError:
    """The API's ``{error, code, details}`` as one of our errors; gateways answer ``{message}`` instead."""
    status = response.status_code
    try:
        body = response.json()
    except ValueError:
        body = {}
    body = body if isinstance(body, dict) else {}
    message = str(body.get("error") or body.get("message") or f"the server answered {status}")
    details = body["details"] if isinstance(body.get("details"), dict) else {}
    if status == 422 and details.get("errors"):
        return InvalidParameters(message, details["errors"])
    ours = status >= 500 or "error" in body
    hint = details.get("hint") or _HINTS.get(status) or (None if ours else _STRANGE)
    kind = _ERRORS.get(status, Unavailable if status >= 500 else exceptions.InvalidRequest)
    kept = {key: value for key, value in details.items() if key not in ("hint", "message")}
    return kind(message, hint=hint, **kept)
