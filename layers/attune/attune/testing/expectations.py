"""Whether what became of a case is what it expects, difference by difference.

Mappings are compared by the names that are expected, others may be there; lists and plain values must be equal.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from attune.language.files.suite_file import Case
from attune.testing.case import Outcome

ABSENT: Final = object()
"""What is found where nothing is."""


@dataclass(frozen=True, slots=True)
class Difference:
    """``where`` is a path such as ``output.summary.total``; ``actual`` may be :data:`ABSENT`."""

    where: str
    expected: Any
    actual: Any


def differences(case: Case, outcome: Outcome) -> list[Difference]:
    """All of them, in the order in which a reader wants to know."""
    return [difference for check in _CHECKS for difference in check(case, outcome)]


def compare(expected: Any, actual: Any, where: str) -> Iterator[Difference]:
    """The innermost values that differ."""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        for name, value in expected.items():
            yield from compare(value, actual.get(name, ABSENT), f"{where}.{name}")
    elif isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        for number, pair in enumerate(zip(expected, actual, strict=True)):
            yield from compare(*pair, f"{where}[{number}]")
    elif not _same(expected, actual):
        yield Difference(where, expected, actual)


def _same(expected: Any, actual: Any) -> bool:
    if isinstance(expected, bool) or isinstance(actual, bool):
        return expected is actual
    if isinstance(expected, int | float) and isinstance(actual, int | float):
        return math.isclose(expected, actual, rel_tol=1e-9)
    return bool(expected == actual)


def _status(case: Case, outcome: Outcome) -> Iterator[Difference]:
    expect = case.expect
    if expect.end != outcome.status:
        yield Difference("status", expect.end, outcome.status)


def _error(case: Case, outcome: Outcome) -> Iterator[Difference]:
    expect = case.expect
    if expect.error is None:
        return
    wanted = expect.error.model_dump(exclude_none=True)
    found = dict(outcome.error or {})
    part = wanted.pop("message", "")
    if part not in str(found.get("message", "")):
        yield Difference("error.message", f"… {part} …", found.get("message", ABSENT))
    yield from compare(wanted, found, "error")


def _output(case: Case, outcome: Outcome) -> Iterator[Difference]:
    if case.expects_output:
        yield from compare(case.expect.output, outcome.output, "output")


def _tasks(case: Case, outcome: Outcome) -> Iterator[Difference]:
    expect = case.expect
    if expect.tasks is not None and expect.tasks != list(outcome.tasks):
        yield Difference("tasks", expect.tasks, list(outcome.tasks))
    missing = [name for name in expect.ran if name not in outcome.tasks]
    if missing:
        yield Difference("ran", missing, ABSENT)
    unwanted = [name for name in expect.not_ran if name in outcome.tasks]
    if unwanted:
        yield Difference("not_ran", ABSENT, unwanted)


def _inputs(case: Case, outcome: Outcome) -> Iterator[Difference]:
    for task, wanted in case.expect.inputs.items():
        found = [attempt.input for attempt in outcome.tries if attempt.task == task]
        if isinstance(wanted, list):
            yield from compare(wanted, found, f"inputs.{task}")
        else:
            yield from compare(wanted, found[-1] if found else ABSENT, f"inputs.{task}")


def _vars(case: Case, outcome: Outcome) -> Iterator[Difference]:
    yield from compare(case.expect.vars, outcome.vars, "vars")


def _attempts(case: Case, outcome: Outcome) -> Iterator[Difference]:
    recorded, visits = Counter(attempt.task for attempt in outcome.tries), Counter(outcome.tasks)
    for task, wanted in case.expect.attempts.items():
        found = recorded[task] or visits[task]
        if found != wanted:
            yield Difference(f"attempts.{task}", wanted, found)


def _elapsed(case: Case, outcome: Outcome) -> Iterator[Difference]:
    wanted = case.expect.elapsed
    if wanted is None:
        return
    most = math.inf if wanted.max is None else wanted.max
    if not wanted.min <= outcome.elapsed <= most:
        limits = [f"at least {wanted.min:g} s"] if wanted.min else []
        limits += [f"at most {most:g} s"] if wanted.max is not None else []
        yield Difference("elapsed", ", ".join(limits), f"{outcome.elapsed:g} s")


_CHECKS: Final[Sequence[Callable[[Case, Outcome], Iterator[Difference]]]] = (
    _status,
    _error,
    _tasks,
    _output,
    _vars,
    _inputs,
    _attempts,
    _elapsed,
)
