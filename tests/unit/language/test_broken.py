"""Everything that is wrong with a file is said, at its place, in these words, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.unit.language.broken_files import BROKEN, PROJECT, Case, as_expectation, cases, problems_below
from tools import problems_page

from attune.exceptions import Problem

CASES = cases()
NO_FILE_SHOWS = {"file-too-large", "unreadable-file", "no-such-file", "nothing-to-check", "outside-of-pack"}
"""Codes that are about a file or folder itself; ``test_source`` and ``test_pack_loader`` have them."""


def test_there_are_a_hundred_of_them() -> None:
    assert len(CASES) >= 100


@pytest.fixture(scope="module")
def found() -> list[Problem]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        return problems_below(BROKEN.relative_to(PROJECT))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_broken_file_is_explained_exactly(case: Case, found: list[Problem]) -> None:
    expected = case.expected()
    assert expected, "a broken file says what is to be found"
    assert sorted(as_expectation(problem) for problem in found if case.has(problem)) == expected


def test_every_code_of_the_validator_is_shown_by_a_broken_file() -> None:
    page = (PROJECT / "docs/reference/errors.md").read_text(encoding="utf-8")
    findings = page.split("\n## Findings of the validator\n")[1].split("\n## ")[0]
    of_files = re.sub(r"\n### Tests\n.*?(?=\n### |\Z)", "", findings, flags=re.DOTALL)
    known = set(re.findall(r"^\| `([\w-]+)`", of_files, re.MULTILINE))
    shown = {re.findall(r" (?:error|warning) ([\w-]+): ", line)[0] for case in CASES for line in case.expected()}
    assert known - NO_FILE_SHOWS == shown


def test_the_page_of_problems_is_up_to_date(tmp_path: Path) -> None:
    assert problems_page.PAGE.read_text(encoding="utf-8") == problems_page.made(tmp_path), (
        "run: python -m tools.problems_page --write"
    )
