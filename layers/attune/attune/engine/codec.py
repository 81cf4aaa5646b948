"""The stored form of a state: short keys, defaults left out, numbers as ranges, because every KB is billed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from attune.engine.ids import AttemptId
from attune.engine.messages import Parent
from attune.engine.ranges import compress, expand
from attune.engine.state import State
from attune.engine.visits import Active, Chunk, Chunks, Items, Visit
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus, TaskStatus

_PLAIN = {
    "begun": "b",
    "now_unhandled": "u",
    "ever_unhandled": "fl",
    "held": "h",
    "verdicts": "vd",
    "is_failing": "x",
    "stopping": "st",
    "paused": "pz",
    "pause_note": "pn",
    "seen_controls": "hd",
    "delivered_events": "tl",
    "error": "e",
    "vars_number": "vn",
    "deadline": "dl",
    "ended_at": "ea",
    "resend_id": "sa",
    "led_to_fail": "fa",
    "retried": "rt",
    "given": "g",
    "outbox": "o",
}
"""Attributes stored as they are, under a short key, when they are not empty."""
_BY_TASK = {"visits": "v", "last_attempt": "l", "join_runs": "j", "rounds": "r"}
"""Dictionaries by task number; JSON makes their keys text."""
_ARRIVALS = {"fired": "f", "dropped": "dr"}
"""Dictionaries by target and source."""
_CHUNK = ("task", "visit", "number", "first", "window", "attempt_base")
"""The order in which a chunk's fields stand in its row; what is added comes last, and old rows are shorter."""


def encode(state: State) -> dict[str, Any]:
    """All of the state but its name, version, sequence number, status and dates, which the store keeps beside it."""
    data: dict[str, Any] = {"c": "".join(state.codes)}
    data |= {key: value for name, key in _PLAIN.items() if (value := getattr(state, name))}
    data |= {key: value for name, key in _BY_TASK.items() if (value := getattr(state, name))}
    if state.item_counts:
        data["ic"] = {task: list(counts) for task, counts in state.item_counts.items()}
    data |= {key: value for name, key in _ARRIVALS.items() if (value := getattr(state, name))}
    if state.resumable:
        data["lo"] = [[*visit, number] for visit, number in state.resumable.items()]
    if state.active:
        data["a"] = [_encode_visit(visit) for visit in state.active.values()]
    if state.chunk:
        data["k"] = [getattr(state.chunk, name) for name in _CHUNK]
    if state.parent:
        data["p"] = [state.parent.execution, state.parent.attempt.to_list(), state.parent.depth]
    return data


def decode(data: Mapping[str, Any], **kept: Any) -> State:
    """Inverse of :func:`encode`; ``kept`` is what the store keeps beside it."""
    state = State(size=len(data["c"]), codes=list(data["c"]), **kept)
    state.status = ExecutionStatus(state.status)
    for name, key in _PLAIN.items():
        if key in data:
            setattr(state, name, data[key])
    for name, key in _BY_TASK.items():
        setattr(state, name, _by_number(data.get(key, {})))
    state.item_counts = {task: (c[0], c[1]) for task, c in _by_number(data.get("ic", {})).items()}
    for name, key in _ARRIVALS.items():
        setattr(state, name, {task: _by_number(given) for task, given in _by_number(data.get(key, {})).items()})
    state.resumable = {(task, visit): number for task, visit, number in data.get("lo", [])}
    for row in data.get("a", []):
        state.open(_decode_visit(row))
    if "k" in data:
        state.chunk = Chunk(**dict(zip(_CHUNK, data["k"], strict=False)))
    if "p" in data:
        execution, attempt, depth = data["p"]
        state.parent = Parent(execution, AttemptId.from_list(attempt), depth)
    return state


def _by_number(data: Mapping[Any, Any]) -> dict[int, Any]:
    return {int(key): value for key, value in data.items()}


def _encode_active(active: Active) -> list[Any]:
    wait = str(active.wait) if active.wait else None
    return _trim([str(active.status), active.number, active.due, active.child, active.limit, wait])


def _trim(row: list[Any]) -> list[Any]:
    while row and row[-1] is None:
        row.pop()
    return row


def _decode_active(row: list[Any]) -> Active:
    status, number, due, child, limit, wait = [*row, None, None, None, None][:6]
    waits_for = WaitKind(wait) if wait else None
    return Active(TaskStatus(status), number, due=due, child=child, limit=limit, wait=waits_for)


def _encode_visit(visit: Visit) -> list[Any]:
    single = _encode_active(visit.single) if visit.single else None
    items = _encode_items(visit.items, visit.attempt_base) if visit.items else None
    more = [number or None for number in (visit.round, visit.attempt_base, visit.last)]
    chunks = _encode_chunks(visit.chunks) if visit.chunks else None
    return _trim([visit.task, visit.number, single, items, *more, chunks])


def _usual(attempt_base: int) -> Active:
    """How most items that are under way look: these are stored as ranges."""
    return Active(TaskStatus.SCHEDULED, attempt_base + 1)


def _encode_items(items: Items, attempt_base: int) -> list[Any]:
    usual = _usual(attempt_base)
    plain = [index for index, active in items.active.items() if active == usual]
    others = {index: _encode_active(active) for index, active in items.active.items() if active != usual}
    again = compress(items.again) if items.again else None
    row = [items.total, items.elements, items.next, compress(plain), others, compress(items.failed), again]
    return _trim(row)


def _decode_items(row: list[Any], attempt_base: int) -> Items:
    total, elements, following, usual, others, failed, again = [*row, None][:7]
    active = dict.fromkeys(expand(usual), _usual(attempt_base))
    active |= {index: _decode_active(other) for index, other in _by_number(others).items()}
    left = sorted(expand(again or ()), reverse=True)
    return Items(total, elements, next=following, active=active, failed=set(expand(failed)), again=left)


def _encode_chunks(chunks: Chunks) -> list[Any]:
    """What runs as ranges of chunks by their window."""
    by_window: dict[int, list[int]] = {}
    for number, window in chunks.running.items():
        by_window.setdefault(window, []).append(number)
    running = {window: compress(numbers) for window, numbers in by_window.items()}
    row = [chunks.total, chunks.elements, chunks.count, chunks.next, running, chunks.failed, chunks.indexes]
    return [*row, True] if chunks.whole else row


def _decode_chunks(row: list[Any]) -> Chunks:
    total, elements, count, following, by_window, failed, indexes, whole = [*row, False][:8]
    running = {number: window for window, ranges in _by_number(by_window).items() for number in expand(ranges)}
    return Chunks(
        total,
        elements,
        count,
        next=following,
        running=running,
        failed=failed,
        indexes=list(indexes),
        whole=whole,
    )


def _decode_visit(row: list[Any]) -> Visit:
    task, number, single, items, rounds, attempt_base, last, chunks = [*row, *[None] * 6][:8]
    return Visit(
        task,
        number,
        single=_decode_active(single) if single else None,
        items=_decode_items(items, attempt_base or 0) if items else None,
        chunks=_decode_chunks(chunks) if chunks else None,
        round=rounds or 0,
        attempt_base=attempt_base or 0,
        last=last or 0,
    )
