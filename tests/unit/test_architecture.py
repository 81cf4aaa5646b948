"""Who may know whom: imports go one way, and each room keeps to its job."""

from __future__ import annotations

import ast
from collections.abc import Iterator
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


def test_the_api_knows_ports_and_use_cases_and_nothing_behind_them():
    """No adapter, and no message of the engine: what may be told to whom is for a use case to know."""
    known = {"exceptions", "expressions", "model", "execution", "packs", "handlers", "api"}
    for path in MODULES:
        if room(path) == "api":
            found = {name.split(".")[1] for name in imports(path) if name.startswith("attune.")} - known
            assert not found, f"{path.relative_to(PACKAGE)} imports {found}"


def test_only_wiring_and_the_commands_read_the_environment():
    readers = {room(path) for path in MODULES if "os.environ" in path.read_text(encoding="utf-8")}
    assert readers <= {"wiring", "cli", "actions"}, "actions scrubs the environment of its children"


def test_functions_are_one_file_each_and_thin():
    for path in (PACKAGE.parents[2] / "functions").rglob("*.py"):
        assert path.name == "app.py"
        assert len(path.read_text(encoding="utf-8").splitlines()) < 50
