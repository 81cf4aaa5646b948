"""What ``attune validate`` finds: all problems of all files it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from attune.exceptions import InvalidDefinition, Location, Problem
from attune.language.compiler import compile_workflow, interface
from attune.language.files.action_file import compile_action
from attune.language.files.rule_file import check_rule, compile_rule
from attune.language.files.sensor_file import check_sensor, compile_sensor
from attune.language.files.suite_file import compile_suite
from attune.language.findings import Findings
from attune.language.source import Source
from attune.model.action import ActionSpec
from attune.packs.loader import SUFFIXES, check_entry_point, files_of, load_pack, load_packs, read
from attune.packs.pack import Pack, catalogue, check_rules, check_sensors, compile_pack

TESTS: Final = "tests"
"""The folder of a pack's tests; only here and for the simulator are they of interest."""
_FOLDERS: Final = {"actions": "action", "workflows": "workflow", "rules": "rule", "sensors": "sensor", TESTS: "test"}
_KEYS: Final = (
    ("cases", "test"),
    ("tasks", "workflow"),
    ("runner_type", "action"),
    ("trigger", "rule"),
    ("schedule", "sensor"),
)
"""A key that tells what a file is, where its folder doesn't."""


def check(paths: Sequence[Path], packs_dirs: Sequence[Path] = ()) -> list[Problem]:
    """All problems of the files, packs and folders of packs at ``paths``, by place.

    Args:
        paths: Files, packs, or folders of packs or of files.
        packs_dirs: Folders of packs whose actions and workflows may be called besides those in ``paths``; what is
            wrong with them is not reported.

    """
    known = [pack for base in packs_dirs for pack in load_packs(base)]
    parts = [part for path in paths for part in _parts(path)]
    packs = [*known, *(part for part in parts if isinstance(part, Pack))]
    files = [part for part in parts if isinstance(part, _File)]
    packs += [file.pack for file in files if file.pack is not None]
    actions = catalogue(packs)
    found = [part for part in parts if isinstance(part, Problem)]
    for part in parts:
        found += _of_pack(part, actions) if isinstance(part, Pack) else []
    return sorted(dict.fromkeys([*found, *_of_files(files, actions)]), key=lambda p: (p.location, p.code, p.message))


@dataclass(frozen=True)
class _File:
    """A file that was named by itself, and the pack it lies in, if it does."""

    source: Source
    path: Path
    pack: Pack | None


def _parts(path: Path) -> Iterator[Pack | _File | Problem]:
    if path.is_file():
        yield from _file(path)
    elif (path / "pack.yaml").is_file():
        yield load_pack(path)
    elif path.is_dir():
        packs = load_packs(path)
        files = [file for file in sorted(path.iterdir()) if file.suffix in SUFFIXES and file.is_file()]
        yield from packs
        for file in files:
            yield from _file(file)
        if not packs and not files:
            yield Problem("nothing-to-check", "there is no pack and no YAML file in this folder", Location(str(path)))
    else:
        yield Problem("no-such-file", "there is no such file or folder", Location(str(path)))


def _file(path: Path) -> Iterator[Pack | _File | Problem]:
    home = path.absolute().parent
    if path.name in ("pack.yaml", "config.yaml") and (home / "pack.yaml").is_file():
        yield load_pack(path.parent)
        return
    try:
        source = read(path)
    except InvalidDefinition as error:
        yield from error.problems
        return
    in_pack = home.name in _FOLDERS and (home.parent / "pack.yaml").is_file()
    yield _File(source, path, load_pack(home.parent) if in_pack else None)


def _of_pack(pack: Pack, actions: Mapping[str, ActionSpec]) -> list[Problem]:
    found = [*pack.problems, *check_rules(pack, actions), *check_sensors(pack, actions)]
    for _, compiled in compile_pack(pack, actions):
        found += compiled.problems
    return found + [problem for file in files_of(pack.directory / TESTS) for problem in _of_suite(file)]


def _of_suite(path: Path) -> list[Problem]:
    try:
        compile_suite(read(path))
    except InvalidDefinition as error:
        return error.problems
    return []


def _of_files(files: Iterable[_File], actions: Mapping[str, ActionSpec]) -> Iterator[Problem]:
    files = list(files)
    actions = {**actions, **_interfaces(files)}
    for file in files:
        kind = _kind(file)
        try:
            yield from _CHECKS[kind](file, actions) if kind else _unknown(file)
        except InvalidDefinition as error:
            yield from error.problems


def _interfaces(files: Iterable[_File]) -> dict[str, ActionSpec]:
    """Workflows that are checked together may call each other."""
    workflows = (file for file in files if _kind(file) == "workflow")
    return {spec.ref: spec for file in workflows for spec in [interface(file.source, _pack_ref(file))]}


def _kind(file: _File) -> str | None:
    by_key = next((kind for key, kind in _KEYS if key in file.source.data), None)
    return by_key or _FOLDERS.get(file.path.absolute().parent.name)


def _pack_ref(file: _File) -> str:
    """The pack of a file; of one that lies in none, what its ref says."""
    if file.pack is not None:
        return file.pack.ref
    ref: Any = file.source.data.get("ref")
    return ref.partition(".")[0] if isinstance(ref, str) and "." in ref else "local"


def _workflow(file: _File, actions: Mapping[str, ActionSpec]) -> Iterable[Problem]:
    config = file.pack.config if file.pack else {}
    return compile_workflow(file.source, pack=_pack_ref(file), actions=actions, pack_config=config).problems


def _action(file: _File, _: Mapping[str, ActionSpec]) -> Iterable[Problem]:
    spec = compile_action(file.source, pack=_pack_ref(file))
    return check_entry_point(spec, file.source, file.path.parent) if spec else []


def _rule(file: _File, actions: Mapping[str, ActionSpec]) -> Iterable[Problem]:
    return check_rule(file.source, compile_rule(file.source, pack=_pack_ref(file)), actions)


def _unknown(file: _File) -> list[Problem]:
    findings = Findings(file.source)
    hint = "a workflow has 'tasks', an action 'runner_type', a rule 'trigger', a sensor 'schedule', a test 'cases'"
    findings.error("unknown-file", (), "this is no workflow, action, rule, sensor or test", hint)
    return findings.sorted()


def _sensor(file: _File, actions: Mapping[str, ActionSpec]) -> Iterable[Problem]:
    return check_sensor(file.source, compile_sensor(file.source, pack=_pack_ref(file)), actions)


def _test(file: _File, _: Mapping[str, ActionSpec]) -> Iterable[Problem]:
    compile_suite(file.source)
    return []


_CHECKS: Final[dict[str, Callable[[_File, Mapping[str, ActionSpec]], Iterable[Problem]]]] = {
    "workflow": _workflow,
    "action": _action,
    "rule": _rule,
    "sensor": _sensor,
    "test": _test,
}
