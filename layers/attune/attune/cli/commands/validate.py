"""``attune validate``: everything that is wrong, at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.exceptions import Problem, Severity

if TYPE_CHECKING:
    from rich.console import Console

Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files, packs, or folders of packs.", exists=True)]


def validate(paths: Paths, packs: options.Packs = None, as_json: options.Json = False) -> None:
    """Check workflows, actions, rules and packs without running anything.

    Says every problem as [b]file:line:column: severity: message (hint) [[code]][/b]. Exit status 1 if there are errors.
    """
    from attune.cli.project import packs_dirs
    from attune.packs.checker import check

    problems = check(paths, packs_dirs(packs, paths[0], required=False))
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    if as_json:
        found = [problem.to_dict() for problem in problems]
        output.emit({"problems": found, "errors": errors, "warnings": len(problems) - errors})
    else:
        _print(problems, output.console())
    raise typer.Exit(1 if errors else 0)


def _print(problems: list[Problem], out: Console) -> None:
    from attune.cli.render.problems import problem_text, summary

    lines: dict[str, list[str]] = {}
    for problem in problems:
        file = problem.location.file
        if out.is_terminal and file not in lines:
            lines[file] = _lines(file)
        out.print(problem_text(problem, lines.get(file, ())), soft_wrap=True)
    out.print(summary(problems))


def _lines(file: str) -> list[str]:
    try:
        return Path(file).read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return []
