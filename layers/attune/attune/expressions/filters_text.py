"""Filters of templates that work on text."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import quote, urlencode

from attune.expressions.filter_arguments import keyword, number_of, text_of, whole
from attune.expressions.values import MAX_NODES, MAX_TEXT, refuse, text, to_json

MAX_DATE_FORMAT: Final = 200
"""Characters of a date format."""

_HASHES: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_DATE_DIRECTIVES: Final = frozenset("aAbBdeDfFGHIjmMpRSTuVyYzZ%")


def upper(value: Any, /) -> str:
    """In capitals."""
    return text_of(value, "upper").upper()


def lower(value: Any, /) -> str:
    """In small letters."""
    return text_of(value, "lower").lower()


def capitalize(value: Any, /) -> str:
    """First letter large, the others small."""
    return text_of(value, "capitalize").capitalize()


def title(value: Any, /) -> str:
    """Each Word Capitalized."""
    return re.sub(r"[^\W_]+", lambda word: word.group().capitalize(), text_of(value, "title"))


def trim(value: Any, /, chars: str | None = None) -> str:
    """Without white space (or ``chars``) at both ends."""
    return text_of(value, "trim").strip(chars)


def replace(value: Any, /, *pair: str, **named: str) -> str:
    """Every ``from`` replaced with ``to``; also ``replace('a', 'b')``."""
    subject = text_of(value, "replace")
    if len(pair) == 2 and not named:
        old, new = pair
    else:
        new = named.pop("to", "") if "to" in named and not pair else refuse("replace needs from= and to=")
        old = keyword(named, "from", "replace")
    old, new = text_of(old, "replace"), text_of(new, "replace")
    if len(subject) + subject.count(old) * (len(new) - len(old)) > MAX_TEXT:
        refuse("the result of replace is too long")
    return subject.replace(old, new)


def split(value: Any, /, pat: str | None = None) -> list[str]:
    """The pieces between each ``pat`` (between white space without it)."""
    return text_of(value, "split").split(pat or None)


def indent(value: Any, /, width: int = 4, first: bool = False) -> str:
    """Each line (but the first, unless ``first``) moved right by ``width`` blanks."""
    lines = text_of(value, "indent").split("\n")
    if whole(width, "width", 0) * len(lines) > MAX_TEXT:
        refuse("the result of indent is too long")
    moved = [" " * width + line if line and (number or first) else line for number, line in enumerate(lines)]
    return "\n".join(moved)


def wordcount(value: Any, /) -> int:
    """How many words there are."""
    return len(re.findall(r"\w+", text_of(value, "wordcount")))


def truncate(value: Any, /, length: int = 255, end: str = "…") -> str:
    """At most ``length`` characters, and ``end`` where something was cut off."""
    subject = text_of(value, "truncate")
    return subject if len(subject) <= whole(length, "length", 0) else subject[:length] + end


def url_encode(value: Any, /) -> str:
    """Percent-encoded for a URL's path (``/`` stays); a mapping becomes a query string."""
    if isinstance(value, Mapping):
        return urlencode({key: text(item) for key, item in value.items()}, quote_via=quote)
    return quote(text_of(value, "urlencode"))


def b64encode(value: Any, /) -> str:
    """Base64 of the text's UTF-8."""
    return base64.b64encode(text_of(value, "b64encode").encode()).decode()


def b64decode(value: Any, /) -> str:
    """The UTF-8 text that Base64 holds."""
    try:
        return base64.b64decode(text_of(value, "b64decode"), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return refuse("b64decode was given what is not Base64 of UTF-8 text")


def hashed(value: Any, /, algorithm: str = "sha256") -> str:
    """The hexadecimal digest of a text's UTF-8, of anything else's JSON with sorted keys."""
    if algorithm not in _HASHES:
        refuse(f"hash knows {', '.join(_HASHES)}, not {algorithm!r}")
    subject = value if isinstance(value, str) else to_json(value, sort_keys=True)
    return hashlib.new(algorithm, subject.encode(), usedforsecurity=False).hexdigest()


def append(value: Any, /, suffix: Any) -> Any:
    """Text with ``suffix`` after it, or a list with one more element."""
    return [*value, suffix] if isinstance(value, (list, tuple)) else _joined("append", value, suffix)


def prepend(value: Any, /, prefix: Any) -> Any:
    """Text with ``prefix`` before it, or a list with one more element."""
    return [prefix, *value] if isinstance(value, (list, tuple)) else _joined("prepend", prefix, value)


def _joined(name: str, left: Any, right: Any) -> str:
    return text_of(left, name) + text_of(right, name)


def from_json(value: Any, /) -> Any:
    """What a JSON text says."""
    source = text_of(value, "from_json")
    if source.count(",") + source.count("[") + source.count("{") > MAX_NODES:
        refuse(f"from_json: more than {MAX_NODES:,} parts")
    try:
        return json.loads(source)
    except json.JSONDecodeError as error:
        return refuse(f"from_json: {error.msg} at line {error.lineno} column {error.colno}")


def json_text(value: Any, /, pretty: bool = False, indent: int | None = None) -> str:
    """Compact JSON; with ``pretty`` or ``indent`` over several lines."""
    width = whole(indent, "indent", 0) if indent is not None else None
    return to_json(value, indent=min(width, 16) if width is not None else 2 if pretty else None)


def date(value: Any, /, format: str = "%Y-%m-%d") -> str:  # noqa: A002 - Tera's name
    """An ISO 8601 text or seconds since 1970 (UTC), written in strftime's directives."""
    directives = re.findall(r"%(.?)", format, flags=re.DOTALL)
    if len(format) > MAX_DATE_FORMAT or not _DATE_DIRECTIVES.issuperset(directives):
        refuse(f"date does not know the format {format[:MAX_DATE_FORMAT]!r}")
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else _from_epoch(value)
    except (ValueError, OverflowError, OSError):
        return refuse("date needs an ISO 8601 text or seconds since 1970")
    return moment.strftime(format)


def _from_epoch(value: Any) -> datetime:
    return datetime.fromtimestamp(number_of(value, "date"), UTC)
