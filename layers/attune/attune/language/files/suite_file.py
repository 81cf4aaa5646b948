"""Test files: ``tests/<name>.yaml`` of a pack, cases that ``attune test`` runs in virtual time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from attune.exceptions import Location
from attune.expressions.values import kind
from attune.language.fields import Duration, Strict
from attune.language.findings import Findings
from attune.language.parsing import parse
from attune.language.source import Path, Source

TOLERANCE = 1.0
"""Seconds by which ``elapsed`` may miss a single number."""

Status = Literal["completed", "failed", "cancelled", "timed_out", "paused", "waiting", "rejected"]
"""How an execution stands when nothing is left to happen; ``rejected``: it was not even started."""


def _numbered(value: Any) -> Any:
    if isinstance(value, dict) and all(str(key).isdecimal() for key in value):
        return value
    raise ValueError("must be a mapping of item numbers, counted from 0, to answers")


def _real(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, list) and all(isinstance(name, str) for name in value)):
        return value
    raise ValueError(f"must be true, or a list of actions and tasks, not {kind(value)}")


def _reason(value: Any) -> Any:
    if value is True or isinstance(value, str):
        return "" if value is True else value
    raise ValueError(f"must be true or a reason, not {kind(value)}")


Reason = Annotated[str, BeforeValidator(_reason)]


class ErrorModel(Strict):
    """How a mocked attempt fails."""

    type: str
    message: str = ""
    retryable: bool = True
    details: Any = None


class AnswerModel(Strict):
    """What one attempt returns, or fails with, and after how long."""

    result: Any = None
    error: ErrorModel | None = None
    takes: Duration = 0.0


class ItemModel(AnswerModel):
    """The same with a list of answers, one per attempt; the last one stays."""

    attempts: Annotated[list[AnswerModel], Field(min_length=1)] | None = None

    def answer(self, number: int) -> AnswerModel:
        """The answer to the attempt of this number, from 0."""
        return self.attempts[min(number, len(self.attempts) - 1)] if self.attempts else self


class MockModel(ItemModel):
    """What stands for an action, or for a task's action; ``items`` are exceptions for items of a ``with_items``."""

    items: Annotated[dict[str, ItemModel], BeforeValidator(_numbered)] = Field(default_factory=dict)

    def of_item(self, index: int | None) -> ItemModel:
        """What stands for one item; for all without ``with_items``."""
        return self.items.get(str(index), self)


class AnswerInquiryModel(Strict):
    """Somebody's answer to an inquiry."""

    task: str
    response: Any = None
    by: str = "test"


class EventModel(Strict):
    """An event on the bus."""

    detail_type: Annotated[str, Field(alias="detail-type")]
    source: str = "test"
    detail: dict[str, Any] = Field(default_factory=dict)


