"""Where each kind of fact lies that is one item, and how it is read from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, assert_never

from attune.adapters.aws.dynamodb import key_values, keys, records, states
from attune.adapters.aws.dynamodb.marshal import Item
from attune.engine.facts import (
    ItemsFact,
    KeyValueFact,
    OutputFact,
    RecordFact,
    RetryFact,
    ScopeFact,
    SingleFact,
    StartFact,
    VarsFact,
    VerdictFact,
    WaitFact,
)
from attune.execution.ports.blobs import BlobStore
from attune.model.built_ins import WaitKind


def _referenced(blobs: BlobStore, item: Item) -> Any:
    return blobs.get(item["d"])


def _ending(blobs: BlobStore, item: Item) -> Any:
    record = records.record_of(blobs, item)
    return record.to_dict() if record else None


def _open_terms(blobs: BlobStore, item: Item) -> Any:
    return None if "closed" in item else _referenced(blobs, item)


@dataclass(frozen=True, slots=True)
class Place:
    """An item's key, and what is made of the item."""

    key: keys.Key
    read: Callable[[BlobStore, Item], Any] = _referenced


def place_of(execution: str, fact: SingleFact) -> Place:  # noqa: C901 - one case for each kind
    """Where a fact of an execution lies."""
    match fact:
        case StartFact():
            return Place(keys.start(execution), states.start_fact)
        case VarsFact():
            return Place(keys.variables(execution, fact.number))
        case RecordFact():
            return Place(keys.attempt(execution, fact.attempt), _ending)
        case ItemsFact():
            return Place(keys.items(execution, fact.task, fact.visit, fact.chunk))
        case ScopeFact():
            return Place(keys.scope(execution, fact.task, fact.visit, fact.attempt_base))
        case VerdictFact():
            return Place(keys.verdict(execution, fact.task, fact.visit))
        case RetryFact():
            return Place(keys.retry(execution, fact.number))
        case OutputFact():
            return Place(keys.output(execution, fact.retries))
        case WaitFact():
            return Place(keys.wait(execution, WaitKind.EVENT, fact.attempt), _open_terms)
        case KeyValueFact():
            return Place(keys.value(fact.key), key_values.fact_of)
        case _ as never:
            assert_never(never)
