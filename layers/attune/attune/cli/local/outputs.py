"""The outputs of a deployed stack: its URL and the names of its resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class StackOutputs:
    """The template's outputs, in snake_case. ``api_url`` has no slash at its end."""

    api_url: str
    table_name: str
    bucket_name: str
    advance_queue_url: str
    task_queue_url: str
    timer_queue_url: str
    advance_dead_queue_url: str
    task_dead_queue_url: str
    event_bus_name: str
    schedule_group_name: str
    log_group_name: str
    api_function: str
    advance_function: str
    run_task_function: str
    on_event_function: str
    on_timer_function: str
    on_dead_function: str
    sweep_function: str

    @classmethod
    def from_stack(cls, stack: Mapping[str, Any]) -> StackOutputs:
        """From CloudFormation's description of a stack; KeyError if it lacks an output."""
        values = {o["OutputKey"]: o["OutputValue"] for o in stack.get("Outputs", ())}
        return cls(**{f.name: values[_key(f.name)] for f in fields(cls)})

    def to_dict(self) -> dict[str, str]:
        """The same as JSON."""
        return asdict(self)


def _key(name: str) -> str:
    """``api_url`` is the output ``ApiUrl``."""
    return "".join(word.capitalize() for word in name.split("_"))


def local_api_url(api_url: str, endpoint: str) -> str:
    """A plain URL for an HTTP API in MiniStack, where no name like ``<id>.execute-api.localhost`` resolves.

    MiniStack takes ``/_aws/execute-api/<id>/<stage>/…``; the stage ``$default`` is written ``%24default`` so
    that a shell leaves it alone.
    """
    found = re.match(r"https?://([a-z0-9]+)\.execute-api\.", api_url)
    return f"{endpoint}/_aws/execute-api/{found[1]}/%24default" if found else api_url
