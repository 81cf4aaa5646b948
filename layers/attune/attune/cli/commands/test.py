"""``attune test``: the tests of packs, in virtual time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.exceptions import InvalidRequest

if TYPE_CHECKING:
    from attune.testing.report import Report, Result

Paths = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH…", help="Test files, packs, or folders of packs [dim](default: the packs)[/dim]."),
]
Junit = Annotated[Path | None, typer.Option("--junit", metavar="FILE", help="Write the results as JUnit XML, too.")]
Expression = Annotated[
    str, typer.Option("-k", metavar="EXPR", help="Only cases whose name or workflow has these words: a and not b.")
]
Coverage = Annotated[bool, typer.Option(help="Say which transitions of the workflows no test took.")]


def test(
    paths: Paths = None,
    packs: options.Packs = None,
    junit: Junit = None,
    only: Expression = "",
    coverage: Coverage = True,
    as_json: options.Json = False,
) -> None:
    """Run the tests of packs: [b]tests/*.yaml[/b].

    Actions are mocked as the tests say; hours of waiting pass at once. Exit status 1 if a test failed.
    """
    from attune.testing import junit as xml

    show = _nothing if as_json else _printer()
    report = _run(paths, packs, only, show)
    if junit:
        xml.write(report, junit)
    if as_json:
        output.emit(report.to_dict())
    else:
        _conclude(report, coverage)
    raise typer.Exit(1 if report.failed else 0)


def _run(
    paths: Sequence[Path] | None, packs: Sequence[Path] | None, only: str, show: Callable[[Result], None]
) -> Report:
    """Raises InvalidRequest if there is nothing to run, InvalidDefinition with all that is wrong in the files."""
    from attune.cli.project import actions_home, load_all
    from attune.testing.report import run_suites, selector
    from attune.testing.suites import check, files_in, read_suites
    from attune.testing.workspace import Workspace

    folders = _folders(paths or (), packs)
    suites = read_suites(file for path in paths or folders for file in files_in(path))
    wanted = selector(only)
    if not any(wanted(case) for suite in suites for case in suite.cases):
        hint = "tests are in packs/<pack>/tests/*.yaml; `attune new pack` makes a pack with one"
        raise InvalidRequest(f"no test fits -k {only!r}" if suites else "there are no tests here", hint=hint)
    known = load_all(folders)
    with actions_home(known) as home:
        workspace = Workspace(known, home)
        check(suites, workspace)
        return run_suites(suites, workspace, wanted, show)


def _folders(paths: Sequence[Path], packs: Sequence[Path] | None) -> list[Path]:
    """The folders of packs: those given, those named as paths, and what lies above the paths."""
    from attune.cli.project import packs_dirs

    named = [path for path in paths if path.is_dir() and any(path.glob("*/pack.yaml"))]
    above = [folder for path in paths for folder in packs_dirs(packs, path / "pack.yaml", required=False)]
    found = [*named, *above] if paths else packs_dirs(packs)
    return list({folder.resolve(): folder for folder in found}.values())


def _nothing(result: Result) -> None:
    """Show nothing."""


def _printer() -> Callable[[Result], None]:
    from attune.cli.render.testing import file_line, result_lines

    out, files = output.console(), set[str]()

    def show(result: Result) -> None:
        if result.case.location.file not in files:
            files.add(result.case.location.file)
            out.print(file_line(result))
        out.print(result_lines(result), soft_wrap=True)

    return show


def _conclude(report: Report, coverage: bool) -> None:
    from attune.cli.render.testing import coverage_lines, summary

    out = output.console()
    if coverage and report.coverage:
        out.print(coverage_lines(report.coverage), soft_wrap=True)
    out.print(summary(report))
