"""Dead letters in memory."""

from __future__ import annotations

from collections.abc import Sequence

from attune.exceptions import NotFound
from attune.execution.ports.dead_letters import DeadLetter, DeadLetterPage


class MemoryDeadLetterStore:
    """Implements :class:`attune.execution.ports.dead_letters.DeadLetterStore`; all on one page."""

    def __init__(self) -> None:
        self._dead_letters: dict[str, DeadLetter] = {}

    def add(self, dead_letter: DeadLetter) -> None:
        """See the port."""
        self._dead_letters.setdefault(dead_letter.id, dead_letter)

    def page(self, limit: int = 50, cursor: str = "") -> DeadLetterPage:
        """See the port."""
        del cursor
        newest = sorted(self._dead_letters.values(), key=lambda dead_letter: dead_letter.id, reverse=True)
        return DeadLetterPage(newest[:limit])

    def of(self, execution: str) -> Sequence[DeadLetter]:
        """See the port."""
        return [one for one in self.page(len(self._dead_letters)).dead_letters if one.execution == execution]

    def get(self, dead_letter: str) -> DeadLetter:
        """See the port."""
        if dead_letter not in self._dead_letters:
            raise NotFound(f"there is no dead letter '{dead_letter}'", dead_letter=dead_letter)
        return self._dead_letters[dead_letter]

    def remove(self, dead_letter: str) -> None:
        """See the port."""
        self._dead_letters.pop(dead_letter, None)
