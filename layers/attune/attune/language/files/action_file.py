"""Action files: ``actions/<name>.yaml``, compiled to what a worker needs."""

from __future__ import annotations

import re
from typing import Final

from attune.expressions.values import nearest
from attune.language import flat
from attune.language.files.models import ActionModel
from attune.language.findings import Findings
from attune.language.parsing import parse
from attune.language.refs import REF, ref_of
from attune.language.source import Source
from attune.model.action import ActionSpec, Runner
from attune.model.built_ins import BuiltIn

_FORMS: Final[dict[Runner, tuple[re.Pattern[str], str]]] = {
    Runner.PYTHON: (re.compile(r"(?!/)[\w./-]+\.py:[A-Za-z_]\w*"), "file.py:function, relative to the actions folder"),
    Runner.HTTP: (re.compile(r"(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) \S.*"), "METHOD url"),
    Runner.LAMBDA: (re.compile(r"[\w:.$/{}-]+"), "the name or ARN of a function"),
    Runner.WORKFLOW: (REF, "the ref of a workflow"),
}


def compile_action(source: Source, *, pack: str) -> ActionSpec | None:
    """The action of a file, None if it is not enabled.

    Raises:
        InvalidDefinition: With all problems.

    """
    findings = Findings(source)
    ref = ref_of(findings, pack)
    model = parse(ActionModel, findings)
    if model is None:
        findings.raise_errors()
        return None
    entry_point = _entry_point(model, ref, findings)
    output = model.output_schema
    spec = ActionSpec(
        ref=ref,
        pack=pack,
        runner=model.runner_type,
        entry_point=entry_point,
        parameters=flat.to_schema(model.parameters, ("parameters",), findings),
        output_schema=None if output is None else flat.checked_schema(output, ("output_schema",), findings),
        idempotent=model.idempotent,
        timeout=model.timeout,
    )
    findings.raise_errors()
    return spec if model.enabled else None


def _entry_point(model: ActionModel, ref: str, findings: Findings) -> str:
    runner, written = model.runner_type, model.entry_point
    if written is None and runner is Runner.PYTHON:
        return f"{ref.rpartition('.')[2]}.py:run"
    if written is None:
        findings.error("missing-key", (), f"an action of runner_type {str(runner)!r} needs an 'entry_point'")
    elif runner is Runner.ENGINE:
        if written not in set(BuiltIn):
            hint = nearest(written, BuiltIn) or f"there are {', '.join(sorted(BuiltIn))}"
            findings.error("bad-entry-point", ("entry_point",), f"the engine has no built-in {written!r}", hint)
    else:
        pattern, form = _FORMS[runner]
        if not pattern.fullmatch(written) or ".." in written:
            message = f"{written!r} cannot be the entry point of a {runner} action"
            findings.error("bad-entry-point", ("entry_point",), message, f"write {form}")
    return written or ""
