"""The bodies of requests and answers: read strictly, and within bounds that everything behind it can rely on."""

from __future__ import annotations

import base64
import json
import re
from typing import Any, Final

from attune.exceptions import InvalidRequest, PayloadTooLarge, UnsupportedMediaType
from attune.expressions.values import MAX_DEPTH, plain, within_bounds
from attune.model.strict_json import refuse_constant

MAX_BODY = 1024 * 1024
"""Bytes of a request's body (1 MB, like a YAML file; API Gateway itself allows 10 MB)."""

MAX_ANSWER = 6 * 1024 * 1024
"""Bytes of an answer, in the JSON in which a function hands it over (Lambda's limit)."""
TOO_MUCH = PayloadTooLarge(
    f"the answer would have more than the {MAX_ANSWER} bytes that a Lambda function can give",
    hint="ask for fewer rows, with 'limit'",
)

JSON: Final = "application/json"
_SAYS_JSON: Final = re.compile(r"application/(?:[\w.!#$&^+-]+\+)?json", re.IGNORECASE)
"""Media types that are JSON: ``application/json``, ``application/vnd.api+json`` and the like (RFC 6839)."""

_TOO_DEEP = f"the body is nested more than {MAX_DEPTH} levels deep"


def check_size(event: dict[str, Any]) -> None:
    """Raises PayloadTooLarge for the body of an HTTP API event that is over :data:`MAX_BODY`."""
    body = event.get("body") or ""
    size = len(body) * 3 // 4 if event.get("isBase64Encoded") else len(body.encode(errors="surrogatepass"))
    if size > MAX_BODY:
        raise PayloadTooLarge(
            f"the body has {size} bytes; {MAX_BODY} is the limit", hint="put large data into S3 and pass its key"
        )


def fits(answer: dict[str, Any]) -> bool:
    """Whether the answer can be handed over. It is only measured where it is not far from the limit."""
    return len(answer.get("body") or "") < MAX_ANSWER // 8 or len(json.dumps(answer)) < MAX_ANSWER


def with_text(event: dict[str, Any]) -> dict[str, Any]:
    """The event with its body as text; API Gateway encodes what it doesn't take for text. Raises InvalidRequest."""
    if not event.get("isBase64Encoded"):
        return event
    try:
        text = base64.b64decode(event.get("body") or "", validate=True).decode()
    except ValueError:
        raise InvalidRequest("the body is not UTF-8") from None
    return {**event, "body": text, "isBase64Encoded": False}


def as_json(event: dict[str, Any]) -> dict[str, Any]:
    """The event, its body being text already, with the content type that Powertools takes for JSON.

    What is JSON is taken for it, whatever its type says: ``curl -d`` calls everything a form. Raises
    UnsupportedMediaType for a body that neither says so nor is.
    """
    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    said = str(headers.get("content-type") or JSON).partition(";")[0].strip()
    if not _SAYS_JSON.fullmatch(said):
        _check_is_json(event.get("body") or "null", said)
    return {**event, "headers": {**headers, "content-type": JSON}}


def _check_is_json(body: str, said: str) -> None:
    try:
        read_json(body)
    except json.JSONDecodeError:
        message = f"the body is {said[:100]!r}, and no JSON"
        raise UnsupportedMediaType(message, hint=f"send JSON, with 'content-type: {JSON}'") from None


def read_json(text: str) -> Any:
    """The value of a JSON text; raises JSONDecodeError for text that is none.

    Raises InvalidRequest for numbers that Python reads and JSON does not have (NaN, 1e999), and for a value that
    exceeds the bounds of all values: depth, number of parts, digits of a number.
    """
    try:
        with within_bounds("the body"):
            return plain(json.loads(text, parse_constant=refuse_constant))
    except json.JSONDecodeError:
        raise
    except RecursionError:
        raise InvalidRequest(_TOO_DEEP) from None
    except ValueError as error:
        raise InvalidRequest(f"the body cannot be used: {error}") from None
