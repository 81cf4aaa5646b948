"""The shapes that all kinds of files share, checked one value at a time.

Messages of the validators here are shown to people as they are, after the key's name.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from attune.expressions.values import kind
from attune.model.durations import seconds


class Strict(BaseModel):
    """No unknown keys, no conversions between types; a key without a value is as good as absent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _without_empty_keys(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {key: value for key, value in data.items() if value is not None or key not in known}


def _condition(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    raise ValueError(f"must be a condition, a template like '{{{{ vars.ready }}}}', not {kind(value)}")


def _positive(value: Any) -> float:
    length = seconds(value)
    if length == 0:
        raise ValueError("must be longer than 0 s")
    return length


Duration = Annotated[float, BeforeValidator(seconds)]
Timeout = Annotated[float, BeforeValidator(_positive)]
Condition = Annotated[str, BeforeValidator(_condition)]
Count = Annotated[int, Field(ge=1)]
