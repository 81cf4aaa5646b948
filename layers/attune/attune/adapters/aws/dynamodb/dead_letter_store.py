"""Dead letters as items: implements :class:`attune.execution.ports.dead_letters.DeadLetterStore`.

An item lies with its execution and is listed in the index under ``DEAD``. Its id begins with the time, so the
listing is newest first. ``q`` is the queue, ``at`` when it died, ``why`` the reason, ``d`` reference of the body.
"""

from __future__ import annotations

from attune.adapters.aws.cursors import decode_key_cursor, encode_cursor
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.marshal import Item
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.exceptions import NotFound
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.dead_letters import DeadLetter, DeadLetterPage, Origin

KEPT = 14 * 86_400
"""Seconds for which a dead letter is kept: as long as SQS would have."""


class DynamoDeadLetterStore:
    """See the port."""

    def __init__(self, table: Table, blobs: BlobStore) -> None:
        self._table, self._blobs = table, blobs

    def add(self, dead_letter: DeadLetter) -> None:
        """See the port."""
        item = with_key(
            keys.dead_letter(dead_letter.id),
            GSI1PK=keys.DEAD_LETTERS,
            GSI1SK=dead_letter.id,
            q=str(dead_letter.queue),
            at=dead_letter.at,
            why=dead_letter.reason,
            d=self._blobs.put("dead-letters", dead_letter.body),
            ttl=int(dead_letter.at + KEPT),
        )
        self._table.put(item, "attribute_not_exists(PK)")

    def page(self, limit: int = 50, cursor: str = "") -> DeadLetterPage:
        """See the port."""
        names = [item["GSI1SK"] for item in self._table.listed(keys.DEAD_LETTERS, limit + 1, decode_key_cursor(cursor))]
        places = {keys.dead_letter(name): name for name in names[:limit]}
        items = self._table.get_many(places) if places else {}
        following = encode_cursor(names[limit - 1]) if len(names) > limit else None
        return DeadLetterPage([self._dead_letter(items[place]) for place in places if place in items], following)

    def of(self, execution: str) -> list[DeadLetter]:
        """See the port."""
        found = self._table.query(keys.partition(execution), keys.DEAD_PREFIX)
        return [self._dead_letter(item) for item in found][::-1]

    def get(self, dead_letter: str) -> DeadLetter:
        """See the port."""
        item = self._table.get(keys.dead_letter(dead_letter))
        if item is None:
            raise NotFound(
                f"there is no dead letter '{dead_letter}'", hint="`attune dlq ls` lists them", dead_letter=dead_letter
            )
        return self._dead_letter(item)

    def remove(self, dead_letter: str) -> None:
        """See the port."""
        self._table.delete(keys.dead_letter(dead_letter))

    def _dead_letter(self, item: Item) -> DeadLetter:
        dead_letter, body = item["GSI1SK"], str(self._blobs.get(item["d"]))
        owner = keys.dead_letters_owner(dead_letter)
        return DeadLetter(
            id=dead_letter,
            queue=Origin(item["q"]),
            at=float(item["at"]),
            reason=item["why"],
            body=body,
            execution=owner,
        )
