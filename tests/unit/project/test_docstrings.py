"""Docstrings refer to what is there."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[3] / "layers" / "attune"
MODULES = sorted((PACKAGE / "attune").rglob("*.py"))
REFERENCE = re.compile(r":(?:func|class|mod|data|attr|meth):`[~!]?\.?([\w.]+)`")


def known(thing: Any, names: list[str]) -> bool:
    """Whether these names lead on from a module or class, one to the next; a field of a dataclass has none."""
    if not names:
        return True
    if hasattr(thing, names[0]):
        return known(getattr(thing, names[0]), names[1:])
    return is_dataclass(thing) and names[0] in {field.name for field in fields(thing)}


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")


def places(path: Path, text: str) -> Iterator[Any]:
    """Where a name may be looked up: the module itself, and its classes."""
    module = importlib.import_module(name_of(path))
    yield module
    yield from (getattr(module, name) for name in re.findall(r"^class (\w+)", text, re.MULTILINE))


def absolute(name: str) -> bool:
    """Whether the whole name leads to something, through as many modules as there are."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        return known(module, parts[end:])
    return False


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_a_docstring_refers_to_is_there(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    names = set(REFERENCE.findall(text))
    found = {name for name in names if any(known(place, name.split(".")) for place in places(path, text))}
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    assert {name for name in names - found if not absolute(name) and not absolute(f"{package}.{name}")} == set()
