# ruff: noqa: E501
"""Files that are almost right: real ones with something changed, as a person or a bad day would."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import strategies as st

PROJECT = Path(__file__).parents[2]
FILES = [
    path.read_text(encoding="utf-8", errors="replace")
    for folder in ("packs", "tests/fixtures/packs", "tests/broken")
    for path in sorted((PROJECT / folder).rglob("*.yaml"))
]
ODD = [
    "\t", "&a", "*a", "<<: *a", "&a [*a, *a]", "!include x", "!!python/object:os.system x", "---", "...", "%YAML 1.1",
    "{{", "}}", "{% for x in y %}", "'{{ task }}'", '"{{ 1/0 }}"', "? [a]: b", "- - - -", "|", ">-", "@", "`", "\x00",
    "\u202e", "\u200f", "\ufeff", "é", "e\u0301", "\U0001f600", "\ud800", "\x85", "\u2028", "9" * 400, "9" * 5000, "0x" + "f" * 4000,
    "1e999", "-.inf", ".nan", "~", "null", "yes", "on:", "[" * 60, "{" * 60, "a: " * 40, "x" * 3000, "[]", "{}", "-", ":", "#",
    "tasks:", "- name: a", "name: fail", "action: core.noop", "on_success: a", "decision: [{}]", "when: 1", "with_items: 7",
    "retry: {count: 101}", "timeout: -1", "timeout: 99999999999999999999h", "join: 0", "parameters: []", "vars: {a: 1}",
    "publish: {a: '{{ result }}'}", "output_map: []", "max_visits: 1e9", "type: loop", "type: parallel", "schema: {$ref: x}",
]  # fmt: skip


def mutate(text: str, choices: list[tuple[int, int, Any]]) -> str:
    """Each choice is (what to do, where, with what)."""
    lines = text.split("\n")
    for what, where, word in choices:
        at = where % max(len(lines), 1)
        line = lines[at] if lines else ""
        indent = line[: len(line) - len(line.lstrip())]
        lines[at : at + 1] = (
            [],
            [line, line],
            [indent + word],
            [line, indent + word],
            [line, indent + "  " + word],
            [line.replace(": ", f": {word} ", 1)],
            [line[: where % (len(line) + 1)] + word + line[where % (len(line) + 1) :]],
            [" " + line],
            [line.lstrip()],
            [line, *lines[: where % 7]],
        )[what]
    return "\n".join(lines)


mutated = st.builds(
    mutate,
    st.sampled_from(FILES),
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 200), st.sampled_from(ODD)), max_size=6),
)
"""A file of ours with up to six changes."""
