"""The cost of a transition does not depend on the size of the graph, seen in work done rather than in time."""

from __future__ import annotations

import sys

import pytest
from tests.bench.engine import NAME, SHAPES, Shape, prepare, shuffled

GROWTH = 1.5
"""How many times the calls of a transition in the small graph one in a graph four times as large may make."""


def calls_per_transition(shape: Shape, size: int) -> float:
    run, start = prepare(shape.tasks(size), size)
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(count)
    try:
        run.fold(NAME, start)
        run.finish(shuffled())
    finally:
        sys.setprofile(None)
    return calls / run.ended


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_a_transition_takes_as_much_work_in_a_large_graph_as_in_a_small_one(shape: Shape) -> None:
    """Calls are counted, not seconds, so that a busy machine does not decide."""
    small, large = (calls_per_transition(shape, size) for size in (150, 600))

    assert large < small * GROWTH
