"""What may be written in a workflow of the native dialect, checked one value at a time.

What needs a look at more than one value (targets, templates, actions) is the validator's or ``key_checks``'. Messages
of the validators here are shown to people as they are, after the key's name.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from attune.language.fields import Condition, Count, Duration, Strict, Timeout
from attune.model.graph import Backoff

MAX_VISITS = 100
"""How often a task may run in one execution unless its workflow says otherwise."""
MAX_ITERATIONS = 1_000
"""How often the body of a loop may run unless the loop says otherwise."""


def _one_or_more(value: Any) -> Any:
    if isinstance(value, str):
        return [value]
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return value
    raise ValueError("must be the name of a task or a list of names")


def _published(value: Any) -> Any:
    if isinstance(value, dict | str) or (isinstance(value, list) and all(isinstance(v, dict | str) for v in value)):
        return value
    raise ValueError("must be a mapping of names to templates, or a list of mappings and names")


def _items(value: Any) -> Any:
    if isinstance(value, list | dict) or (isinstance(value, str) and "{{" in value):
        return value
    raise ValueError("must be a list, a mapping or a template that gives one")


def _join(value: Any) -> Any:
    if value in ("all", "each") or (isinstance(value, int) and not isinstance(value, bool) and value > 0):
        return value
    raise ValueError("must be 'all', 'each' or a number of at least 1")


def _tolerance(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and re.fullmatch(r"\d+(\.\d+)?%", value) and float(value[:-1]) <= 100:
        return value
    raise ValueError("must be a number of at least 0, or a share like '10%'")


Names = Annotated[list[str], BeforeValidator(_one_or_more)]
Publish = Annotated[Any, BeforeValidator(_published)]


class RetryModel(Strict):
    """How often, and after which delays, what failed is tried again."""

    count: Annotated[int, Field(ge=1, le=100)]
    delay: Duration = 0.0
    backoff: Annotated[Backoff, Field(strict=False)] = Backoff.CONSTANT
    max_delay: Duration | None = None
    jitter: bool = False
    on_error: Condition | None = None


class BranchModel(Strict):
    """A branch of a decision; the validator sees to it that it is one of the three spellings."""

    when: Condition | None = None
    next: Names | None = None
    default: Any = None


class NextModel(Strict):
    """The general form of a transition."""

    when: Condition | None = None
    publish: Publish = Field(default_factory=list)
    do: Names = Field(default_factory=list)


class TaskModel(Strict):
    """One task. Which of the keys go with which ``type`` is the validator's to say."""

    name: str
    type: Literal["action", "workflow", "parallel", "loop"] = "action"
    action: str | None = None
    workflow: str | None = None
    input: dict[str, Any] = Field(default_factory=dict)
    when: Condition | None = None
    with_items: Annotated[Any, BeforeValidator(_items)] = None
    batch_size: Count | None = None
    concurrency: Count | None = None
    tolerate_failures: Annotated[Any, BeforeValidator(_tolerance)] = None
    retry: RetryModel | None = None
    timeout: Timeout | None = None
    publish: Publish = Field(default_factory=list)
    publish_on_failure: Publish = Field(default_factory=list)
    on_success: Names | None = None
    on_failure: Names | None = None
    on_timeout: Names | None = None
    on_complete: Names | None = None
    on_skip: Names | None = None
    decision: list[BranchModel] | None = None
    next: list[NextModel] = Field(default_factory=list)
    join: Annotated[Any, BeforeValidator(_join)] = None
    max_visits: Annotated[int, Field(ge=1, le=10_000)] | None = None
    tasks: Annotated[list[TaskModel], Field(min_length=1)] | None = None
    while_: Condition | None = Field(None, alias="while")
    until: Condition | None = None
    max_iterations: Annotated[int, Field(ge=1, le=100_000)] | None = None

    @property
    def is_group(self) -> bool:
        """Whether the task is made of other tasks."""
        return self.type in ("parallel", "loop")


class WorkflowModel(Strict):
    """A workflow file. ``retry`` and ``concurrency`` are defaults for its tasks."""

    ref: str | None = None
    label: str | None = None
    description: str | None = None
    version: str = ""
    parameters: dict[str, Any] | None = None
    output: dict[str, Any] | None = None
    vars: dict[str, Any] = Field(default_factory=dict)
    tasks: Annotated[list[TaskModel], Field(min_length=1)]
    output_map: Any = None
    tags: list[str] = Field(default_factory=list)
    enabled: bool = True
    timeout: Timeout | None = None
    retry: RetryModel | None = None
    concurrency: Count | None = None
    fail_fast: bool = False
    max_visits: Annotated[int, Field(ge=1, le=10_000)] = MAX_VISITS
