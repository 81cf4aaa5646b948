"""Whether what ``output_map`` gives can fit the described ``output``, as far as both are written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.expressions.templates import is_template
from attune.expressions.values import nearest
from attune.language.checks.built_in_check import has_template
from attune.language.draft import Draft
from attune.language.task_draft import Aspect
from attune.model.schema import mismatches


def check(draft: Draft) -> None:
    """Names that are missing or unknown, and literal values of the wrong type."""
    given, schema = draft.workflow.output_map, draft.workflow.output
    if not isinstance(given, dict) or not schema or any(is_template(name) for name in given):
        return
    for name in schema.get("required") or ():
        if name not in given:
            message = f"the output needs {name!r}, which the output_map does not give"
            draft.findings.error("bad-output", draft.workflow.place(Aspect.OUTPUT_MAP), message, key=True)
    for name, value in given.items():
        _check_value(draft, schema, name, value)


def _check_value(draft: Draft, schema: Mapping[str, Any], name: str, value: Any) -> None:
    properties, path = schema.get("properties") or {}, (*draft.workflow.place(Aspect.OUTPUT_MAP), name)
    if name in properties:
        wrong = [] if value is None or has_template(value) else mismatches(value, properties[name])
        for row in wrong:
            draft.findings.error("bad-output", path, f"the output {name!r} does not fit: {row['message']}")
    elif schema.get("additionalProperties") is False:
        draft.findings.error("bad-output", path, f"the output has no {name!r}", nearest(name, properties), key=True)
