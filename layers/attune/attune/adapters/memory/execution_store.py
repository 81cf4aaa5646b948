"""Executions in memory."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
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
    KV_NAMES,
    START,
    Key,
    items_key,
    output_key,
    record_key,
    retry_key,
    scope_key,
    vars_key,
    verdict_key,
)
from attune.engine.ids import AttemptId, home_of, is_chunk
from attune.engine.messages import Start
from attune.engine.state import State
from attune.engine.wire import decode, encode
from attune.execution.ports.execution_store import Claim, ClaimStatus, Record
from attune.execution.ports.queues import TaskMessage

_BESIDE = ("execution", "workflow", "workflow_version", "created_at", "status", "version", "absorbed", "updated_at")


class MemoryStore:
    """Implements :class:`attune.execution.ports.ExecutionStore`."""

    def __init__(self, values: MemoryKeyValueStore | None = None) -> None:
        self.items: dict[tuple[str, Key], str] = {}
        self._waiting: dict[tuple[str, Key], None] = {}
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
        data = self._get(execution, _state_key(execution))
        return codec.decode(data["state"], **data["beside"]) if data else None

    def load_all(self, executions: Sequence[str]) -> list[tuple[Start | None, State | None]]:
        """See the port."""
        return [(self.load_start(execution), self.load(execution)) for execution in executions]

    def save(self, state: State, expected: int) -> bool:
        """See the port."""
        stored = self._get(state.execution, _state_key(state.execution))
        if (stored["beside"]["version"] if stored else 0) != expected:
            return False
        beside = {name: getattr(state, name) for name in _BESIDE} | {"version": expected + 1}
        self._put(state.execution, _state_key(state.execution), {"state": codec.encode(state), "beside": beside})
        return True

    def write(self, execution: str, writes: Iterable[Write]) -> None:
        """See the port."""
        for write in writes:
            key, value = _written(write)
            if isinstance(write, WriteWait):
                value = _merged(self._get(execution, key) or {}, value)
                self._waiting.pop((execution, key), None)
                if value["closed"] is None:
                    self._waiting[execution, key] = None
            self._put(execution, key, value)

    def facts(self, execution: str, keys: Iterable[Key]) -> dict[Key, Any]:
        """See the port."""
        return {key: self._fact(execution, key) for key in keys}

    def _fact(self, execution: str, key: Key) -> Any:
        if key[0] == "kv":
            return self._values.get(key[1])
        if key == KV_NAMES:
            return self._values.keys()[0]
        if key[0] == "records":
            return self._records(execution, key[1], key[2])
        value = self._get(execution, key)
        if key[0] == "wait" and value is not None:
            return None if value["closed"] else {**value["terms"], "since": value["since"], "limit": value["limit"]}
        return _ending(value) if key[0] == "record" else value

    def _records(self, execution: str, task: str, visit: int) -> list[Any]:
        listed = self._get(execution, items_key(task, visit)) or []
        rows: list[Any] = [None] * (listed["total"] if isinstance(listed, dict) else len(listed))
        for attempt, record in sorted(self.records(execution), key=lambda row: row[0].number):
            if (attempt.task, attempt.visit) == (task, visit) and attempt.index is not None and "status" in record:
                rows[attempt.index] = _ending(record)
        return rows

    def records(self, execution: str) -> list[tuple[AttemptId, dict[str, Any]]]:
        """Every attempt's record."""
        return [
            (key[1], json.loads(text))
            for (owner, key), text in self.items.items()
            if owner == home_of(execution) and key[0] == "record"
        ]

    def claim(self, message: TaskMessage, token: str, now: float, lease_until: float) -> Claim:
        """See the port."""
        key = record_key(message.attempt)
        held = self._get(message.execution, key)
        if held is not None and "status" in held:
            return Claim(ClaimStatus.ENDED, record=Record(held["status"], held["result"], held["error"]))
        if held is not None and held["token"] != token:
            if held["lease"] >= now:
                return Claim(ClaimStatus.RUNNING, held["lease"])
            if not message.spec.idempotent:
                return Claim(ClaimStatus.LOST)
        taken = {"token": token, "lease": lease_until, "started_at": now, "input": message.input}
        self._put(message.execution, key, taken | {"action": message.spec.ref})
        return Claim(ClaimStatus.GRANTED, lease_until)

    def finish(self, execution: str, attempt: AttemptId, record: Record, now: float, child: str = "") -> Record:
        """See the port."""
        key = record_key(attempt)
        held = self._get(execution, key) or {}
        if "status" in held:
            return Record(held["status"], held["result"], held["error"])
        self._put(execution, key, held | record.to_dict() | {"ended_at": now, "child": child})
        return record

    def executions(self) -> list[str]:
        """Every execution that has been created."""
        return [owner for owner, key in self.items if key == START]

    def states(self) -> dict[str, State | None]:
        """Where everything stands that has been created; None for what has not begun."""
        names = dict.fromkeys(_name(owner, key) for owner, key in self.items if key[0] in (START[0], "state"))
        return {name: self.load(name) for name in names}

    def wait(self, execution: str, attempt: AttemptId) -> dict[str, Any] | None:
        """What one attempt waits for from outside, or waited for."""
        found: dict[str, Any] | None = self._get(execution, ("wait", attempt))
        return found

    def waits(self) -> list[tuple[str, AttemptId, dict[str, Any]]]:
        """What executions (or chunks) wait for from outside now."""
        return [(owner, key[1], self._get(owner, key)) for owner, key in self._waiting]

    def _get(self, execution: str, key: Key) -> Any:
        text = self.items.get((home_of(execution), key))
        return None if text is None else json.loads(text)

    def _put(self, execution: str, key: Key, value: Any) -> None:
        self.items[home_of(execution), key] = json.dumps(value)


def _name(owner: str, key: Key) -> str:
    """Whose state or start this is: an execution's, or a chunk's."""
    return str(key[1]) if len(key) > 1 else owner


def _state_key(execution: str) -> Key:
    return ("state", execution) if is_chunk(execution) else ("state",)


def _ending(record: dict[str, Any] | None) -> dict[str, Any] | None:
    """What a record says of its attempt's end; None before that."""
    if record is None or "status" not in record:
        return None
    return {name: record[name] for name in ("status", "result", "error")}


def _merged(held: dict[str, Any], wait: dict[str, Any]) -> dict[str, Any]:
    """It is opened once: it began when it was first written, and what is closed stays closed."""
    return {**wait, **held} if wait["closed"] is None else {**wait, **held, "closed": wait["closed"]}


def _written(write: Write) -> tuple[Key, Any]:  # noqa: C901 - one case for each kind
    match write:
        case WriteVars():
            return vars_key(write.number), write.values
        case WriteRecord():
            record = {"status": str(write.status), "result": write.result, "error": write.error}
            return record_key(write.attempt), record
        case WriteWait():
            return ("wait", write.attempt), asdict(write)
        case WriteVerdict():
            return verdict_key(write.task, write.visit), write.error
        case WriteItems():
            return items_key(write.task, write.visit, write.chunk), write.values
        case WriteScope():
            return scope_key(write.task, write.visit, write.attempt_base), write.scope
        case WriteRetry():
            return retry_key(write.number), asdict(write)
        case WriteOutput():
            return output_key(write.retries), {"output": write.output, "error": write.error}
        case _ as never:
            assert_never(never)
