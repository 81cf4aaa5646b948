"""The page of limits says what the code does."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[3] / "docs" / "reference"
TEXT = (DOCS / "limits.md").read_text(encoding="utf-8")
ROWS = [[cell.strip() for cell in line.strip("|").split("|")] for line in TEXT.splitlines() if line.startswith("| ")]
CHECKED = [row for row in ROWS if row[-1].startswith("`")]


@pytest.mark.parametrize("row", CHECKED, ids=[row[-1].strip("`") for row in CHECKED])
def test_a_limit_is_that_of_the_code(row):
    module, _, name = row[-1].strip("`").rpartition(".")
    said = row[-2] if len(row) == 4 else row[1]
    number = re.match(r"[\d,]+", said)
    assert number is not None
    assert float(number.group().replace(",", "")) == getattr(import_module(f"attune.{module}"), name)


def test_every_error_code_of_the_page_is_on_the_page_of_errors():
    known = set(re.findall(r"^\| `([\w-]+)`", (DOCS / "errors.md").read_text(encoding="utf-8"), re.M))
    named = {code for row in ROWS if len(row) == 6 for code in re.findall(r"`([\w-]+)`", row[3])}
    assert named and named <= known
