"""A way in which workflows can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.task_draft import WorkflowDraft
from attune.model.action import ActionSpec


def no_checks(draft: Draft) -> None:
    """Of a dialect whose keys cannot be used wrongly."""
    del draft


@dataclass(frozen=True, kw_only=True, slots=True)
class Dialect:
    """What the compiler asks of a dialect.

    ``recognises(data)``: whether a file of these keys is written in it. ``read(findings, pack)``: the workflow of the
    findings' file, None if it is too far from one to look at it any further; what is wrong goes to the findings.
    ``interface(findings, pack)``: what others need to know to call the workflow, even if the rest of its file is
    wrong. ``schema(actions)``: a JSON Schema for editors, which knows these actions. ``check(draft)`` judges the
    dialect's own keys, once the draft is whole. ``advice`` has its own hints, by a problem's code, where the usual hint
    names keys that it does not have.
    """

    name: str
    recognises: Callable[[Mapping[str, Any]], bool]
    read: Callable[[Findings, str], WorkflowDraft | None]
    interface: Callable[[Findings, str], ActionSpec]
    schema: Callable[[Iterable[ActionSpec] | None], dict[str, Any]]
    check: Callable[[Draft], None] = no_checks
    advice: Mapping[str, str | None] = field(default_factory=dict)
