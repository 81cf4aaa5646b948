"""What the fold knows beyond the state: parameters, variables, results.

A fold never reads. It is given what is at hand, and when it comes upon something else it stops with
:class:`MissingFacts`, which names what it wants; whoever called it fetches that and folds again from the start.
So the engine stays pure, and nothing is ever read that no template names (promise 5).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attune.engine.ids import AttemptId
from attune.exceptions import Deferred

Key = tuple[Any, ...]
"""``("start",)`` the Start message as JSON · ``("vars", n)`` · ``("record", AttemptId)`` ·
``("records", task, visit)`` a list by item · ``("items", task, visit)`` the list of a ``with_items`` or, of one in
chunks, its scope · ``("items", task, visit, n)`` one chunk's part of the list ·
``("scope", task, visit, attempt_base)`` ·
``("verdict", task, visit)`` · ``("output",)`` · ``("action", ref)`` · ``("retry", n)`` ·
``("graph", ref, version)`` a Graph ·
``("wait", AttemptId)`` the terms of an open wait for an event, with ``since`` · ``("kv", key)`` the value in a list of
its own, or None if there is none · ``("kv_names",)`` some keys of the key-value store.
A record is ``{"status", "result", "error"}``, or None if there is none."""

START: Key = ("start",)
OUTPUT: Key = ("output",)
KV_NAMES: Key = ("kv_names",)


def action_key(ref: str) -> Key:
    """An action (or a workflow as one) by its ref, as JSON."""
    return ("action", ref)


def kv_key(key: str) -> Key:
    """A value of the key-value store."""
    return ("kv", key)


def output_key(retries: int) -> Key:
    """What the execution returned when it ended after so many retries.

    A name for each end, so that one who comes late to write down the first cannot overwrite the last.
    """
    return (*OUTPUT, retries) if retries else OUTPUT


def vars_key(number: int) -> Key:
    """The variables as published under this number."""
    return ("vars", number)


def wait_key(attempt: AttemptId) -> Key:
    """What event an attempt waits for; None if it doesn't any more."""
    return ("wait", attempt)


def record_key(attempt: AttemptId) -> Key:
    """How one attempt ended."""
    return ("record", attempt)


def records_key(task: str, visit: int) -> Key:
    """How all items of a visit ended."""
    return ("records", task, visit)


def items_key(task: str, visit: int, chunk: int | None = None) -> Key:
    """What a ``with_items`` goes over: all of a short list, one chunk's part of a long one.

    Without ``chunk``, a long one's scope (see :class:`attune.engine.effects.WriteScope`).
    """
    return ("items", task, visit) if chunk is None else ("items", task, visit, chunk)


def scope_key(task: str, visit: int, attempt_base: int) -> Key:
    """The scope of the chunks of a visit; those that a retry begins again have an ``attempt_base`` and a new one."""
    return ("scope", task, visit, attempt_base) if attempt_base else items_key(task, visit)


def verdict_key(task: str, visit: int) -> Key:
    """The error that a fold decided on."""
    return ("verdict", task, visit)


def retry_key(number: int) -> Key:
    """What a retry (counted from 1) was asked for with."""
    return ("retry", number)


def graph_key(ref: str, version: int) -> Key:
    """The compiled graph of another version."""
    return ("graph", ref, version)


class MissingFacts(Deferred):
    """The fold cannot go on without these."""

    def __init__(self, keys: Iterable[Key]) -> None:
        super().__init__("facts are missing")
        self.keys = frozenset(keys)


class Facts:
    """A read-only base with the fold's own findings on top."""

    def __init__(self, known: Mapping[Key, Any]) -> None:
        self._known = known
        self._found: dict[Key, Any] = {}

    def get(self, key: Key) -> Any:
        """The value; raises MissingFacts."""
        if key in self._found:
            return self._found[key]
        if key in self._known:
            return self._known[key]
        raise MissingFacts([key])

    def put(self, key: Key, value: Any) -> None:
        """Remember what this fold has made or was told."""
        self._found[key] = value

    def require(self, keys: Iterable[Key]) -> None:
        """Raises MissingFacts with all that is missing at once: one round of reading instead of many."""
        missing = [key for key in keys if key not in self._found and key not in self._known]
        if missing:
            raise MissingFacts(missing)
