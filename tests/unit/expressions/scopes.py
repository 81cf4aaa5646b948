"""A scope as the engine gives it to templates."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from attune.exceptions import TemplateError
from attune.expressions.templates import render, template_function


class KeyValueStore:
    """What a scope supplies as ``kv``."""

    secret_values = {"api.credentials.token": "t0ken"}  # noqa: RUF012

    @template_function
    def get(self, key: str, default: Any = None) -> Any:
        return {"feature.flags.beta": True}.get(key, default)

    @template_function
    def get_secret(self, key: str) -> str:
        return self.secret_values[key]

    @template_function
    def _internal(self) -> str:
        return "internal"

    def drop_everything(self) -> str:
        return "dropped"


class Lazy(Mapping[str, Any]):
    """A mapping that computes its values when asked, as the engine's ``task`` does."""

    def __init__(self, **values: Any) -> None:
        self.values_ = values
        self.read: list[str] = []

    def __getitem__(self, key: str) -> Any:
        self.read.append(key)
        value = self.values_[key]
        return value() if callable(value) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self.values_)

    def __len__(self) -> int:
        return len(self.values_)


def scope() -> dict[str, Any]:
    """A scope with something of every kind in it."""
    return {
        "parameters": {
            "app_name": " shop ",
            "environment": "production",
            "all_regions": [{"name": "eu", "enabled": True}, {"name": "us", "enabled": False}, {"name": "ap"}],
            "regions": ["eu", "us"],
            "café": "naïve ☕",
            "empty": "",
            "question": "why? because: yes",
        },
        "vars": {
            "base_path": " /var ",
            "raw_config": '{"a": [1, 2.5, null]}',
            "data": {"z": 1, "ä": [True, None]},
            "results": [1, 2, 3],
            "large_list": list(range(250)),
            "success": True,
            "failure": False,
            "nothing": None,
            "count": 7,
            "price": 2.5,
            "none_yet": [],
            "orders": [
                {"id": 2, "who": {"city": "Rome"}, "sum": 10},
                {"id": 1, "who": {"city": "Oslo"}, "sum": 5},
                {"id": 3, "who": {"city": "Rome"}, "sum": 1},
            ],
        },
        "task": {
            "build": {
                "status": "completed",
                "result": {"id": 5, "image uri": "r/x:1"},
                "items": [{"status": "completed"}, {"status": "failed"}],
                "error": None,
            }
        },
        "system": {"execution_id": "0192", "timestamp": "2024-05-06T07:08:09Z", "identity": {"login": "ada"}},
        "kv": KeyValueStore(),
        "item": "it",
        "index": 0,
    }


def failure(source: Any, names: Mapping[str, Any] | None = None) -> TemplateError:
    """The error of a template that must fail, with the promises that hold for every such error."""
    with pytest.raises(TemplateError) as caught:
        render(source, scope() if names is None else names)
    assert "Traceback" not in caught.value.message
    return caught.value
