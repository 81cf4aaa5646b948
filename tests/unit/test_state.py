"""The state of an execution between two folds."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from attune.engine.state import Active, Chunks, Items, Visit
from attune.model.built_ins import WaitKind
from attune.model.status import TaskStatus

ACTIVE = Active(TaskStatus.WAITING, 3, 5.5, "01CHILD", 9.5, WaitKind.EVENT)
ITEMS = Items(9, 18, next=4, active={3: ACTIVE, 2: Active(TaskStatus.SCHEDULED, 7)}, failed={1}, again=[0])
CHUNKS = Chunks(900, 1800, 9, next=4, running={2: 10, 3: 0}, failed=2, indexes=[7, 5], whole=True)
VISIT = Visit(1, 2, single=ACTIVE, items=ITEMS, chunks=CHUNKS, round=3, attempt_base=6, last=8)
"""With a value in every field, which no visit has."""


@pytest.mark.parametrize("given", [ITEMS, CHUNKS, VISIT], ids=lambda given: type(given).__name__)
def test_a_copy_says_the_same_and_shares_nothing_that_can_change(given: Any) -> None:
    copy = given.copy()
    for field in fields(given):
        mine, its = getattr(given, field.name), getattr(copy, field.name)
        assert mine, f"the example has nothing in {field.name}"
        assert mine == its
        assert mine is not its or isinstance(mine, int | Active), field.name
