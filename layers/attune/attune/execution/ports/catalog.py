"""What is registered: packs, workflows, actions, rules and sensors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Protocol

from attune.model.action import ActionSpec, workflow_as_action
from attune.model.graph import Graph
from attune.model.rule import Rule
from attune.model.sensor import Sensor


@dataclass(frozen=True, slots=True)
class WorkflowVersion:
    """An immutable version of a workflow: its graph, and the source it was made from."""

    ref: str
    version: int
    graph: Graph
    _: KW_ONLY
    digest: str = ""
    source: str = ""
    created_at: float = 0.0
    enabled: bool = True

    def as_action(self) -> ActionSpec:
        """The workflow as what a task can run."""
        return workflow_as_action(self.ref, self.graph.pack, self.graph.parameters)


@dataclass(frozen=True, slots=True)
class PackRecord:
    """A registered pack."""

    ref: str
    label: str
    version: str
    _: KW_ONLY
    description: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)


class Catalog(Protocol):
    """What packs have been registered, and what is in them."""

    def workflow(self, ref: str, version: int | None = None) -> WorkflowVersion:
        """That version, or the latest; raises NotFound."""
        ...

    def latest_version(self, ref: str) -> int:
        """The number of the latest version, 0 if there is none."""
        ...

    def add_version(self, version: WorkflowVersion) -> bool:
        """Add an immutable version and make it the latest; False if that number is taken."""
        ...

    def workflows(self, pack: str | None = None) -> list[WorkflowVersion]:
        """The latest version of each workflow (of a pack), by ref."""
        ...

    def remove_workflow(self, ref: str) -> None:
        """The workflow can no longer be started; its versions stay for executions that run."""
        ...

    def pack(self, ref: str) -> PackRecord:
        """A registered pack; raises NotFound."""
        ...

    def packs(self) -> list[PackRecord]:
        """All packs, by ref."""
        ...

    def put_pack(self, pack: PackRecord) -> bool:
        """Register or update; True if it is new."""
        ...

    def put_actions(self, pack: str, actions: Iterable[ActionSpec]) -> None:
        """Register the pack's actions."""
        ...

    def actions(self) -> dict[str, ActionSpec]:
        """All actions that are no workflows, by ref."""
        ...

    def action(self, ref: str) -> ActionSpec | None:
        """One action, or a workflow that can be started as one; None if there is neither."""
        ...

    def put_rules(self, pack: str, rules: Iterable[Rule]) -> None:
        """Replace the pack's rules."""
        ...

    def rules(self) -> list[Rule]:
        """All rules."""
        ...

    def put_sensors(self, pack: str, sensors: Iterable[Sensor]) -> None:
        """Replace the pack's sensors."""
        ...

    def sensors(self) -> list[Sensor]:
        """All sensors."""
        ...

    def put_awaited(self, pack: str, awaited: Mapping[str, float]) -> None:
        """Replace what the pack's workflows look back for: seconds by detail-type."""
        ...

    def awaited(self) -> dict[str, float]:
        """What any workflow looks back for: seconds by detail-type."""
        ...
