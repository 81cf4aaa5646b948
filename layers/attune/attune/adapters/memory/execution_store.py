"""Executions in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, assert_never

from attune.adapters.memory.key_values import MemoryKeyValueStore
from attune.engine import codec
from attune.engine.effects import (
    Write,
    WriteItems,
    WriteOutput,
    WriteRecord,
    WriteRetry,
    WriteScope,
    WriteVars,
    WriteVerdict,
    WriteWait,
)
from attune.engine.facts import (
    START,
    Fact,
    ItemsFact,
    KeyNamesFact,
    KeyValueFact,
    OutputFact,
    RecordFact,
    RecordsFact,
    RetryFact,
    ScopeFact,
    StartFact,
    StoredFact,
    VarsFact,
    VerdictFact,
    WaitFact,
)
from attune.engine.ids import AttemptId, home_of, is_chunk
from attune.engine.messages import Start
from attune.engine.state import State
from attune.engine.wire import decode, encode
from attune.execution.ports.execution_store import Claim, ClaimStatus, Record
from attune.execution.ports.queues import TaskMessage

_BESIDE = ("execution", "workflow", "workflow_version", "created_at", "status", "version", "absorbed", "updated_at")


@dataclass(frozen=True, slots=True)
class StateOf:
    """Where a state lies beside the facts: an execution's own, or that of the chunk with this id."""

    chunk: str = ""


Place = StoredFact | StateOf
"""Where something of an execution lies."""


class MemoryStore:
    """Implements :class:`attune.execution.ports.execution_store.ExecutionStore`."""

    def __init__(self, values: MemoryKeyValueStore | None = None) -> None:
        self.items: dict[tuple[str, Place], str] = {}
        self._waiting: dict[tuple[str, WaitFact], None] = {}
        self._values = values or MemoryKeyValueStore()

    def create(self, start: Start) -> bool:
        """See the port."""
        key = (start.execution, START)
        if key in self.items:
            return False
        self._put(start.execution, START, encode(start))
        return True

    def load_start(self, execution: str) -> Start | None:
        """See the port."""
        data = self._get(execution, START)
        found = decode(data) if data else None
        return found if isinstance(found, Start) else None

    def load(self, execution: str) -> State | None:
        """See the port."""
        data = self._get(execution, _state_of(execution))
        return codec.decode(data["state"], **data["beside"]) if data else None

    def load_all(self, executions: Sequence[str]) -> list[tuple[Start | None, State | None]]:
        """See the port."""
        return [(self.load_start(execution), self.load(execution)) for execution in executions]

    def save(self, state: State, expected: int) -> bool:
        """See the port."""
        stored = self._get(state.execution, _state_of(state.execution))
        if (stored["beside"]["version"] if stored else 0) != expected:
            return False
        beside = {name: getattr(state, name) for name in _BESIDE} | {"version": expected + 1}
        self._put(state.execution, _state_of(state.execution), {"state": codec.encode(state), "beside": beside})
        return True

    def write(self, execution: str, writes: Iterable[Write]) -> None:
        """See the port."""
        for write in writes:
            value = _value(write)
            if isinstance(write, WriteWait):
                value = _merged(self._get(execution, write.fact) or {}, value)
                self._waiting.pop((execution, write.fact), None)
                if value["closed"] is None:
                    self._waiting[execution, write.fact] = None
            self._put(execution, write.fact, value)

    def facts(self, execution: str, wanted: Iterable[StoredFact]) -> dict[Fact, Any]:
        """See the port."""
        return {fact: self._fact(execution, fact) for fact in wanted}

    def _fact(self, execution: str, fact: StoredFact) -> Any:
        match fact:
            case KeyValueFact():
                return self._values.get(fact.key)
            case KeyNamesFact():
                return self._values.keys()[0]
            case RecordsFact():
                return self._records(execution, fact.task, fact.visit)
            case RecordFact():
                return _ending(self._get(execution, fact))
            case WaitFact():
                return _terms(self._get(execution, fact))
            case StartFact() | VarsFact() | ItemsFact() | ScopeFact() | VerdictFact() | RetryFact() | OutputFact():
                return self._get(execution, fact)
            case _ as never:
                assert_never(never)

    def _records(self, execution: str, task: str, visit: int) -> list[Any]:
        listed = self._get(execution, ItemsFact(task, visit)) or []
        rows: list[Any] = [None] * (listed["total"] if isinstance(listed, dict) else len(listed))
        for attempt, record in sorted(self.records(execution), key=lambda row: row[0].number):
            if (attempt.task, attempt.visit) == (task, visit) and attempt.index is not None and "status" in record:
                rows[attempt.index] = _ending(record)
        return rows

    def records(self, execution: str) -> list[tuple[AttemptId, dict[str, Any]]]:
        """Every attempt's record."""
        return [
            (place.attempt, json.loads(text))
            for (owner, place), text in self.items.items()
            if owner == home_of(execution) and isinstance(place, RecordFact)
        ]

    def claim(self, message: TaskMessage, token: str, now: float, lease_until: float) -> Claim:
        """See the port."""
        place = RecordFact(message.attempt)
        held = self._get(message.execution, place)
        if held is not None and "status" in held:
            return Claim(ClaimStatus.ENDED, record=Record(held["status"], held["result"], held["error"]))
        if held is not None and held["token"] != token:
            if held["lease"] >= now:
                return Claim(ClaimStatus.RUNNING, held["lease"])
            if not message.spec.idempotent:
                return Claim(ClaimStatus.LOST)
        taken = {"token": token, "lease": lease_until, "started_at": now, "input": message.input}
        self._put(message.execution, place, taken | {"action": message.spec.ref})
        return Claim(ClaimStatus.GRANTED, lease_until)

    def finish(self, execution: str, attempt: AttemptId, record: Record, now: float, child: str = "") -> Record:
        """See the port."""
        place = RecordFact(attempt)
        held = self._get(execution, place) or {}
        if "status" in held:
            return Record(held["status"], held["result"], held["error"])
        self._put(execution, place, held | record.to_dict() | {"ended_at": now, "child": child})
        return record

    def executions(self) -> list[str]:
        """Every execution that has been created."""
        return [owner for owner, place in self.items if place == START]

    def states(self) -> dict[str, State | None]:
        """Where everything stands that has been created; None for what has not begun."""
        kept = ((owner, place) for owner, place in self.items if isinstance(place, StartFact | StateOf))
        names = dict.fromkeys(_name(owner, place) for owner, place in kept)
        return {name: self.load(name) for name in names}

    def wait(self, execution: str, attempt: AttemptId) -> dict[str, Any] | None:
        """What one attempt waits for from outside, or waited for."""
        found: dict[str, Any] | None = self._get(execution, WaitFact(attempt))
        return found

    def waits(self) -> list[tuple[str, AttemptId, dict[str, Any]]]:
        """What executions (or chunks) wait for from outside now."""
        return [(owner, fact.attempt, self._get(owner, fact)) for owner, fact in self._waiting]

    def _get(self, execution: str, place: Place) -> Any:
        text = self.items.get((home_of(execution), place))
        return None if text is None else json.loads(text)

    def _put(self, execution: str, place: Place, value: Any) -> None:
        self.items[home_of(execution), place] = json.dumps(value)


