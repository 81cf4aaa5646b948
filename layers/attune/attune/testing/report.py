"""Running suites, and what came of all their cases."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from attune.exceptions import Location
from attune.language.files.suite_file import Case, Suite
from attune.testing import case as cases
from attune.testing.case import Outcome
from attune.testing.coverage import Coverage, coverage
from attune.testing.expectations import ABSENT, Difference, differences
from attune.testing.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Result:
    """How one case went: its execution, the differences from what it expects, and the real seconds it took."""

    case: Case
    outcome: Outcome
    differences: Sequence[Difference]
    seconds: float

    @property
    def passed(self) -> bool:
        """Whether everything is as expected."""
        return not self.differences and not self.outcome.problems

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.case.name,
            "subject": self.case.subject,
            **_place(self.case.location),
            "passed": self.passed,
            "status": self.outcome.status,
            "error": self.outcome.error,
            "tasks": list(self.outcome.tasks),
            "elapsed": self.outcome.elapsed,
            "seconds": round(self.seconds, 3),
            "problems": list(self.outcome.problems),
            "differences": [_difference(row) for row in self.differences],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """All results in the order of the files, and the coverage of the workflows that they are about."""

    results: Sequence[Result]
    coverage: Sequence[Coverage]
    seconds: float

    @property
    def failed(self) -> int:
        """How many cases failed."""
        return sum(not result.passed for result in self.results)

    def to_dict(self) -> dict[str, Any]:
        """As JSON; a difference without ``actual`` found nothing there."""
        return {
            "passed": len(self.results) - self.failed,
            "failed": self.failed,
            "seconds": round(self.seconds, 3),
            "cases": [result.to_dict() for result in self.results],
            "coverage": [_covered(row) for row in self.coverage],
        }


def run_suites(
    suites: Iterable[Suite], workspace: Workspace, wanted: Callable[[Case], bool], show: Callable[[Result], None]
) -> Report:
    """Run the wanted cases one after the other, telling ``show`` of each; raises as :func:`attune.testing.case.run`."""
    begun, taken = time.monotonic(), Counter[tuple[str, int, int]]()
    results, graphs = list[Result](), {}
    for case in (case for suite in suites for case in suite.cases if wanted(case)):
        result = run_case(case, workspace)
        results.append(result)
        taken.update(result.outcome.taken)
        if case.workflow:
            graphs[case.workflow] = workspace.subject(case)
        show(result)
    covered = coverage([graph for _, graph in sorted(graphs.items())], taken)
    return Report(results, covered, time.monotonic() - begun)


def run_case(case: Case, workspace: Workspace) -> Result:
    """Run one case and compare."""
    begun = time.monotonic()
    outcome = cases.run(case, workspace)
    return Result(case, outcome, differences(case, outcome), time.monotonic() - begun)


def selector(expression: str) -> Callable[[Case], bool]:
    """Which cases ``-k`` keeps: words joined by ``and``, ``or`` and ``not``, each a part of the name or subject."""

    def holds(term: str, text: str) -> bool:
        word = term.removeprefix("not ").strip().casefold()
        return (word in text) is not term.startswith("not ")

    def wanted(case: Case) -> bool:
        text = f"{case.name} {case.subject}".casefold()
        ways = (way.split(" and ") for way in expression.split(" or "))
        return any(all(holds(term.strip(), text) for term in way) for way in ways)

    return wanted


def explain(result: Result) -> list[str]:
    """Why a case failed, in plain lines."""
    lines = list(result.outcome.problems)
    for row in result.differences:
        expected, actual = (_text(value) for value in (row.expected, row.actual))
        lines.append(f"{row.where}: expected {expected}, got {actual}")
    error = result.outcome.error
    if error and any(row.where == "status" for row in result.differences):
        lines.append(f"the execution's error: {error.get('type')}: {error.get('message')}")
    return lines


def _text(value: Any) -> str:
    return "nothing" if value is ABSENT else json.dumps(value, ensure_ascii=False)


def _difference(row: Difference) -> dict[str, Any]:
    sides = {"expected": row.expected, "actual": row.actual}
    return {"where": row.where, **{side: value for side, value in sides.items() if value is not ABSENT}}


def _covered(row: Coverage) -> dict[str, Any]:
    missing = [{"from": edge.task, "on": edge.on, "when": edge.when, "to": list(edge.to)} for edge in row.missing]
    return {"workflow": row.workflow, "taken": row.count, "total": row.total, "missing": missing}


def _place(location: Location) -> dict[str, Any]:
    return {"file": location.file, "line": location.line}
