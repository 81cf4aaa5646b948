"""The claim check: a value that is too large for a message or an item lies elsewhere, and a *reference* stands for it.

A reference is text. That of a small value is the value's own JSON, so most references are read without a call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class BlobStore(Protocol):
    """Turns values into references and back. ``owner`` is mostly an execution: what is stored for it goes with it."""

    def put(self, owner: str, value: Any) -> str:
        """The value's reference, stored first if it is large; raises PayloadTooLarge."""
        ...

    def put_text(self, owner: str, text: str, limit: int = ...) -> str:
        """The same for what is JSON text already; up to ``limit`` bytes it is its own reference."""
        ...

    def get(self, reference: str) -> Any:
        """The value that a reference stands for; raises NotFound when it is gone."""
        ...

    def text(self, reference: str) -> str:
        """The same as JSON text."""
        ...

    def mark_expired(self, owner: str, after: str, out_of_time: Callable[[], bool]) -> str | None:
        """Have what is stored for an owner, behind the key ``after``, deleted in time.

        Returns None when all is marked, else the last key that is: time ran out.
        """
        ...

    def unmark(self, owner: str, after: str, out_of_time: Callable[[], bool]) -> str | None:
        """Take the marks away again: the execution goes on. Returns as :meth:`mark_expired` does."""
        ...
