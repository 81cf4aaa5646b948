"""Listings, idempotency keys and tokens: implements :class:`attune.execution.ports.directory.Directory`.

Listings read the index, which is a moment behind. An execution whose first message has not been folded yet has no
state, hence no status: it is listed under its workflow only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from attune.adapters.aws.blobs import location, to_text
from attune.adapters.aws.cursors import bad_cursor, decode_cursor, decode_key_cursor, encode_cursor
from attune.adapters.aws.dynamodb import keys
from attune.adapters.aws.dynamodb.records import shown
from attune.adapters.aws.dynamodb.table import Table, with_key
from attune.engine.ids import AttemptId, is_execution_id, wait_of
from attune.execution.ports.blobs import BlobStore
from attune.execution.ports.directory import Page
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus

MAX_ROUNDS = 10
"""Pages of a workflow's executions that are read at most to find those of one status; then the page is short."""
PAGE_BYTES = 2 * 1024 * 1024
"""Bytes of JSON from which on a page of attempts holds no more, however many were asked for."""
Ids = list[str]
Rows = list[dict[str, Any]]


class DynamoDirectory:
    """See the port."""

    def __init__(self, table: Table, blobs: BlobStore) -> None:
        self._table, self._blobs = table, blobs

    def executions(
        self, *, workflow: str | None = None, status: ExecutionStatus | None = None, limit: int = 50, cursor: str = ""
    ) -> Page:
        """See the port. A page may be short, or empty, and still have a cursor."""
        before = decode_cursor(cursor)
        if cursor and not is_execution_id(before):
            raise bad_cursor()
        if workflow is not None and status is not None:
            return self._of_both(workflow, status, limit, before)
        if workflow is not None:
            return _page(self._ids(keys.listed_by_workflow(workflow), limit + 1, before), limit)
        statuses = [status] if status is not None else list(ExecutionStatus)
        found = {i for s in statuses for i in self._ids(keys.listed_by_status(s), limit + 1, before)}
        return _page(sorted(found, reverse=True), limit)

    def _ids(self, listing: str, limit: int, before: str) -> Ids:
        return [keys.execution_of(item["PK"]) for item in self._table.listed(listing, limit, before)]

    def _names(self, listing: str, limit: int, before: str) -> Ids:
        """What a listing is sorted by, where that is more than the execution."""
        return [item["GSI1SK"] for item in self._table.listed(listing, limit, before)]

    def _of_both(self, workflow: str, status: ExecutionStatus, limit: int, before: str) -> Page:
        """The index knows one of the two; the states tell the other."""
        found: Ids = []
        for _ in range(MAX_ROUNDS):
            candidates = self._ids(keys.listed_by_workflow(workflow), 100, before)
            found += self._in_status(candidates, status)
            if len(found) > limit or len(candidates) < 100:
                return _page(found, limit)
            before = candidates[-1]
        return Page(found[:limit], encode_cursor(before))

    def _in_status(self, executions: Ids, status: ExecutionStatus) -> Ids:
        states = self._table.get_many(map(keys.state, executions)) if executions else {}
        wanted = keys.listed_by_status(status)
        return [e for e in executions if states.get(keys.state(e), {}).get("GSI1PK") == wanted]

    def attempts(self, execution: str, *, limit: int = 100, cursor: str = "") -> tuple[Rows, str | None]:
        """See the port."""
        after = _checked(cursor, keys.attempt_of)
        items = self._table.page(keys.partition(execution), keys.TASKS, after, limit + 1)
        rows = _fitting(shown(self._blobs, item) for item in items[:limit])
        more = encode_cursor(items[len(rows) - 1]["SK"]) if len(items) > len(rows) else None
        return rows, more

    def stored(self, execution: str) -> dict[str, str]:
        """See the port."""
        places = {"parameters": (keys.start(execution), "p"), "output": (keys.output(execution), "d")}
        items = self._table.get_many(place for place, _ in places.values())
        found = {name: location(items.get(place, {}).get(short)) for name, (place, short) in places.items()}
        return {name: key for name, key in found.items() if key}

    def inquiries(self, *, limit: int = 50, cursor: str = "") -> Page:
        """See the port."""
        return _page(self._names(keys.INQUIRIES, limit + 1, _checked(cursor, wait_of)), limit)

    def inquiry(self, execution: str, attempt: AttemptId) -> dict[str, Any] | None:
        """See the port."""
        item = self._table.get(keys.wait(execution, WaitKind.INQUIRY, attempt))
        return {**self._blobs.get(item["d"]), "closed": item.get("closed")} if item and "d" in item else None

    def remember(self, key: str, execution: str, digest: str) -> tuple[str, str]:
        """See the port. Bindings are kept for ever."""
        item = with_key(keys.idempotency(key), x=execution, h=digest)
        bound = self._table.put(item, "attribute_not_exists(PK)").existing or item
        return bound["x"], bound["h"]

    def token_name(self, token: str) -> str | None:
        """See the port."""
        item = self._table.get(keys.token(token))
        return str(item["n"]) if item else None

    def put_token(self, token: str, name: str) -> None:
        """See the port."""
        self._table.put(with_key(keys.token(token), n=name))


def _page(found: Ids, limit: int) -> Page:
    shown = found[:limit]
    return Page(shown, encode_cursor(shown[-1]) if len(found) > limit else None)


def _fitting(rows: Iterable[dict[str, Any]]) -> Rows:
    """As many of the rows as one page may hold, one at least."""
    fitting: Rows = []
    size = 0
    for row in rows:
        size += len(to_text(row))
        if fitting and size > PAGE_BYTES:
            break
        fitting.append(row)
    return fitting


def _checked(cursor: str, parse: Callable[[str], Any]) -> str:
    """What a cursor holds, which must be something that ``parse`` takes."""
    text = decode_key_cursor(cursor)
    try:
        if cursor and parse(text) is None:
            raise bad_cursor()
    except ValueError:
        raise bad_cursor() from None
    return text
