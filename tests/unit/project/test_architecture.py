"""Who may know whom: imports go one way, and each room keeps to its job."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[3] / "layers" / "attune" / "attune"
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
INSIDE = {
    "language": {
        "yaml_nodes": 0,
        "fields": 0,
        "editor_schema": 0,
        "source": 1,
        "findings": 2,
        "parsing": 3,
        "flat": 3,
        "refs": 3,
        "task_draft": 3,
        "draft": 4,
        "dialect": 5,
        "checks": 5,
        "dialects": 6,
        "compiler": 7,
        "files": 8,
    },
    "adapters": {"aws": 0, "memory": 0},
}
"""The same inside of rooms that have rooms of their own; those of one rank do not know each other."""
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


def within(name: str) -> str:
    """The room inside of a room that a module belongs to."""
    return name.split(".")[2] if name.count(".") > 1 else ""


@pytest.mark.parametrize("path", [path for path in MODULES if room(path) in INSIDE and path.name != "__init__.py"],
                         ids=lambda path: str(path.relative_to(PACKAGE)))  # fmt: skip
def test_imports_go_one_way_inside_of_a_room_too(path):
    ranks = INSIDE[room(path)]
    mine = within(module_name(path))
    for name in imported(path):
        if name.startswith(f"attune.{room(path)}."):
            theirs = within(name)
            assert theirs == mine or ranks[theirs] < ranks[mine], f"{mine} must not import {name}"


def module_name(path: Path) -> str:
    return ".".join(("attune", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")


NAMES = {module_name(path): path for path in MODULES}


def imported(path: Path) -> set[str]:
    """Every module of ours that a module imports, at its top or later, for types only or not."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            names = (f"{node.module}.{alias.name}" for alias in node.names)
            found |= {name if name in NAMES else node.module for name in names}
    return found & NAMES.keys()


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: imported(path) - {name} for name, path in NAMES.items()}
    with_way_out = set[str]()
    while found := {name for name, others in graph.items() if name not in with_way_out and others <= with_way_out}:
        with_way_out |= found
    assert set(graph) == with_way_out, "these are on a circle, or lead to one"


def test_the_engine_knows_nothing_of_the_compiler():
    code = "import sys, attune.engine.advance; print([m for m in sys.modules if m.startswith('attune.language')])"
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "[]\n"


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


def test_functions_and_modules_stay_small():
    """A function of more than 40 lines, or a module of more than 300, does more than one thing."""
    for path in MODULES:
        source = path.read_text(encoding="utf-8")
        assert source.count("\n") <= 300, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                assert node.end_lineno - node.lineno < 40, f"{path}:{node.lineno} {node.name}"


def test_files_of_tests_stay_readable():
    for path in (PACKAGE.parents[2] / "tests").rglob("*.py"):
        assert path.read_text(encoding="utf-8").count("\n") <= 500, path


def test_functions_are_one_file_each_and_thin():
    for path in (PACKAGE.parents[2] / "functions").rglob("*.py"):
        assert path.name == "app.py"
        assert len(path.read_text(encoding="utf-8").splitlines()) < 50


BY_NAME = set(RANKS)
"""Rooms in which nobody has to count: what takes five things or more takes them by name, from the fifth on at least."""
MOST_BY_POSITION = 4


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
    files = [path for path in MODULES if room(path) in BY_NAME]
    counted = {f"{path.relative_to(PACKAGE)}: {one.name}": by_position(one) for path in files for one in classes(path)}
    assert {name: taken for name, taken in counted.items() if len(taken) > MOST_BY_POSITION} == {}
    assert max(map(len, counted.values())) == MOST_BY_POSITION, "the search finds nothing any more"
