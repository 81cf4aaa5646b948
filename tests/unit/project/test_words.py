"""One word for one thing: what docs/reference/glossary.md replaced is used no more, in code, docs and messages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
CODE = [path for folder in ("layers/attune/attune", "functions", "packs", "tests", "tools")
        for path in sorted((PROJECT / folder).rglob("*.py")) if "fixtures" not in path.parts]  # fmt: skip
DOCS = [PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "template.yaml")]
DOCS += sorted((PROJECT / "docs").rglob("*.md"))
GLOSSARY = PROJECT / "docs" / "reference" / "glossary.md"

REPLACED = {
    "letter": "message, or envelope",
    "letters": "messages",
    "desk": "handler",
    "desks": "handlers",
    "births": "FoldInput",
    "born": "begun",
    "unborn": "not begun",
    "tally": "item_summary",
    "tallies": "item_summary",
    "sightings": "SensorResults",
    "slip": "reference",
    "slips": "references",
    "failers": "led_to_fail",
    "replan": "retry_plan",
}
"""Words that are wrong wherever they stand, and what to say."""
NAMES = REPLACED | {
    "salt": "resend_id",
    "generation": "request_id",
    "vanished": "TOMBSTONE",
    "heard": "seen_controls",
    "enough": "out_of_time",
    "rerun": "retry of an execution",
}
"""Words that are good English, and not what we call things in code."""
RIGHT = re.compile(
    r"dead[-_ ]?letters?|deadletter\w*|letters, digits|letters, \"|(first|small|ascii)[_ ]letters?"
    r"|[<{/(]letter\b|letter: DeadLetterId|\"unborn\"",
    re.IGNORECASE,
)
"""Letters of dead-letter queues, of the alphabet; the parameter of a published route; a word of a stored execution."""
OF_OTHERS = {"letter", "GenerationMode", "generation_mode"}
"""The parameter of a published route, and names of a library."""


def words_of(name: str) -> list[str]:
    """The words in a name: those of ``DeadLetterStore`` are dead, letter, store."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)]


def names_in(tree: ast.AST) -> Iterator[str]:
    """What is named in code: classes, functions, parameters, variables, attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef() | ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name
            case ast.arg() | ast.keyword():
                yield node.arg or ""
            case ast.Name():
                yield node.id
            case ast.Attribute():
                yield node.attr


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(PROJECT)))
def test_nothing_is_named_by_a_word_that_was_replaced(path: Path) -> None:
    if path == Path(__file__):
        return
    names = set(names_in(ast.parse(text_of(path)))) - OF_OTHERS
    wrong = {name: set(words_of(RIGHT.sub("", name))) & NAMES.keys() for name in names}
    assert not {name: [NAMES[word] for word in words] for name, words in wrong.items() if words}


@pytest.mark.parametrize("path", [*CODE, *DOCS], ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_text_uses_a_word_that_was_replaced(path: Path) -> None:
    """Docs, comments, docstrings, messages. What is stored and sent under an old name stays: see ``_STORED``."""
    if path == Path(__file__):
        return
    found = re.findall(rf"(?<![a-z])({'|'.join(REPLACED)})(?![a-z])", RIGHT.sub("", text_of(path)), re.IGNORECASE)
    assert not found, {word: REPLACED[word.lower()] for word in found}


def test_what_the_glossary_names_in_code_is_there() -> None:
    named = set(re.findall(r"^\| `(\w+)`", text_of(GLOSSARY), re.MULTILINE))
    known = {name for path in CODE if "layers" in path.parts for name in names_in(ast.parse(text_of(path)))}
    assert len(named) >= 4
    assert named <= known


def test_the_glossary_says_each_word_once() -> None:
    words = re.findall(r"^\| ([^|`]+?) \|", text_of(GLOSSARY), re.MULTILINE)
    single = [one for word in words if word not in ("word", "name") for one in word.split(", ")]
    assert len(single) > 50
    assert len(single) == len(set(single))
