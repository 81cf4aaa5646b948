"""Findings of the validator for other programs: SARIF 2.1.0, and the commands of GitHub's workflow runner.

SARIF: OASIS, *Static Analysis Results Interchange Format 2.1.0*. GitHub: "Workflow commands", ``::error file=…::``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from attune import __version__
from attune.exceptions import Problem

SARIF_SCHEMA: Final = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_MESSAGE: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A"})
_PROPERTY: Final = str.maketrans({"%": "%25", "\r": "%0D", "\n": "%0A", ":": "%3A", ",": "%2C"})


def sarif(problems: Sequence[Problem]) -> dict[str, Any]:
    """One run with a rule for each code that occurs; columns count characters."""
    codes = sorted({problem.code for problem in problems})
    rules = [{"id": code, "name": "".join(map(str.capitalize, code.split("-")))} for code in codes]
    driver = {"name": "attune", "semanticVersion": __version__, "rules": rules}
    results = [_result(problem, codes.index(problem.code)) for problem in problems]
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}


def github(problem: Problem) -> str:
    """A line that GitHub shows beside the file's line."""
    where = problem.location
    file = where.file.translate(_PROPERTY)
    place = f"file={file},line={where.line},col={where.column},title={problem.code.translate(_PROPERTY)}"
    return f"::{problem.severity} {place}::{_words(problem).translate(_MESSAGE)}"


def _words(problem: Problem) -> str:
    return f"{problem.message} ({problem.hint})" if problem.hint else problem.message


def _result(problem: Problem, rule: int) -> dict[str, Any]:
    region = {"startLine": problem.location.line, "startColumn": problem.location.column}
    place = {"artifactLocation": {"uri": _uri(problem.location.file)}, "region": region}
    return {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": str(problem.severity),
        "message": {"text": _words(problem)},
        "locations": [{"physicalLocation": place}],
    }


def _uri(file: str) -> str:
    path = Path(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
