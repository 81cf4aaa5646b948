"""Writes ``docs/reference/problems.md`` from ``tests/broken``: ``python -m tools.problems_page --write``."""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from tests.unit.language.broken_files import BROKEN, PROJECT, Case, body, cases, problems_below

from attune.exceptions import Problem

PAGE = PROJECT / "docs" / "reference" / "problems.md"
LINES, COLUMNS = 16, 118
"""What is shown of a file at most."""
TOPICS = {
    "yaml": "YAML",
    "file": "What a file is",
    "keys": "Keys",
    "values": "Values",
    "ref": "Refs",
    "schema": "Parameters, outputs and schemas",
    "names": "Names of tasks",
    "targets": "Targets of transitions",
    "graph": "The graph",
    "decision": "Decisions",
    "never": "What never happens",
    "skipped": "Skipped tasks",
    "items": "Items",
    "join": "Joins",
    "group": "Groups",
    "calls": "Actions and their inputs",
    "template": "Templates",
    "scope": "Names in templates",
    "run": "Tasks that cannot have run",
    "secret": "Secrets",
    "race": "Races",
    "rule": "Rules",
    "sensor": "Sensors",
    "action": "Action files",
    "packs": "Packs",
}
"""Headings by the first word of a file's name; ``packs`` are folders."""
HEAD = """# Problems and how they read

<!-- Made by `python -m tools.problems_page --write` from the files in tests/broken. Do not edit. -->

What `attune validate` says about files that are wrong, each in a small example. What every code means is in
[errors and findings](errors.md#findings-of-the-validator). Errors stop; warnings only speak.
"""


def made(folder: Path) -> str:
    """The page; ``folder`` is an empty one to put the files into."""
    sections: dict[str, list[str]] = {topic: [] for topic in TOPICS}
    codes: dict[str, set[str]] = {}
    found = _problems(folder)
    for case in cases():
        topic = "packs" if case.path.is_dir() else case.name.partition("_")[0]
        problems = [problem for problem in found if case.has(problem)]
        sections[topic].append(_section(case, folder, problems))
        for problem in problems:
            codes.setdefault(problem.code, set()).add(topic)
    parts = [HEAD, _index(codes)]
    parts += [f"## {TOPICS[topic]}\n\n" + "\n".join(shown) for topic, shown in sections.items() if shown]
    return "\n".join(parts)


def _problems(folder: Path) -> list[Problem]:
    """What is said about the cases when their files have no expectations at their top."""
    for file in (file for case in cases() for file in case.files):
        copy = folder / file.relative_to(BROKEN)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(body(file))
    return problems_below(folder)


def _index(codes: dict[str, set[str]]) -> str:
    rows = [f"| `{code}` | {_links(topics)} |" for code, topics in sorted(codes.items())]
    return "\n".join(["| code | examples |", "|---|---|", *rows]) + "\n"


def _links(topics: Iterable[str]) -> str:
    headings = (TOPICS[topic] for topic in TOPICS if topic in topics)
    return ", ".join(f"[{text}](#{re.sub(r'[^a-z0-9 -]', '', text.lower()).replace(' ', '-')})" for text in headings)


def _section(case: Case, folder: Path, problems: list[Problem]) -> str:
    title = case.name if case.path.is_dir() else case.name.partition("_")[2]
    shown = [f"### {title.replace('_', ' ').capitalize()}\n"]
    for file in case.files:
        name = file.relative_to(case.path.parent)
        text = _shown(body(file).decode("utf-8", errors="replace"))
        shown.append(f"`{name}`:\n\n```yml\n{text}```\n" if text else f"`{name}` is empty.\n")
    root = f"{folder / case.path.relative_to(BROKEN).parent}/"
    said = "\n".join(str(problem).replace(root, "") for problem in problems)
    return "\n".join([*shown, f"```text\n{said}\n```\n"])


def _shown(text: str) -> str:
    """The text, cut where it is long, with signs for what cannot be seen."""
    lines = text.splitlines()
    if len(lines) > LINES:
        lines = [*lines[: LINES - 2], "…", lines[-1]]
    cut = [line if len(line) <= COLUMNS else f"{line[:COLUMNS]}…" for line in lines]
    visible = (re.sub(r"[\x00-\x08\x0b-\x1f]", lambda c: chr(0x2400 + ord(c[0])), line) for line in cut)
    return "".join(f"{line}\n" for line in visible)


def main() -> int:
    """Say whether the page is up to date, or make it so."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the page")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory() as folder:
        page = made(Path(folder))
    if write:
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        print(f"{PAGE.relative_to(PROJECT)} is not up to date", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
