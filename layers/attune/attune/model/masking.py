"""Putting ``***`` in the place of secrets, in whatever form they come back from an action."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
"""What is shown of a secret."""
SHORTEST: Final = 4
"""Characters of the shortest secret that is masked: shorter ones would blot out half of every text."""
SHORTEST_PIECE: Final = 8
"""Characters of the shortest line of a secret of several lines that is masked by itself."""
SHORTEST_CORE: Final = 6
"""Characters of base64 that tell a secret inside of a longer encoded text."""


class Masker:
    """Knows secrets: texts, or JSON values whose texts and numbers are all secret.

    A text that is itself JSON (``{"user": …, "password": …}``) counts as the value that it spells, too; the lines of a
    text of several lines (a private key) are secret one by one. What has less than ``shortest`` characters is not
    masked.
    """

    def __init__(self, secrets: Iterable[Any], shortest: int = SHORTEST) -> None:
        texts = {text for secret in secrets for text in _texts(secret) if len(text) >= shortest}
        forms = {form for text in texts for form in _forms(text) if form}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def __bool__(self) -> bool:
        return self._pattern is not None

    def text(self, text: str) -> str:
        """The text without any form of a secret."""
        if self._pattern is None:
            return text
        masked = self._pattern.sub(MASK, text)
        while len(masked) < len(text) and self._pattern.search(masked):
            # A mask and what stands beside it may spell one again.
            text, masked = masked, self._pattern.sub(MASK, masked)
        return masked

    def value(self, value: Any) -> Any:
        """JSON without any form of a secret, in texts, keys and numbers."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(key): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return MASK if _is_number(value) and self._pattern.fullmatch(json.dumps(value)) else value


def _texts(secret: Any) -> Iterator[str]:
    """All that must not be seen of a secret, as text."""
    if isinstance(secret, str):
        yield from (secret, secret.strip())
        lines = secret.strip().splitlines()
        yield from (line.strip() for line in lines if len(lines) > 1 and len(line.strip()) >= SHORTEST_PIECE)
        yield from _spelled(secret)
    elif isinstance(secret, Mapping):
        for item in secret.values():
            yield from _texts(item)
    elif isinstance(secret, (list, tuple)):
        for item in secret:
            yield from _texts(item)
    elif _is_number(secret):
        yield json.dumps(secret)


def _spelled(text: str) -> Iterator[str]:
    if not text.lstrip().startswith(("{", "[")):
        return
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    yield from _texts(found)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _forms(text: str) -> Iterator[str]:
    """The text as JSON, Python, URLs and base64 write it."""
    yield text
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield repr(text)[1:-1]
    encoded = text.encode("utf-8", "surrogatepass")
    yield from (quote(encoded, safe=""), quote(encoded), quote_plus(encoded))
    yield from _in_base64(encoded)


def _in_base64(data: bytes) -> Iterator[str]:
    """Its base64 by itself; and the stretch that is the same wherever it is in a longer text (``user:password``)."""
    exact = base64.b64encode(data).decode()
    cores = (core for shift in range(3) if len(core := _core(data, shift)) >= SHORTEST_CORE)
    for form in (exact, exact.rstrip("="), *cores):
        yield form
        yield form.translate(_URL_SAFE)


def _core(data: bytes, shift: int) -> str:
    """The characters that depend on nothing but ``data`` when ``shift`` bytes of a triple stand before it."""
    encoded = base64.b64encode(b"\0" * shift + data).decode().rstrip("=")
    shared_with_next = 1 if (shift + len(data)) % 3 else 0
    return encoded[_SHARED_WITH_LAST[shift] : len(encoded) - shared_with_next]


_SHARED_WITH_LAST: Final = (0, 2, 3)
"""Characters at the beginning that hold bits of the bytes before; a character has six bits."""
_URL_SAFE: Final = str.maketrans("+/", "-_")
