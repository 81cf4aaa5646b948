"""Which stack to speak to: options and environment first, then the nearest ``.attune/connection.json``."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from attune.exceptions import InvalidRequest, Unauthorized

FOLDER = ".attune"
NAME = "connection.json"


@dataclass(frozen=True, slots=True)
class Connection:
    """A stack's API and a token for it."""

    url: str
    token: str


def connection(url: str | None, token: str | None, start: Path) -> Connection:
    """The connection to use; raises InvalidRequest without a URL, Unauthorized without a token.

    The file's token goes to the file's URL only, never to another one.
    """
    known = find(start)
    if url is None and known is None:
        hint = "run `attune local run`, or give --url and --token (ATTUNE_URL, ATTUNE_TOKEN)"
        raise InvalidRequest("no stack to speak to", hint=hint)
    chosen = (url or (known.url if known else "")).rstrip("/")
    if not chosen.startswith(("http://", "https://")):
        raise InvalidRequest(f"'{chosen}' is not the URL of a stack", hint="it begins with http:// or https://")
    if token is None and known is not None and known.url.rstrip("/") == chosen:
        token = known.token
    if not token:
        raise Unauthorized(f"no token for {chosen}", hint="give --token or set ATTUNE_TOKEN; `attune token create`")
    return Connection(chosen, token)


def find(start: Path) -> Connection | None:
    """The nearest connection file in this folder or above; raises InvalidRequest if it can't be read."""
    for folder in (start, *start.parents):
        path = folder / FOLDER / NAME
        if path.is_file() and path.stat().st_uid == os.getuid():
            return read(path)
    return None


def read(path: Path) -> Connection:
    """A connection file; raises InvalidRequest if it is none."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return Connection(str(data["url"]), str(data["token"]))
    except (OSError, ValueError, KeyError, TypeError):
        hint = "remove it and run `attune local run`"
        raise InvalidRequest(f"{path} is not readable as a connection", hint=hint) from None


def save(folder: Path, made: Connection) -> Path:
    """Write ``folder/.attune/connection.json``, readable by its owner only."""
    path = folder / FOLDER / NAME
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump({"url": made.url, "token": made.token}, file)
    draft.replace(path)
    return path
