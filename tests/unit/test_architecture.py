"""Who may know whom: imports go one way, and each room keeps to its job."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "layers" / "attune" / "attune"
RANKS = {
    "exceptions": 0,
    "expressions": 1,
    "cost": 1,
    "model": 2,
    "engine": 3,
    "actions": 3,
    "language": 3,
    "execution": 4,
    "packs": 5,
    "adapters": 5,
    "handlers": 6,
    "simulator": 7,
    "api": 7,
    "testing": 8,
    "wiring": 8,
    "cli": 9,
}
"""A module may import from rooms of a lower rank, and from its own."""
PURE = {"expressions", "model", "language", "engine", "execution"}
MODULES = sorted(PACKAGE.rglob("*.py"))


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import fails in Lambda"
            yield node.module or ""


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_one_way(path):
    if path.parent == PACKAGE and path.name == "__init__.py":
        return
    mine = room(path)
    for name in imports(path):
        if name.startswith("attune."):
            theirs = name.split(".")[1]
            assert theirs == mine or RANKS[theirs] < RANKS[mine], f"{mine} must not import {name}"


@pytest.mark.parametrize(
    ("rooms", "forbidden"),
    [
        (
            {"expressions", "model", "language", "engine", "execution"},
            {"boto3", "botocore", "os", "random", "uuid", "secrets", "socket"},
        ),
        ({"engine"}, {"time", "yaml", "pydantic", "jsonschema", "logging"}),
        (set(RANKS) - {"language", "api", "cli"}, {"pydantic", "yaml"}),
        (set(RANKS) - {"actions", "wiring", "cli"}, {"boto3"}),
    ],
)
def test_a_room_keeps_to_its_job(rooms, forbidden):
    for path in MODULES:
        if room(path) in rooms:
            found = {name.split(".")[0] for name in imports(path)} & forbidden
            assert not found, f"{path.relative_to(PACKAGE)} imports {found}"


def test_only_wiring_and_the_commands_read_the_environment():
    readers = {room(path) for path in MODULES if "os.environ" in path.read_text(encoding="utf-8")}
    assert readers <= {"wiring", "cli", "actions"}, "actions scrubs the environment of its children"


def test_functions_are_one_file_each_and_thin():
    for path in (PACKAGE.parents[2] / "functions").rglob("*.py"):
        assert path.name == "app.py"
        assert len(path.read_text(encoding="utf-8").splitlines()) < 50


BY_NAME = {"engine", "execution", "adapters", "handlers", "actions", "model"}
"""Rooms in which nobody has to count: what takes five things or more takes them by name, from the fifth on at least."""
MOST_BY_POSITION = 4
NOT_YET = {"execution/diagnosis.py", "execution/doctor.py"}


def is_keyword_only(node: ast.ClassDef) -> bool:
    return any(
        keyword.arg == "kw_only" and isinstance(keyword.value, ast.Constant) and keyword.value.value is True
        for decorator in node.decorator_list
        if isinstance(decorator, ast.Call)
        for keyword in decorator.keywords
    )


def by_position(node: ast.ClassDef) -> list[str]:
    """What the class takes by position when it is made, as far as it says so itself."""
    names = {ast.unparse(decorator).partition("(")[0] for decorator in node.decorator_list}
    inits = [part for part in node.body if isinstance(part, ast.FunctionDef) and part.name == "__init__"]
    if inits:
        return [argument.arg for argument in inits[0].args.args[1:]]
    if "dataclass" not in names or is_keyword_only(node):
        return []
    fields = [ast.unparse(part.target) for part in node.body if isinstance(part, ast.AnnAssign)]
    return list(takewhile(lambda name: name != "_", fields))


def classes(path: Path) -> Iterator[ast.ClassDef]:
    return (node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ClassDef))


def test_what_takes_five_things_takes_them_by_name():
    files = [path for path in MODULES if room(path) in BY_NAME and str(path.relative_to(PACKAGE)) not in NOT_YET]
    counted = {f"{path.relative_to(PACKAGE)}: {one.name}": by_position(one) for path in files for one in classes(path)}
    assert {name: taken for name, taken in counted.items() if len(taken) > MOST_BY_POSITION} == {}
    assert max(map(len, counted.values())) == MOST_BY_POSITION, "the search finds nothing any more"
