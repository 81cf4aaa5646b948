"""The shape of every good answer: ``{"data": …, "message": …}``."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from aws_lambda_powertools.event_handler import Response

from attune.execution.answers import to_json

T = TypeVar("T")


@dataclass(frozen=True)
class Reply(Generic[T]):
    """What a route answers: data of a type that the OpenAPI document describes, and a word about it."""

    data: T
    message: str
    status: ClassVar[int] = 200

    def envelope(self) -> dict[str, Any]:
        """As JSON values."""
        return {"data": to_json(self.data), "message": self.message}

    def sent(self) -> Any:
        """What Powertools sends."""
        return self.envelope()


@dataclass(frozen=True)
class Accepted(Reply[T]):
    """The answer of a route that has something done later."""

    status: ClassVar[int] = 202

    def sent(self) -> Any:
        """What Powertools sends."""
        return Response(self.status, "application/json", json.dumps(self.envelope(), default=str))
