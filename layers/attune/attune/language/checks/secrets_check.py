"""Whether secrets stay where they may be: in the input of actions that workers run, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from attune.exceptions import TemplateError
from attune.expressions import templates
from attune.language.draft import Draft
from attune.language.source import Path
from attune.language.task_draft import Aspect
from attune.model.action import ActionSpec, Runner
from attune.model.secrets import OPEN_ACTIONS, Secrets

NAME_IT = "name it in the input of the task that needs it"


def check_kept(draft: Draft, path: Path, secret: str) -> None:
    """A secret where what a template gives is stored."""
    draft.findings.error("exposed-secret", path, f"{secret} would be kept in the open here", NAME_IT)


def check_early(draft: Draft, path: Path, secret: str) -> None:
    """A secret where the engine would have to know it."""
    draft.findings.error("exposed-secret", path, f"{secret} is not known here, only to the worker", NAME_IT)


def check_input(draft: Draft, number: int, path: Path, secret: str) -> None:
    """A secret in the input of a task."""
    spec, findings = draft.specs[number], draft.findings
    if spec is None:
        return
    if spec.runner is Runner.ENGINE:
        findings.error("exposed-secret", path, f"{secret} cannot go into {spec.ref}, which no worker runs")
    elif spec.ref in OPEN_ACTIONS:
        findings.error("exposed-secret", path, f"{secret} cannot go into {spec.ref}, which everybody can read")
    elif spec.runner is Runner.WORKFLOW and path not in _passed_on(draft, number, spec):
        hint = f"have {spec.ref} call kv.get_secret, or pass a secret parameter, as it is, to a secret one"
        findings.error("exposed-secret", path, f"{secret} cannot be passed to the workflow {spec.ref}", hint)


def check_bare(draft: Draft, number: int) -> None:
    """Something that is no secret as a secret parameter of a sub-workflow."""
    spec = draft.specs[number]
    if spec is None or spec.runner is not Runner.WORKFLOW:
        return
    own = Secrets(draft.workflow.parameters)
    for inside, value in Secrets(spec.parameters).of(draft.tasks[number].input).items():
        if not any(own.in_reference(draft.names_in_templates.ours(reference)) for reference in _references(value)):
            path = (*draft.place(number, Aspect.INPUT), *inside)
            message = f"the parameter {'.'.join(inside)!r} of {spec.ref} is secret, and this value is not"
            hint = "pass a secret parameter of this workflow, as it is"
            draft.findings.error("bare-secret", path, message, hint)


def _references(value: Any) -> frozenset[templates.Reference]:
    """None of a template that is wrong: that has been said."""
    try:
        return templates.references(value)
    except TemplateError:
        return frozenset()


def _passed_on(draft: Draft, number: int, spec: ActionSpec) -> Iterator[Path]:
    """Where a secret parameter is handed on, as it is, to one that is secret."""
    given: Mapping[str, Any] = draft.tasks[number].input
    own, root = Secrets(draft.workflow.parameters).paths, draft.names_in_templates.theirs("parameters")
    for inside, value in Secrets(spec.parameters).of(given).items():
        if isinstance(value, str) and any(templates.is_path(value, (root, *path)) for path in own):
            yield (*draft.place(number, Aspect.INPUT), *inside)
