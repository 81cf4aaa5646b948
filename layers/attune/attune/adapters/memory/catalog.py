"""Registered packs in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attune.exceptions import NotFound
from attune.execution.ports.catalog import PackRecord, WorkflowVersion
from attune.model.action import ActionSpec
from attune.model.awaited import awaited
from attune.model.rule import Rule
from attune.model.sensor import Sensor


class MemoryCatalog:
    """Implements :class:`attune.execution.ports.catalog.Catalog`."""

    def __init__(self) -> None:
        self._versions: dict[str, list[WorkflowVersion]] = {}
        self._removed: set[str] = set()
        self._packs: dict[str, PackRecord] = {}
        self._actions: dict[str, list[ActionSpec]] = {}
        self._rules: dict[str, list[Rule]] = {}
        self._sensors: dict[str, list[Sensor]] = {}

    def workflow(self, ref: str, version: int | None = None) -> WorkflowVersion:
        """See the port."""
        versions = self._versions.get(ref, [])
        if not versions or (version is None and ref in self._removed) or (version or 1) > len(versions):
            raise NotFound(f"there is no workflow '{ref}'", workflow=ref)
        return versions[(version or 0) - 1]

    def latest_version(self, ref: str) -> int:
        """See the port."""
        return len(self._versions.get(ref, []))

    def add_version(self, version: WorkflowVersion) -> bool:
        """See the port."""
        versions = self._versions.setdefault(version.ref, [])
        if len(versions) + 1 != version.version:
            return False
        versions.append(version)
        self._removed.discard(version.ref)
        return True

    def workflows(self, pack: str | None = None) -> list[WorkflowVersion]:
        """See the port."""
        latest = [versions[-1] for ref, versions in sorted(self._versions.items()) if ref not in self._removed]
        return [version for version in latest if pack in (None, version.graph.pack)]

    def remove_workflow(self, ref: str) -> None:
        """See the port."""
        self._removed.add(ref)

    def pack(self, ref: str) -> PackRecord:
        """See the port."""
        if ref not in self._packs:
            raise NotFound(f"there is no pack '{ref}'", pack=ref)
        return self._packs[ref]

    def packs(self) -> list[PackRecord]:
        """See the port."""
        return [self._packs[ref] for ref in sorted(self._packs)]

    def put_pack(self, pack: PackRecord) -> bool:
        """See the port."""
        new = pack.ref not in self._packs
        self._packs[pack.ref] = pack
        return new

    def put_actions(self, pack: str, actions: Iterable[ActionSpec]) -> None:
        """See the port."""
        self._actions[pack] = list(actions)

    def actions(self) -> dict[str, ActionSpec]:
        """See the port."""
        return {spec.ref: spec for specs in self._actions.values() for spec in specs}

    def action(self, ref: str) -> ActionSpec | None:
        """See the port."""
        if self.latest_version(ref) and ref not in self._removed:
            return self._versions[ref][-1].as_action()
        return self.actions().get(ref)

    def put_rules(self, pack: str, rules: Iterable[Rule]) -> None:
        """See the port."""
        self._rules[pack] = list(rules)

    def put_sensors(self, pack: str, sensors: Iterable[Sensor]) -> None:
        """See the port."""
        self._sensors[pack] = list(sensors)

    def sensors(self) -> list[Sensor]:
        """See the port."""
        return [sensor for sensors in self._sensors.values() for sensor in sensors]

    def put_awaited(self, pack: str, awaited: Mapping[str, float]) -> None:
        """See the port; the workflows themselves are asked."""

    def awaited(self) -> dict[str, float]:
        """See the port."""
        return awaited(version.graph for version in self.workflows())

    def rules(self) -> list[Rule]:
        """See the port."""
        return [rule for rules in self._rules.values() for rule in rules]
