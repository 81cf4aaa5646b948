"""Dead letters as items: implements :class:`attune.execution.dead_letters.DeadLetterBook`.

An item lies with its execution and is listed in the index under ``DEAD``. Its id begins with the time, so the
listing is newest first. ``q`` is the queue, ``at`` when it died, ``why`` the reason, ``d`` slip of the body.
"""

from __future__ import annotations

from attune.adapters.aws.blobs import Payloads
from attune.adapters.aws.cursors import opened_key, sealed
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.exceptions import NotFound
from attune.execution.dead_letters import DeadLetter, LetterPage, Origin

KEPT = 14 * 86_400
"""Seconds for which a dead letter is kept: as long as SQS would have."""


class DynamoBook:
    """See the port."""

    def __init__(self, table: Table, payloads: Payloads) -> None:
        self._table, self._payloads = table, payloads

    def add(self, letter: DeadLetter) -> None:
        """See the port."""
        item = with_key(
            keys.dead_letter(letter.id),
            GSI1PK=keys.DEAD_LETTERS,
            GSI1SK=letter.id,
            q=str(letter.queue),
            at=letter.at,
            why=letter.reason,
            d=self._payloads.put("dead-letters", letter.body),
            ttl=int(letter.at + KEPT),
        )
        self._table.put(item, "attribute_not_exists(PK)")

    def page(self, limit: int = 50, cursor: str = "") -> LetterPage:
        """See the port."""
        names = [item["GSI1SK"] for item in self._table.listed(keys.DEAD_LETTERS, limit + 1, opened_key(cursor))]
        places = {keys.dead_letter(name): name for name in names[:limit]}
        items = self._table.get_many(places) if places else {}
        following = sealed(names[limit - 1]) if len(names) > limit else None
        return LetterPage([self._letter(items[place]) for place in places if place in items], following)

    def of(self, execution: str) -> list[DeadLetter]:
        """See the port."""
        found = self._table.query(keys.partition(execution), keys.DEAD_PREFIX)
        return [self._letter(item) for item in found][::-1]

    def get(self, letter: str) -> DeadLetter:
        """See the port."""
        item = self._table.get(keys.dead_letter(letter))
        if item is None:
            raise NotFound(f"there is no dead letter '{letter}'", hint="`attune dlq ls` lists them", dead_letter=letter)
        return self._letter(item)

    def remove(self, letter: str) -> None:
        """See the port."""
        self._table.delete(keys.dead_letter(letter))

    def _letter(self, item: Item) -> DeadLetter:
        letter, body = item["GSI1SK"], str(self._payloads.get(item["d"]))
        owner = keys.dead_letters_owner(letter)
        return DeadLetter(letter, Origin(item["q"]), float(item["at"]), item["why"], body, owner)
