"""Registering what packs on disk hold: actions, rules with their schedules, and workflows as immutable versions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from attune.exceptions import InvalidDefinition, NotFound, Problem, Severity
from attune.execution.ports.catalog import Catalog, PackRecord, WorkflowVersion
from attune.execution.ports.clock import Clock
from attune.execution.ports.triggers import Schedules
from attune.language.compiler import Compiled
from attune.language.files.sensor_file import check_sensor, compile_polling
from attune.model.action import ActionSpec
from attune.model.awaited import awaited
from attune.model.graph import Graph
from attune.model.rule import Rule
from attune.model.sensor import Sensor
from attune.packs.loader import load_packs
from attune.packs.pack import Pack, catalogue, check_rules, check_sensors, compile_pack


@dataclass(frozen=True, kw_only=True, slots=True)
class RegisteredWorkflow:
    """A workflow that is registered now. ``created`` says that it is new, ``workflow_def_id`` counts its versions."""

    ref_name: str
    created: bool
    workflow_def_id: int
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResult:
    """What became of one pack: of so many workflows that were loaded, those that are sound and registered."""

    pack_ref: str
    loaded_count: int
    registered_count: int
    workflows: tuple[RegisteredWorkflow, ...]
    errors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncResults:
    """What became of every pack on disk."""

    packs: tuple[SyncResult, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationResult:
    """What is wrong with a pack, by workflow or file."""

    pack_ref: str
    validated_count: int
    error_count: int
    errors: Mapping[str, Sequence[str]]


class Registry:
    """Brings the catalog in line with the packs below a folder."""

    def __init__(
        self,
        catalog: Catalog,
        schedules: Schedules,
        clock: Clock,
        *,
        base: Path,
        load: Callable[[Path], list[Pack]] = load_packs,
    ) -> None:
        self._catalog, self._schedules, self._clock = catalog, schedules, clock
        self._base, self._load = base, load

    def sync(self, ref: str) -> SyncResult:
        """Register one pack; broken workflows are reported, the others registered. Raises NotFound."""
        packs = self._load(self._base)
        return self._sync(_find(packs, ref, self._base), packs)

    def sync_all(self) -> SyncResults:
        """Register every pack."""
        packs = self._load(self._base)
        return SyncResults(packs=tuple(self._sync(pack, packs) for pack in packs))

    def validate(self, ref: str) -> ValidationResult:
        """What :meth:`sync` would find wrong, per workflow or file; registers nothing."""
        packs = self._load(self._base)
        pack, known = _find(packs, ref, self._base), catalogue(packs)
        errors: dict[str, list[str]] = {}
        for problem in [*pack.problems, *check_rules(pack, known), *check_sensors(pack, known)]:
            if problem.severity is Severity.ERROR:
                errors.setdefault(Path(problem.location.file).name, []).append(self._words(problem))
        for workflow, compiled in compile_pack(pack, known):
            if isinstance(compiled, InvalidDefinition):
                errors[workflow] = self._errors(compiled.problems)
        count = sum(len(found) for found in errors.values())
        return ValidationResult(pack_ref=ref, validated_count=len(pack.workflows), error_count=count, errors=errors)

    def _sync(self, pack: Pack, packs: list[Pack]) -> SyncResult:
        known = catalogue(packs)
        errors = self._errors(pack.problems)
        record = PackRecord(pack.ref, pack.label, pack.version, description=pack.description, config=pack.config)
        self._catalog.put_pack(record)
        self._catalog.put_actions(pack.ref, pack.actions.values())
        workflows = self._sync_workflows(pack, known, errors)
        sensors = self._sync_sensors(pack, known, errors)
        rules = self._sync_rules(pack, known, errors)
        errors += self._schedules.sync(pack.ref, [*rules, *(sensor.as_rule() for sensor in sensors)])
        return SyncResult(
            pack_ref=pack.ref,
            loaded_count=len(pack.workflows),
            registered_count=len(workflows),
            workflows=tuple(workflows),
            errors=tuple(errors),
        )

    def _sync_workflows(
        self, pack: Pack, known: Mapping[str, ActionSpec], errors: list[str]
    ) -> list[RegisteredWorkflow]:
        """A workflow that is broken now keeps its last good version; one that is gone can't be started any more."""
        registered = list[RegisteredWorkflow]()
        present, graphs = {sensor.ref for sensor in pack.sensors}, list[Graph]()
        for ref, compiled in compile_pack(pack, known):
            present.add(ref)
            if isinstance(compiled, InvalidDefinition):
                errors += self._errors(compiled.problems)
                graphs += self._last_good(ref)
            else:
                graphs.append(compiled.graph)
                registered.append(self._register(ref, compiled, pack.workflows[ref].text))
        for old in self._catalog.workflows(pack.ref):
            if old.ref not in present:
                self._catalog.remove_workflow(old.ref)
        self._catalog.put_awaited(pack.ref, awaited(graphs))
        return registered

    def _last_good(self, ref: str) -> list[Graph]:
        try:
            return [self._catalog.workflow(ref).graph]
        except NotFound:
            return []

    def _sync_sensors(self, pack: Pack, known: Mapping[str, ActionSpec], errors: list[str]) -> list[Sensor]:
        """Each has a workflow of its own, which polls."""
        sound = list[Sensor]()
        for sensor in pack.sensors:
            source = pack.sensor_sources[sensor.ref]
            wrong = self._errors(check_sensor(source, sensor, known))
            errors += wrong
            if not wrong:
                self._register(sensor.ref, compile_polling(source, sensor, known, pack.config), source.text)
                sound.append(sensor)
        self._catalog.put_sensors(pack.ref, sound)
        return sound

    def _sync_rules(self, pack: Pack, known: Mapping[str, ActionSpec], errors: list[str]) -> list[Rule]:
        broken = [p for p in check_rules(pack, known) if p.severity is Severity.ERROR]
        errors += self._errors(broken)
        files = {problem.location.file for problem in broken}
        sound = [rule for rule in pack.rules if pack.rule_sources[rule.ref].file not in files]
        self._catalog.put_rules(pack.ref, sound)
        return sound

    def _register(self, ref: str, compiled: Compiled, text: str) -> RegisteredWorkflow:
        """Add a version if anything has changed."""
        digest = graph_digest(compiled)
        number = self._catalog.latest_version(ref)
        unchanged = number > 0 and self._is_latest(ref, digest)
        while not unchanged:
            now = self._clock.now()
            version = WorkflowVersion(
                ref, number + 1, compiled.graph, digest=digest, source=text, created_at=now, enabled=compiled.enabled
            )
            if self._catalog.add_version(version):
                break
            number = self._catalog.latest_version(ref)
        warnings = [self._words(problem) for problem in compiled.problems if problem.severity is Severity.WARNING]
        return RegisteredWorkflow(
            ref_name=ref,
            created=number == 0,
            workflow_def_id=number if unchanged else number + 1,
            warnings=tuple(warnings),
        )

    def _errors(self, problems: Iterable[Problem]) -> list[str]:
        return [self._words(problem) for problem in problems if problem.severity is Severity.ERROR]

    def _words(self, problem: Problem) -> str:
        """As a line, with the file as it is called below the packs' folder."""
        return str(problem).removeprefix(f"{self._base}/")

    def _is_latest(self, ref: str, digest: str) -> bool:
        try:
            return self._catalog.workflow(ref).digest == digest
        except NotFound:
            return False


def graph_digest(compiled: Compiled) -> str:
    """What tells a changed workflow from an unchanged one: its graph, with the actions and configuration in it."""
    content = [compiled.graph.to_dict(), compiled.enabled]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _find(packs: list[Pack], ref: str, base: Path) -> Pack:
    for pack in packs:
        if pack.ref == ref:
            return pack
    raise NotFound(f"there is no pack '{ref}'", hint=f"packs are folders below {base}", pack=ref)
