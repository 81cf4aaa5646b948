"""What the fold knows beyond the state: parameters, variables, results.

A fold never reads. Its caller gives it the facts at hand. A fold that needs another one stops with
:class:`MissingFacts`, which names it. The caller fetches that fact, and folds again from the start. So the engine stays
pure, and only what templates name is ever read (promise 5).

Each kind of fact is a type; two facts are equal if their kind and fields are. A kind is in one of three unions, by who
can supply it. All look-ups match on these unions and end in ``assert_never``: mypy names each place that a new kind
needs. A *record* is ``{"status", "result", "error"}``, or None if there is none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from attune.engine.ids import AttemptId
from attune.exceptions import Deferred


@dataclass(frozen=True, slots=True)
class StartFact:
    """The Start message as JSON."""


@dataclass(frozen=True, slots=True)
class VarsFact:
    """The variables as published under this number."""

    number: int


@dataclass(frozen=True, slots=True)
class RecordFact:
    """How one attempt ended: a record."""

    attempt: AttemptId


@dataclass(frozen=True, slots=True)
class ItemsFact:
    """What a ``with_items`` goes over: all of a short list, or one ``chunk``'s part of a long one.

    Without ``chunk``, of a long list, its scope (see :class:`attune.engine.effects.WriteScope`).
    """

    task: str
    visit: int
    chunk: int | None = None


@dataclass(frozen=True, slots=True)
class ScopeFact:
    """The scope of the chunks of a visit that a retry begins again (see :func:`scope_fact`)."""

    task: str
    visit: int
    attempt_base: int


@dataclass(frozen=True, slots=True)
class VerdictFact:
    """The error that a fold decided on for a visit."""

    task: str
    visit: int


@dataclass(frozen=True, slots=True)
class RetryFact:
    """What a retry (counted from 1) was asked for with."""

    number: int


@dataclass(frozen=True, slots=True)
class OutputFact:
    """What the execution returned when it ended after so many ``retries``.

    A name for each end, so that one who comes late to write down the first cannot overwrite the last.
    """

    retries: int = 0


@dataclass(frozen=True, slots=True)
class WaitFact:
    """The terms of an open wait for an event, with ``since`` and ``limit``; None if the attempt waits no more."""

    attempt: AttemptId


@dataclass(frozen=True, slots=True)
class KeyValueFact:
    """The value under a key of the key-value store, in a list of its own; None if there is none."""

    key: str


@dataclass(frozen=True, slots=True)
class RecordsFact:
    """How all items of a visit ended: a list of records."""

    task: str
    visit: int


@dataclass(frozen=True, slots=True)
class KeyNamesFact:
    """Some keys of the key-value store."""


@dataclass(frozen=True, slots=True)
class ActionFact:
    """An action (or a workflow as one) by its ref, as JSON; None if it is not registered."""

    ref: str


@dataclass(frozen=True, slots=True)
class GraphFact:
    """The compiled graph of another version."""

    ref: str
    version: int


SingleFact = (
    StartFact
    | VarsFact
    | RecordFact
    | ItemsFact
    | ScopeFact
    | VerdictFact
    | RetryFact
    | OutputFact
    | WaitFact
    | KeyValueFact
)
"""What a store keeps in one place."""
StoredFact = SingleFact | RecordsFact | KeyNamesFact
"""What a store knows."""
RegisteredFact = ActionFact | GraphFact
"""What the catalog knows."""
Fact = StoredFact | RegisteredFact

START: Final = StartFact()
KEY_NAMES: Final = KeyNamesFact()


def scope_fact(task: str, visit: int, attempt_base: int) -> ItemsFact | ScopeFact:
    """The scope of the chunks of a visit: it takes the place of a short list, until a retry makes another."""
    return ScopeFact(task, visit, attempt_base) if attempt_base else ItemsFact(task, visit)


class MissingFacts(Deferred):
    """The fold cannot go on without these."""

    def __init__(self, facts: Iterable[Fact]) -> None:
        super().__init__("facts are missing")
        self.facts = frozenset(facts)


_MISSING: Final = object()


class Facts:
    """A read-only base with the fold's own findings on top."""

    def __init__(self, known: Mapping[Fact, Any]) -> None:
        self._known = known
        self._found: dict[Fact, Any] = {}

    def get(self, fact: Fact) -> Any:
        """The value; raises MissingFacts."""
        value = self._found.get(fact, _MISSING)
        if value is not _MISSING:
            return value
        try:
            return self._known[fact]
        except KeyError:
            raise MissingFacts([fact]) from None

    def put(self, fact: Fact, value: Any) -> None:
        """Remember what this fold has made or was told."""
        self._found[fact] = value

    def require(self, facts: Iterable[Fact]) -> None:
        """Raises MissingFacts with all that is missing at once: one round of reading instead of many."""
        missing = [fact for fact in facts if fact not in self._found and fact not in self._known]
        if missing:
            raise MissingFacts(missing)
