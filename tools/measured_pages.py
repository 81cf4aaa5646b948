"""Putting what was measured into a page of the docs."""

from __future__ import annotations

import contextlib
import io
import sys
from pathlib import Path

import pytest


def put(page: Path, begin: str, end: str, made: str) -> None:
    """Replace what stands between the two marks, and the marks, by ``made``, which has them too."""
    text = page.read_text(encoding="utf-8")
    page.write_text(text[: text.index(begin)] + made + text[text.index(end) + len(end) :], encoding="utf-8")


def print_measured(test: str, page: Path, begin: str, end: str, *options: str) -> int:
    """Run the test file that prints a table between the marks, print it, and with --write put it into the page.

    Returns 1, and prints all that the test said, if there is no table.
    """
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = pytest.main([test, "-s", "-q", *options, "-p", "no:cacheprovider"])
    text = out.getvalue()
    if code or begin not in text:
        print(text)
        return 1
    made = text[text.index(begin) : text.index(end) + len(end)]
    print(made)
    if "--write" in sys.argv:
        put(page, begin, end, made)
    return 0
