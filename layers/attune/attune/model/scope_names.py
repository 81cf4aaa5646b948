"""Names in templates: each dialect has its own for parameters, tasks and results.

:attr:`attune.model.graph.Graph.scope` maps the dialect's names to ours, for example ``{"input": "parameters", "steps":
"task", ".output": ".result"}``. A dot stands before a member of a task. There, ``steps.build.output`` is what the
native dialect calls ``task.build.result``.

A name of ours that the map replaces is no longer valid itself. To keep both, the map has it twice: ``{"input":
"parameters", "parameters": "parameters"}``. The native dialect's map is empty: its names are ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from attune.expressions.references import Reference

T = TypeVar("T")
TASK = "task"
"""Our name of the root under which tasks stand."""


@dataclass(frozen=True, slots=True)
class ScopeNames:
    """Between the names that templates use and ours. ``scope`` leads from the first to the second."""

    scope: Mapping[str, str]

    def ours(self, reference: Reference) -> Reference:
        """The same reference in our names."""
        if not self.scope:
            return reference
        root, path = self.scope.get(reference.root, reference.root), reference.path
        if root == TASK and len(path) > 1:
            path = (path[0], self.scope.get(f".{path[1]}", f".{path[1]}")[1:], *path[2:])
        return replace(reference, root=root, path=path)

    def theirs(self, name: str) -> str:
        """The first name that templates have for one of ours (a member's begins with a dot)."""
        return next((theirs for theirs, ours in self.scope.items() if ours == name), name)

    def all_of(self, names: Iterable[str]) -> frozenset[str]:
        """All names that templates have for these of ours."""
        return frozenset(self.renamed({name: name for name in names}))

    def renamed(self, by_ours: Mapping[str, T], prefix: str = "") -> Mapping[str, T]:
        """What goes by our names, by the names of the templates; for members of a task the ``prefix`` is a dot."""
        if not self.scope:
            return by_ours
        pairs = [pair for pair in self.scope.items() if pair[0].startswith(".") is bool(prefix)]
        renamed = {ours.removeprefix(prefix) for _, ours in pairs}
        kept = {name: value for name, value in by_ours.items() if name not in renamed}
        theirs = ((theirs.removeprefix(prefix), ours.removeprefix(prefix)) for theirs, ours in pairs)
        return kept | {name: by_ours[ours] for name, ours in theirs if ours in by_ours}


NATIVE = ScopeNames({})
