"""Questions that workflows ask people, and the answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attune.engine.ids import AttemptId, home_of, wait_of
from attune.engine.messages import Answer
from attune.exceptions import Conflict, Forbidden, InvalidParameters, NotFound
from attune.execution.answers import PageOf
from attune.execution.ports.directory import Directory
from attune.execution.ports.queues import Envelope, Mailbox
from attune.model.schema import mismatches
from attune.model.timestamps import iso

MAX_ROUNDS = 10
"""Pages of open inquiries that are read at most to find those of one assignee; then the page is short."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Inquiry:
    """A question of a task. Nobody in ``assignees``: anybody may answer; ``closed`` says why nobody can any more."""

    id: str
    execution: str
    task: str
    prompt: str
    schema: Mapping[str, Any] | None
    assignees: Sequence[str]
    asked_at: str | None
    times_out_at: str | None
    closed: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """The inquiry that was answered."""

    id: str


class Inquiries:
    """Lists, shows and answers inquiries."""

    def __init__(self, directory: Directory, mailbox: Mailbox) -> None:
        self._directory, self._mailbox = directory, mailbox

    def open(self, limit: int, cursor: str, assignee: str = "") -> PageOf[Inquiry]:
        """A page of open inquiries, of those that name an ``assignee`` if one is given.

        Then a page may be short, or empty, and still have a cursor.
        """
        found: list[Inquiry] = []
        for _ in range(MAX_ROUNDS if assignee else 1):
            page = self._directory.inquiries(limit=limit - len(found), cursor=cursor)
            shown = [self.show(inquiry) for inquiry in page.executions]
            found += [one for one in shown if not assignee or assignee in one.assignees]
            cursor = page.cursor or ""
            if not cursor or len(found) == limit:
                break
        return PageOf(items=tuple(found), cursor=cursor or None)

    def show(self, inquiry: str) -> Inquiry:
        """One inquiry; raises NotFound."""
        execution, attempt, found = self._find(inquiry)
        return Inquiry(
            id=inquiry,
            execution=home_of(execution),
            task=attempt.task,
            prompt=found["prompt"],
            schema=found["schema"],
            assignees=found["assignees"],
            asked_at=iso(found["since"]),
            times_out_at=iso(found["limit"]),
            closed=found["closed"],
        )

    def answer(self, inquiry: str, response: Any, by: str) -> Answered:
        """Answer it.

        Raises:
            NotFound: there is no such inquiry.
            Forbidden: it asks others.
            Conflict: it is no longer open.
            InvalidParameters: the response does not fit its schema; with every mismatch.

        """
        execution, attempt, found = self._find(inquiry)
        if found["assignees"] and by not in found["assignees"]:
            may = ", ".join(found["assignees"])
            raise Forbidden(f"'{by}' may not answer this; it asks {may}", inquiry=inquiry, assignees=found["assignees"])
        if found["closed"] is not None:
            raise Conflict(f"inquiry '{inquiry}' is no longer open: {found['closed']}", inquiry=inquiry)
        wrong = mismatches(response, found["schema"]) if found["schema"] else []
        if wrong:
            raise InvalidParameters(f"the response does not fit: {wrong[0]['path']}: {wrong[0]['message']}", wrong)
        self._mailbox.post([Envelope(execution, Answer(attempt, response, by))])
        return Answered(id=inquiry)

    def _find(self, inquiry: str) -> tuple[str, AttemptId, dict[str, Any]]:
        try:
            execution, attempt = wait_of(inquiry)
        except ValueError:
            raise NotFound(f"there is no inquiry '{inquiry}'", inquiry=inquiry) from None
        found = self._directory.inquiry(execution, attempt)
        if found is None:
            raise NotFound(f"there is no inquiry '{inquiry}'", inquiry=inquiry)
        return execution, attempt, found
