"""What is shown of what is registered: workflows and packs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attune.execution.answers import AllOf, extended
from attune.execution.ports.catalog import Catalog, PackRecord, WorkflowVersion
from attune.model.timestamps import iso


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowSummary:
    """A workflow in a list: its latest version. ``definition`` counts versions, ``version`` is what the author says."""

    ref: str
    pack: str
    label: str
    description: str | None
    version: str
    definition: int
    enabled: bool
    tasks: int
    created_at: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkflowDetails(WorkflowSummary):
    """One workflow. ``parameters`` and ``output`` are JSON Schemas, ``source`` is the YAML it was made from."""

    parameters: Mapping[str, Any]
    output: Mapping[str, Any] | None
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PackWorkflow:
    """A workflow in the list of its pack."""

    ref: str
    label: str
    version: str


class CatalogReader:
    """Answers questions about what is registered."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def workflows(self) -> AllOf[WorkflowSummary]:
        """All that can be started, by ref."""
        return AllOf(items=tuple(_summary(version) for version in self._catalog.workflows()))

    def workflow(self, ref: str) -> WorkflowDetails:
        """One of them, with its source; raises NotFound."""
        found = self._catalog.workflow(ref)
        graph = found.graph
        return extended(
            WorkflowDetails, _summary(found), parameters=graph.parameters, output=graph.output, source=found.source
        )

    def packs(self) -> AllOf[PackRecord]:
        """All packs, by ref."""
        return AllOf(items=tuple(self._catalog.packs()))

    def pack(self, ref: str) -> PackRecord:
        """One of them; raises NotFound."""
        return self._catalog.pack(ref)

    def workflows_of(self, pack: str) -> AllOf[PackWorkflow]:
        """The workflows of a pack; raises NotFound if the pack is not registered."""
        self._catalog.pack(pack)
        found = self._catalog.workflows(pack)
        return AllOf(items=tuple(PackWorkflow(ref=v.ref, label=v.graph.label, version=v.graph.version) for v in found))


def _summary(version: WorkflowVersion) -> WorkflowSummary:
    graph = version.graph
    return WorkflowSummary(
        ref=version.ref,
        pack=graph.pack,
        label=graph.label,
        description=graph.description,
        version=graph.version,
        definition=version.version,
        enabled=version.enabled,
        tasks=len(graph.tasks),
        created_at=iso(version.created_at),
    )