class MomentModel(Strict):
    """Something done to the execution from outside, ``at`` a virtual time after its start."""

    at: Duration
    cancel: Reason | None = None
    pause: Reason | None = None
    resume: Literal[True] | None = None
    answer: AnswerInquiryModel | None = None
    event: EventModel | None = None

    @property
    def deeds(self) -> dict[str, Any]:
        """What is done, by name."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "at" and _has(self, name)}


def _has(model: MomentModel, name: str) -> bool:
    return getattr(model, name) is not None


class ExpectedErrorModel(Strict):
    """An error as it should be; of ``message`` a part is enough."""

    type: str | None = None
    message: str | None = None
    retryable: bool | None = None
    details: Any = None


class ElapsedModel(Strict):
    """Virtual time from start to end; a single length may be missed by a second."""

    min: Duration = 0.0
    max: Duration | None = None

    @model_validator(mode="before")
    @classmethod
    def _from_length(cls, data: Any) -> Any:
        if isinstance(data, dict) or data is None:
            return data
        from attune.model.durations import seconds

        length = seconds(data)
        return {"min": max(length - TOLERANCE, 0.0), "max": length + TOLERANCE}


class ExpectModel(Strict):
    """What should have become of the execution."""

    status: Status | None = None
    output: Any = None
    error: ExpectedErrorModel | None = None
    tasks: list[str] | None = None
    ran: list[str] = Field(default_factory=list)
    not_ran: list[str] = Field(default_factory=list)
    inputs: dict[str, Any] = Field(default_factory=dict)
    vars: dict[str, Any] = Field(default_factory=dict)
    attempts: dict[str, int] = Field(default_factory=dict)
    elapsed: ElapsedModel | None = None

    @property
    def end(self) -> str:
        """The status; where none is written, failed if an error is expected, else completed."""
        return self.status or ("failed" if self.error else "completed")


class CaseModel(Strict):
    """One run of a workflow, or of a single action."""

    name: str
    description: str | None = None
    workflow: str | None = None
    action: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    kv: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    mocks: dict[str, MockModel] = Field(default_factory=dict)
    real: Annotated[Any, BeforeValidator(_real)] = None
    timeline: list[MomentModel] = Field(default_factory=list)
    expect: ExpectModel = Field(default_factory=ExpectModel)


class SuiteModel(Strict):
    """A test file; what it says outside of ``cases`` is the default for all of them."""

    description: str | None = None
    workflow: str | None = None
    action: str | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)
    kv: dict[str, Any] = Field(default_factory=dict)
    secrets: dict[str, str] = Field(default_factory=dict)
    mocks: dict[str, MockModel] = Field(default_factory=dict)
    real: Annotated[Any, BeforeValidator(_real)] = None
    cases: Annotated[list[CaseModel], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A case, its file's defaults filled in. ``real``: actions and tasks that are not mocked; True for all.

    Exactly one of ``workflow`` and ``action`` is set. ``expects_output`` tells an expected null from nothing.
    """

    name: str
    location: Location
    path: Path
    workflow: str | None
    action: str | None
    parameters: Mapping[str, Any]
    kv: Mapping[str, Any]
    secrets: Mapping[str, str]
    mocks: Mapping[str, MockModel]
    real: bool | Sequence[str]
    timeline: Sequence[MomentModel]
    expect: ExpectModel
    expects_output: bool

    @property
    def subject(self) -> str:
        """The ref of what is tested."""
        return self.workflow or self.action or ""


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of one test file."""

    source: Source
    cases: tuple[Case, ...]


def compile_suite(source: Source) -> Suite:
    """The cases of a file; raises InvalidDefinition with all problems."""
    findings = Findings(source)
    suite = parse(SuiteModel, findings)
    cases = [_case(suite, number, findings) for number in range(len(suite.cases))] if suite else []
    _check_names(cases, findings)
    findings.raise_errors()
    return Suite(source, tuple(cases))


def _case(suite: SuiteModel, number: int, findings: Findings) -> Case:
    case, path = suite.cases[number], ("cases", number)
    own = case.workflow or case.action
    workflow, action = (case.workflow, case.action) if own else (suite.workflow, suite.action)
    if (workflow is None) == (action is None):
        findings.error("missing-key", path, f"the case {case.name!r} needs either a 'workflow' or an 'action'")
    for position, moment in enumerate(case.timeline):
        if len(moment.deeds) != 1:
            known = ", ".join(name for name in MomentModel.model_fields if name != "at")
            message = "an entry of the timeline does exactly one thing"
            findings.error("bad-moment", (*path, "timeline", position), message, f"write one of {known}")
    return Case(
        name=case.name,
        location=findings.source.locate(path),
        path=path,
        workflow=workflow,
        action=action,
        parameters={**suite.parameters, **case.parameters},
        kv={**suite.kv, **case.kv},
        secrets={**suite.secrets, **case.secrets},
        mocks={**suite.mocks, **case.mocks},
        real=case.real if case.real is not None else suite.real or False,
        timeline=tuple(sorted(case.timeline, key=lambda moment: moment.at)),
        expect=case.expect,
        expects_output="output" in (findings.source.data["cases"][number].get("expect") or {}),
    )


def _check_names(cases: Sequence[Case], findings: Findings) -> None:
    first: dict[str, Case] = {}
    for case in cases:
        before = first.setdefault(case.name, case)
        if before is not case:
            message = f"there are two cases named {case.name!r} (first on line {before.location.line})"
            findings.error("duplicate-name", (*case.path, "name"), message)
