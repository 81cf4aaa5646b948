"""Whether one task can have ended when a template of another is rendered."""

from __future__ import annotations

from attune.language.checks.outcomes import Choices
from attune.language.draft import Draft
from attune.model.reachability import reached


class Order:
    """Answers for one draft, with what was found out on the way kept."""

    def __init__(self, draft: Draft) -> None:
        self._draft, self._choices = draft, Choices(draft)
        self._without: dict[int, int] = {}

    def why_not(self, named: int, by: int, before: bool) -> str | None:
        """Why ``task.<named>`` can't be there in a template of task ``by``; None if it can.

        Args:
            named: The task that the template names.
            by: The task whose template it is.
            before: The template is rendered before the task runs.

        """
        draft = self._draft
        name, own = draft.tasks[named].name, draft.tasks[by].name
        if named == by:
            hopeless = before and not draft.is_repeated(by)
            return f"task {name!r} has not run when this is rendered" if hopeless else None
        if named in draft.groups_of(by):
            hopeless = not draft.is_repeated(named)
            return f"task {name!r}, the group around {own!r}, has not ended when this is rendered" if hopeless else None
        if draft.inside[by] >> named & 1:
            return f"task {name!r} has not run when this is rendered, since {own!r} starts it" if before else None
        if any(self._only_after(named, earlier) for earlier in (by, *draft.groups_of(by))):
            return f"task {name!r} can't have run when this is rendered, since it only runs after {own!r}"
        if self._choices.exclusive(named, by):
            return f"task {name!r} can't have run when this is rendered: no execution runs both it and {own!r}"
        return None

    def _only_after(self, named: int, earlier: int) -> bool:
        """Whether a task only runs when ``earlier`` has: in a group's case, when all of it has."""
        if self._draft.inside[earlier] >> named & 1:
            return False
        if earlier not in self._without:
            others = ~(1 << earlier)
            self._without[earlier] = reached(self._draft.steps, self._draft.entries & others, others)
        return not self._without[earlier] >> named & 1
