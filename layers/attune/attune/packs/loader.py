"""Loads packs from folders, and reports what is wrong in them.

A pack is a folder named like its ref. It has a ``pack.yaml``, and folders ``actions/``, ``workflows/``, ``rules/`` and
``sensors/`` with a YAML file for each. A ``config.yaml``, if there is one, overrides the defaults of ``pack.yaml``. A
broken file becomes problems; the other files load all the same. Nothing outside of the pack's folder is read, not
even through a symbolic link.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

from attune.exceptions import InvalidDefinition, Location, Problem, Severity
from attune.language import flat
from attune.language.compiler import interface
from attune.language.files.action_file import compile_action
from attune.language.files.models import PackModel
from attune.language.files.rule_file import compile_rule
from attune.language.files.sensor_file import compile_sensor
from attune.language.findings import Findings
from attune.language.parsing import parse
from attune.language.refs import PACK
from attune.language.source import LIMIT, Source, load
from attune.model.action import ActionSpec, Runner
from attune.model.schema import mismatches, with_defaults
from attune.packs.pack import Pack


class _Named(Protocol):
    """Whatever has a ref."""

    @property
    def ref(self) -> str: ...


T = TypeVar("T", bound=_Named)

SUFFIXES: Final = (".yaml", ".yml")
"""What files of a pack end in."""


def load_packs(base: Path) -> list[Pack]:
    """All packs in a folder, by name; folders without a ``pack.yaml`` are none."""
    if not base.is_dir():
        return []
    folders = (folder for folder in sorted(base.iterdir()) if not folder.name.startswith("."))
    return [load_pack(folder) for folder in folders if _is_inside(folder, base) and _head_file(folder).is_file()]


def load_pack(directory: Path) -> Pack:
    """Read one pack; places in its problems are paths below ``directory`` as it was given."""
    return _Reader(directory).pack()


def read(path: Path) -> Source:
    """A YAML file; raises InvalidDefinition."""
    try:
        with path.open("rb") as file:
            text = file.read(LIMIT + 1)
    except OSError as error:
        message = f"cannot be read: {error.strerror or error}"
        raise InvalidDefinition([Problem("unreadable-file", message, Location(str(path)))]) from None
    return load(text, str(path))


def check_entry_point(spec: ActionSpec, source: Source, actions_dir: Path) -> list[Problem]:
    """Whether the file that a Python action names is there, inside the pack's actions folder."""
    if spec.runner is not Runner.PYTHON:
        return []
    findings, name = Findings(source), spec.entry_point.rpartition(":")[0]
    file = actions_dir / name
    if not _is_inside(file, actions_dir) or not file.is_file():
        message = f"there is no file {name!r} in the actions folder of the pack"
        findings.error("missing-file", ("entry_point",), message)
    return findings.sorted()


def files_of(folder: Path) -> list[Path]:
    """The YAML files in a folder of a pack, by name; none if it isn't there."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and not path.name.startswith("."))


def _head_file(directory: Path) -> Path:
    return directory / "pack.yaml"


def _is_inside(path: Path, directory: Path) -> bool:
    """Whether a path, links resolved, lies below the directory."""
    try:
        return path.resolve().is_relative_to(directory.resolve())
    except (OSError, RuntimeError):
        return False


class _Reader:
    """Reads one pack, collecting problems on the way."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.problems = directory, list[Problem]()
        self.ref = directory.resolve().name
        self._refs: dict[str, Source] = {}
        self._settings: dict[str, Any] = {}

    def pack(self) -> Pack:
        """Everything in the folder."""
        head = self._head()
        config = self._config()
        actions = self._each("actions", self._action)
        workflows = self._each("workflows", lambda source: interface(source, self.ref))
        callable_refs = dict(self._refs)
        self._refs.clear()
        rules = self._each("rules", lambda source: compile_rule(source, pack=self.ref))
        self._refs |= callable_refs
        sensors = self._each("sensors", lambda source: compile_sensor(source, pack=self.ref))
        return Pack(
            ref=self.ref,
            label=head.label or self.ref,
            version=head.version,
            directory=self.directory,
            description=head.description or "",
            enabled=head.enabled,
            config=config,
            actions={ref: spec for ref, (_, spec) in actions.items()},
            workflows={ref: source for ref, (source, _) in workflows.items()},
            interfaces={ref: spec for ref, (_, spec) in workflows.items()},
            rules=tuple(rule for _, rule in rules.values()),
            rule_sources={ref: source for ref, (source, _) in rules.items()},
            sensors=tuple(sensor for _, sensor in sensors.values()),
            sensor_sources={ref: source for ref, (source, _) in sensors.items()},
            problems=self.problems,
        )

    def _read(self, path: Path) -> Source | None:
        if not _is_inside(path, self.directory):
            message = "is a link that leads out of the pack's folder"
            self.problems.append(Problem("outside-of-pack", message, Location(str(path))))
            return None
        try:
            return read(path)
        except InvalidDefinition as error:
            self.problems += error.problems
            return None

    def _head(self) -> PackModel:
        source = self._read(_head_file(self.directory))
        if source is None:
            return PackModel()
        findings = Findings(source)
        head = parse(PackModel, findings) or PackModel()
        if not PACK.fullmatch(self.ref):
            findings.error("bad-ref", (), f"the folder's name {self.ref!r} cannot be the ref of a pack")
        elif head.ref not in (None, self.ref):
            hint = f"the folder is named {self.ref!r}"
            findings.error("bad-ref", ("ref",), f"the ref {head.ref!r} is not the name of the pack's folder", hint)
        self._settings = flat.to_schema(head.config, ("config",), findings) if head.config else {}
        self.problems += findings.sorted()
        return head

    def _config(self) -> dict[str, Any]:
        """The defaults of ``pack.yaml`` with the values of ``config.yaml`` over them."""
        path = next((file for file in files_of(self.directory) if file.stem == "config"), None)
        source = self._read(path) if path else None
        config = with_defaults(source.data if source else {}, self._settings)
        for row in mismatches(config, self._settings):
            self._report_setting(source, row)
        return config

    def _report_setting(self, source: Source | None, row: Mapping[str, str]) -> None:
        """A pack that has not been configured yet is no error: it may be configured later."""
        setting = row["path"].removeprefix("$").removeprefix(".")
        message = f"{setting}: {row['message']}" if setting else row["message"]
        if source is None:
            where = Location(str(_head_file(self.directory)))
            problem = Problem("missing-config", message, where, hint="write a config.yaml", severity=Severity.WARNING)
        else:
            problem = Problem("bad-config", message, source.locate(setting.split(".")))
        self.problems.append(problem)

    def _each(self, folder: str, compile_: Callable[[Source], T | None]) -> dict[str, tuple[Source, T]]:
        """What the files of a folder hold, by ref."""
        found: dict[str, tuple[Source, T]] = {}
        for path in files_of(self.directory / folder):
            source = self._read(path)
            if source is None:
                continue
            try:
                made = compile_(source)
            except InvalidDefinition as error:
                self.problems += error.problems
                continue
            if made is not None and self._is_new(made.ref, source):
                found[made.ref] = source, made
        return found

    def _is_new(self, ref: str, source: Source) -> bool:
        first = self._refs.setdefault(ref, source)
        if first is not source:
            findings = Findings(source)
            findings.error("duplicate-ref", ("ref",), f"the ref {ref!r} is taken by {first.file}")
            self.problems += findings.sorted()
        return first is source

    def _action(self, source: Source) -> ActionSpec | None:
        spec = compile_action(source, pack=self.ref)
        if spec is not None:
            self.problems += check_entry_point(spec, source, self.directory / "actions")
        return spec
