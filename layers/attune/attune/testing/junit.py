"""A report as JUnit XML, which CI systems show: a suite for each file, a case for each case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from attune.testing.report import Report, Result, explain

_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(report: Report, path: Path) -> None:
    """Write the file, and the folders above it."""
    root = ElementTree.Element("testsuites", _counts(report.results) | {"name": "attune"})
    for file, results in groupby(report.results, key=lambda result: result.case.location.file):
        _suite(root, file, list(results))
    ElementTree.indent(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    ElementTree.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)


def _counts(results: Sequence[Result]) -> dict[str, str]:
    failed = sum(not result.passed for result in results)
    seconds = sum(result.seconds for result in results)
    return {"tests": str(len(results)), "failures": str(failed), "errors": "0", "time": f"{seconds:.3f}"}


def _suite(root: ElementTree.Element, file: str, results: list[Result]) -> None:
    suite = ElementTree.SubElement(root, "testsuite", {"name": file, **_counts(results)})
    for result in results:
        case = result.case
        place = {"file": case.location.file, "line": str(case.location.line)}
        about = {"classname": case.subject, "name": case.name, "time": f"{result.seconds:.3f}", **place}
        element = ElementTree.SubElement(suite, "testcase", about)
        if not result.passed:
            lines = [_clean(line) for line in explain(result)]
            failure = ElementTree.SubElement(element, "failure", {"message": lines[0]})
            failure.text = "\n".join(lines)


def _clean(text: str) -> str:
    """Without the characters that XML 1.0 has no form for (production 2, Char)."""
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
