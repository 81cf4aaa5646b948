"""What a scenario is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from tests.explore.run import FaultyWorld

Condition: TypeAlias = "Callable[[FaultyWorld, str], Any]"
"""Of a world and its execution: whether the time has come, and perhaps what was found."""


@dataclass(frozen=True)
class Deed:
    """Something that somebody does as soon as ``when`` holds (given what it returned)."""

    when: Condition
    do: Callable[[FaultyWorld, str, Any], None]


@dataclass(frozen=True)
class Scenario:
    """A workflow (and its children), what its actions answer, and what is done to it.

    ``also`` says of other outputs whether they are right too when a worker died in the middle of an action.
    ``loose``: how far an attempt got when it was cut off may differ. ``bound``: bytes of the state at most.
    ``sensors`` and ``rules`` are files as in a pack; where there are some, what is announced goes over the bus.
    """

    texts: tuple[str, ...]
    status: str = "completed"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    script: Mapping[str, Any] = field(default_factory=dict)
    takes: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict)
    deeds: tuple[Deed, ...] = ()
    sensors: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    also: Callable[[Any], bool] = lambda output: False
    loose: bool = False
    bound: int = 4096
    chunk_size: int | None = None

    @property
    def hidden(self) -> Collection[str]:
        """What must be written down nowhere."""
        return self.secrets.values()
