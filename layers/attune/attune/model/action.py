"""An action as the engine and workers know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from enum import StrEnum
from typing import Any

from attune.model.built_ins import TRAITS, BuiltIn, Traits


class Runner(StrEnum):
    """Who runs an action: a worker process (python, http, lambda), a child execution, or the engine itself."""

    PYTHON = "python"
    HTTP = "http"
    LAMBDA = "lambda"
    WORKFLOW = "workflow"
    ENGINE = "engine"


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """An action as a worker needs it, made from its ``action.yaml``.

    ``entry_point`` is ``file.py:function`` (python, relative to the pack's ``actions`` folder), a function name
    or ARN (lambda), ``METHOD url`` (http), a workflow's ref (workflow) or a built-in's name (engine).
    ``parameters`` and ``output_schema`` are JSON Schemas; ``timeout`` is in seconds.
    """

    ref: str
    pack: str
    _: KW_ONLY
    runner: Runner
    entry_point: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    output_schema: Mapping[str, Any] | None = None
    idempotent: bool = True
    timeout: float | None = None

    @property
    def traits(self) -> Traits | None:
        """Of a built-in; None for what a worker or a child execution does."""
        return TRAITS[BuiltIn(self.entry_point)] if self.runner is Runner.ENGINE else None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ActionSpec:
        """Inverse of :func:`dataclasses.asdict`."""
        return cls(**{**data, "runner": Runner(data["runner"])})


def workflow_as_action(ref: str, pack: str, parameters: Mapping[str, Any]) -> ActionSpec:
    """How a workflow stands among the actions; ``parameters`` is its JSON Schema."""
    return ActionSpec(ref=ref, pack=pack, runner=Runner.WORKFLOW, entry_point=ref, parameters=parameters)
