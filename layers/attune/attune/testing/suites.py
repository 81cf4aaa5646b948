"""Finding test files, and checking them against the workflows they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from attune.exceptions import AttuneError, InvalidDefinition, InvalidRequest, Problem
from attune.expressions.values import nearest
from attune.language.files.suite_file import Case, Suite, compile_suite
from attune.language.findings import Findings
from attune.language.source import Path as Steps
from attune.model.graph import Graph
from attune.packs.loader import SUFFIXES, read
from attune.testing.workspace import Workspace

FOLDER: Final = "tests"
"""Where a pack keeps its test files."""


def files_in(path: Path) -> list[Path]:
    """The test files of a pack, of a folder of packs, or of a plain folder; a file is one itself.

    Raises InvalidRequest if there is nothing at the path.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InvalidRequest(f"there is no file or folder {path}")
    if (path / "pack.yaml").is_file():
        return _yaml(path / FOLDER)
    packs = sorted(folder for folder in path.iterdir() if (folder / "pack.yaml").is_file())
    return [file for pack in packs for file in _yaml(pack / FOLDER)] if packs else _yaml(path)


def read_suites(files: Iterable[Path]) -> list[Suite]:
    """All of them; raises InvalidDefinition with the problems of all that are wrong."""
    suites, problems = list[Suite](), list[Problem]()
    for file in dict.fromkeys(files):
        try:
            suites.append(compile_suite(read(file)))
        except InvalidDefinition as error:
            problems += error.problems
    if problems:
        raise InvalidDefinition(problems)
    return suites


def check(suites: Sequence[Suite], workspace: Workspace) -> None:
    """Whether all that the cases name is there; raises InvalidDefinition with all problems."""
    problems: dict[Problem, None] = {}
    for suite in suites:
        findings, graphs = Findings(suite.source), list[Graph]()
        for case in suite.cases:
            try:
                graph = workspace.subject(case)
            except InvalidDefinition as error:
                problems |= dict.fromkeys(error.problems)
            except AttuneError as error:
                findings.error("unknown-subject", _subject_path(case, suite), error.message, error.hint)
            else:
                graphs.append(graph)
                _check_tasks(case, graph, findings)
                _check_answered(_answered(case, suite), [graph], workspace, findings)
        _check_answered(_answered_by_file(suite), graphs, workspace, findings)
        problems |= dict.fromkeys(findings.sorted())
    if problems:
        raise InvalidDefinition(list(problems))


def _yaml(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.suffix in SUFFIXES and file.is_file())


def _subject_path(case: Case, suite: Suite) -> Steps:
    key = "workflow" if case.workflow else "action"
    own = suite.source.data["cases"][case.path[-1]]
    return (*case.path, key) if own.get(key) else (key,)


def _check_tasks(case: Case, graph: Graph, findings: Findings) -> None:
    for path, name in _task_names(case):
        if name not in graph.by_name:
            hint = nearest(name, graph.by_name)
            findings.error("unknown-task", path, f"{graph.ref} has no task {name!r}", hint, key=True)


def _check_answered(
    names: Iterable[tuple[Steps, str]], graphs: Sequence[Graph], workspace: Workspace, findings: Findings
) -> None:
    known = [*(name for graph in graphs for name in graph.by_name), *workspace.actions]
    for path, name in names:
        if name not in known:
            message = f"{name!r} is neither a task of what is tested nor an action"
            findings.error("unknown-mock", path, message, nearest(name, known), key=True)


def _task_names(case: Case) -> Iterator[tuple[Steps, str]]:
    expect = case.expect
    for key, lists in (("tasks", expect.tasks or ()), ("ran", expect.ran), ("not_ran", expect.not_ran)):
        for number, name in enumerate(lists):
            yield (*case.path, "expect", key, number), name
    for key, mapping in (("inputs", expect.inputs), ("attempts", expect.attempts)):
        for name in mapping:
            yield (*case.path, "expect", key, name), name
    for number, moment in enumerate(case.timeline):
        if moment.answer is not None:
            yield (*case.path, "timeline", number, "answer", "task"), moment.answer.task


def _answered(case: Case, suite: Suite) -> Iterator[tuple[Steps, str]]:
    """The names of actions and tasks that the case itself answers for."""
    return _answered_in(suite.source.data["cases"][case.path[-1]], case.path)


def _answered_by_file(suite: Suite) -> Iterator[tuple[Steps, str]]:
    """The same for the defaults of its file."""
    return _answered_in(suite.source.data, ())


def _answered_in(written: Mapping[str, Any], path: Steps) -> Iterator[tuple[Steps, str]]:
    for name in written.get("mocks") or ():
        yield (*path, "mocks", name), name
    for number, name in enumerate(written["real"] if isinstance(written.get("real"), list) else ()):
        yield (*path, "real", number), name
