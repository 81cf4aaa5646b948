"""``attune validate``: everything that is wrong, at once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.exceptions import Problem, Severity

if TYPE_CHECKING:
    from rich.console import Console

Paths = Annotated[list[Path], typer.Argument(metavar="PATH…", help="Files, packs, or folders of packs.", exists=True)]


class Format(StrEnum):
    """How the findings are written."""

    TEXT = "text"
    JSON = "json"
    SARIF = "sarif"
    GITHUB = "github"


Formats = Annotated[
    Format,
    typer.Option("--format", help="[b]sarif[/b] is for code scanning, [b]github[/b] annotates the lines of a change."),
]


def validate(
    paths: Paths, packs: options.Packs = None, form: Formats = Format.TEXT, as_json: options.Json = False
) -> None:
    r"""Check workflows, actions, rules and packs without running anything.

    Says every problem as [b]file:line:column: severity: message (hint) \[code][/b]. Exit status 1 if there are errors.
    """
    from attune.cli.project import packs_dirs
    from attune.packs.checker import check

    problems = check(paths, packs_dirs(packs, paths[0], required=False))
    _write(problems, Format.JSON if as_json else form)
    raise typer.Exit(1 if _errors(problems) else 0)


def _errors(problems: list[Problem]) -> int:
    return sum(problem.severity is Severity.ERROR for problem in problems)


def _write(problems: list[Problem], form: Format) -> None:
    from attune.cli.render.annotations import github, sarif

    if form is Format.JSON:
        errors, found = _errors(problems), [problem.to_dict() for problem in problems]
        output.emit({"problems": found, "errors": errors, "warnings": len(problems) - errors})
    elif form is Format.SARIF:
        output.emit(sarif(problems))
    elif form is Format.GITHUB:
        for problem in problems:
            typer.echo(github(problem))
    else:
        _print(problems, output.console())


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
