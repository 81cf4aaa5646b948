"""The deliberately broken files in ``tests/broken``, and what they say is to be said about them.

Each file begins with comments ``# expect: line:column severity code: message (hint)``. A file is a case by itself; so
is each folder in ``tests/broken/packs``, with the expectations of all of its files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from attune.exceptions import Problem
from attune.packs.checker import check

PROJECT = Path(__file__).parents[3]
BROKEN = PROJECT / "tests" / "broken"
PACKS = PROJECT / "packs"

_EXPECT = re.compile(rb"# expect: (.*)\n")


@dataclass(frozen=True)
class Case:
    """A file, or a pack's folder."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    def has(self, problem: Problem) -> bool:
        """Whether the problem, found in the project's folder or a copy of it, is one of this case's files."""
        own, file = self.path.relative_to(BROKEN).parts, Path(problem.location.file).parts
        return any(file[start : start + len(own)] == own for start in range(len(file) - len(own) + 1))

    @property
    def files(self) -> list[Path]:
        return sorted(self.path.rglob("*.yaml")) if self.path.is_dir() else [self.path]

    def expected(self) -> list[str]:
        """One line for each problem: ``file: line:column severity code: message (hint)``."""
        return sorted(f"{file.relative_to(PROJECT)}: {line}" for file in self.files for line in expectations(file))


def problems_below(folder: Path) -> list[Problem]:
    """What is found in all cases, looked at together: reading the packs takes longer than any of them."""
    return check([*sorted(folder.glob("*.yaml")), *sorted((folder / "packs").iterdir())], [PACKS])


def cases() -> list[Case]:
    """All cases by name."""
    return [Case(path) for path in [*sorted(BROKEN.glob("*.yaml")), *sorted((BROKEN / "packs").iterdir())]]


def expectations(file: Path) -> list[str]:
    """What the comments at the top of a file say."""
    found = []
    for line in file.read_bytes().splitlines(keepends=True):
        match = _EXPECT.fullmatch(line)
        if match is None:
            break
        found.append(match[1].decode())
    return found


def body(file: Path) -> bytes:
    """The file without these comments."""
    return b"".join(file.read_bytes().splitlines(keepends=True)[len(expectations(file)) :])


def as_expectation(problem: Problem) -> str:
    """A problem as the comments write it."""
    where = problem.location
    hint = f" ({problem.hint})" if problem.hint else ""
    said = f"{problem.severity} {problem.code}: {problem.message}{hint}"
    return f"{where.file}: {where.line}:{where.column} {said}"
