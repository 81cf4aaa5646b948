"""Dead letters as they are shown, and dropped."""

from __future__ import annotations

from dataclasses import dataclass

from attune.execution.answers import PageOf, extended
from attune.execution.ports.dead_letters import DeadLetter, DeadLetterStore, Origin
from attune.model.timestamps import iso


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterRow:
    """A dead letter in a list. ``execution`` is null where nobody can tell; ``reason`` says what died, and why."""

    id: str
    queue: Origin
    died_at: str | None
    execution: str | None
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetterDetails(DeadLetterRow):
    """One dead letter, with what lay on the queue."""

    body: str


class KeptDeadLetters:
    """Lists, shows and drops dead letters."""

    def __init__(self, store: DeadLetterStore) -> None:
        self._store = store

    def page(self, limit: int, cursor: str) -> PageOf[DeadLetterRow]:
        """Newest first; raises InvalidRequest for a cursor that is none of ours."""
        found = self._store.page(limit, cursor)
        return PageOf(items=tuple(map(row_of, found.dead_letters)), cursor=found.cursor)

    def show(self, dead_letter: str) -> DeadLetterDetails:
        """One of them; raises NotFound."""
        found = self._store.get(dead_letter)
        return extended(DeadLetterDetails, row_of(found), body=found.body)

    def drop(self, dead_letter: str) -> DeadLetterRow:
        """Forget one; returns what it was. Raises NotFound."""
        found = self._store.get(dead_letter)
        self._store.remove(dead_letter)
        return row_of(found)


def row_of(dead_letter: DeadLetter) -> DeadLetterRow:
    """It as a row."""
    return DeadLetterRow(
        id=dead_letter.id,
        queue=dead_letter.queue,
        died_at=iso(dead_letter.at),
        execution=dead_letter.execution or None,
        reason=dead_letter.reason,
    )
