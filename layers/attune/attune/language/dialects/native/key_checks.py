"""What only the native dialect can write wrongly: its keys, judged with the whole draft at hand."""

from __future__ import annotations

from collections.abc import Sequence

from attune.language.dialects.native import decisions, never_fires, task_types
from attune.language.dialects.native.models import TaskModel
from attune.language.draft import Draft


def check(draft: Draft) -> None:
    """All keys of all tasks. The draft's origin are the tasks as they are written, in its order."""
    models: Sequence[TaskModel] = draft.workflow.origin
    for number, task in enumerate(models):
        task_types.check(draft, number, task)
        decisions.check(draft, number, task)
        never_fires.check(draft, number, task)