def _name(owner: str, place: StartFact | StateOf) -> str:
    """Whose state or start this is: an execution's, or a chunk's."""
    return place.chunk or owner if isinstance(place, StateOf) else owner


def _state_of(execution: str) -> StateOf:
    return StateOf(execution) if is_chunk(execution) else StateOf()


def _ending(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a record says of its attempt's end; None before that."""
    if record is None or "status" not in record:
        return None
    return {name: record[name] for name in ("status", "result", "error")}


def _terms(wait: dict[str, Any] | None) -> dict[str, Any] | None:
    """What an open wait says; None if there is none."""
    if wait is None or wait["closed"]:
        return None
    return {**wait["terms"], "since": wait["since"], "limit": wait["limit"]}


def _merged(held: dict[str, Any], wait: dict[str, Any]) -> dict[str, Any]:
    """It is opened once: it began when it was first written, and what is closed stays closed."""
    return {**wait, **held} if wait["closed"] is None else {**wait, **held, "closed": wait["closed"]}


def _value(write: Write) -> Any:
    match write:
        case WriteVars() | WriteItems():
            return write.values
        case WriteRecord():
            return {"status": str(write.status), "result": write.result, "error": write.error}
        case WriteVerdict():
            return write.error
        case WriteScope():
            return write.scope
        case WriteWait() | WriteRetry():
            return asdict(write)
        case WriteOutput():
            return {"output": write.output, "error": write.error}
        case _ as never:
            assert_never(never)
