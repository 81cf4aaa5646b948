"""Estimates what an execution cost, from its attempts and the number of its saves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from math import ceil

from attune.cost import timing
from attune.cost.prices import Meter
from attune.cost.units import write_units

BATCH = 10
"""Messages that a function is given at once at most."""
CHUNK_READS = 2
"""Of a chunk's part of the list, and of what its templates see; about one read unit each."""
_STATE, _START, _CLAIM, _ENDING = 290, 300, 125, 35
"""Bytes of items, next to what is variable in them; measured."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An attempt that a worker ran: ``given`` and ``returned`` bytes of JSON; ``again``: it was not the first."""

    given: int = 0
    returned: int = 0
    again: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """What the cost of an execution depends on.

    ``tried``: its attempts; ``saves`` of its state; ``tasks`` in its graph; ``lists``: bytes of the lists that its
    ``with_items`` go over; ``waited``: how often it slept, asked or awaited an event; ``started``: by the API, unlike
    a child. A ``chunk`` has a state of its own, but no entry in the index, no output, and no event at its end.
    """

    tried: Sequence[Tried]
    saves: int
    _: KW_ONLY
    tasks: int
    lists: Sequence[int] = ()
    waited: int = 0
    started: bool = True
    chunk: bool = False
    children: Sequence[Shape] = field(default_factory=tuple)


def estimate(shape: Shape) -> Mapping[Meter, float]:
    """Its usage, and that of its children. Functions are taken to be warm, and states to be in memory."""
    usage: Counter[Meter] = Counter()
    for part in (_table(shape), _queues(shape), _functions(shape), *map(estimate, shape.children)):
        for meter, units in part.items():
            usage[meter] += units  # type: ignore[assignment]
    return usage


def _batches(shape: Shape) -> int:
    """Batches of attempts: as many as folds followed, unless more than ten came at a time."""
    attempts = len(shape.tried)
    return min(attempts, max(shape.saves - 1, ceil(attempts / BATCH)))


def _folds(shape: Shape) -> int:
    """Batches of messages, each of which was a save; chunks begin in a batch with others."""
    return shape.saves - shape.chunk


def _timers(shape: Shape) -> int:
    """Messages of the timer queue: a retry's delay, the end of a wait."""
    return sum(tried.again for tried in shape.tried) + shape.waited


def _table(shape: Shape) -> dict[Meter, float]:
    """Start, state, output; for each attempt its claim and its end; and the index.

    START and STATE have an entry each; that of STATE moves (two writes) when it ends, or waits, or goes on.
    """
    state = write_units(0, _STATE + shape.tasks)
    claims = sum(write_units(0, _CLAIM + tried.given) for tried in shape.tried)
    endings = sum(write_units(0, _CLAIM + _ENDING + tried.given + tried.returned) for tried in shape.tried)
    lists = sum(write_units(0, 100 + size) for size in shape.lists)
    writes = shape.saves * state + claims + endings + lists + 2 * shape.waited
    if shape.chunk:
        return {Meter.DYNAMODB_WRITE: writes, Meter.DYNAMODB_READ: CHUNK_READS}
    index = 4 + 4 * _timers(shape)
    whole = writes + write_units(0, _START) + 1 + index
    return {Meter.DYNAMODB_WRITE: whole, Meter.DYNAMODB_READ: 6 + shape.waited}


def _queues(shape: Shape) -> dict[Meter, float]:
    """Of each batch a send, a receive and a delete; the messages of a fold come in one. And the message that starts an
    execution, or tells that a chunk has ended.
    """
    batches, timers = _batches(shape), _timers(shape)
    messages = 1 + batches + timers + 2 * _folds(shape)
    return {Meter.SQS_FIFO: messages, Meter.SQS_STANDARD: 3 * (batches + timers)}


def _functions(shape: Shape) -> dict[Meter, float]:
    """The API's call and the event at the end are one each."""
    attempts, batches, timers = len(shape.tried), _batches(shape), _timers(shape)
    messages = attempts + timers - shape.saves
    folding = shape.saves * timing.ADVANCE_CALL + max(messages, 0) * timing.ADVANCE_MESSAGE
    working = batches * timing.WORKER_CALL + attempts * timing.WORKER_ATTEMPT
    ended = int(not shape.chunk)
    others = shape.started * timing.API_CALL + (ended + timers) * timing.SMALL_CALL
    seconds = folding * timing.ADVANCE_GB + working * timing.WORKER_GB + others * timing.OTHER_GB
    return {
        Meter.LAMBDA_REQUEST: _folds(shape) + batches + timers + ended + shape.started,
        Meter.LAMBDA_TIME: seconds,
        Meter.EVENTS: ended,
        Meter.HTTP_API: int(shape.started),
    }
