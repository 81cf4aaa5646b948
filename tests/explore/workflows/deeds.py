"""What people and other systems do to executions, and when."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from attune.engine.ids import AttemptId, wait_id
from attune.engine.messages import Cancel, Pause, Resume
from attune.engine.state import State
from attune.exceptions import Conflict
from attune.execution.inquiries import Inquiries
from attune.execution.ports.catalog import WorkflowVersion
from attune.execution.retrier import ExecutionRetrier
from attune.model.built_ins import WaitKind
from tests.conftest import graphs
from tests.explore.workflows.scenario import Condition, Deed

if TYPE_CHECKING:
    from tests.explore.run import FaultyWorld


def _state(world: FaultyWorld, execution: str) -> State | None:
    return world.store.load(execution)


def _open(kind: WaitKind, world: FaultyWorld) -> list[tuple[str, AttemptId]]:
    """What has been awaited for long enough to be found by the index."""
    now = world.clock.now()
    rows = world.store.waits()
    return [(e, attempt) for e, attempt, wait in rows if wait["kind"] == kind and now - wait["since"] > 5]


def begun(world: FaultyWorld, execution: str) -> bool:
    """The execution has a state."""
    return _state(world, execution) is not None


def ended(count: int) -> Condition:
    """So many tasks have ended."""

    def holds(world: FaultyWorld, execution: str) -> bool:
        state = _state(world, execution)
        return state is not None and sum(code != "." for code in state.codes) >= count

    return holds


def over(world: FaultyWorld, execution: str) -> bool:
    """It has ended."""
    state = _state(world, execution)
    return state is not None and state.status.ended


def paused_for(seconds: float) -> Condition:
    """The execution, and all of it that lives, has been paused for so long."""

    def holds(world: FaultyWorld, execution: str) -> bool:
        states = [state for state in world.store.states().values() if state is not None and not state.status.ended]
        now = world.clock.now()
        return bool(states) and all(state.paused and now - state.updated_at > seconds for state in states)

    return holds


def failed_for(seconds: float) -> Condition:
    """It has ended so long ago."""

    def holds(world: FaultyWorld, execution: str) -> bool:
        state = _state(world, execution)
        return state is not None and state.ended_at is not None and world.clock.now() - state.ended_at > seconds

    return holds


def retried(world: FaultyWorld, execution: str) -> bool:
    """It was retried, and has ended again."""
    state = _state(world, execution)
    return state is not None and state.status.ended and bool(state.retried)


def then(count: int, when: Condition) -> Condition:
    """After so many deeds are done."""
    return lambda world, execution: len(world.done) >= count and when(world, execution)


def asked(world: FaultyWorld, execution: str) -> Any:
    """An inquiry is open."""
    return next(iter(_open(WaitKind.INQUIRY, world)), None)


def awaited(world: FaultyWorld, execution: str) -> Any:
    """An event is awaited."""
    return awaited_by(1)(world, execution)


def awaited_by(visit: int) -> Condition:
    """An event is awaited by a task that was begun so often."""

    def holds(world: FaultyWorld, execution: str) -> Any:
        return next((wait for wait in _open(WaitKind.EVENT, world) if wait[1].visit == visit), None)

    return holds


def has_child(world: FaultyWorld, execution: str) -> bool:
    """A child execution has been created."""
    return len(world.store.executions()) > 1


def _answer(world: FaultyWorld, execution: str, found: Any) -> None:
    """Whoever answers twice is told that it is no longer open."""
    with suppress(Conflict):
        Inquiries(world.ports.directory, world.ports.mailbox).answer(wait_id(*found), {"yes": True}, "somebody")


def _retry(world: FaultyWorld, execution: str, key: str = "again", **changes: Any) -> None:
    ports = world.ports
    retrier = ExecutionRetrier(
        store=ports.store, catalog=ports.catalog, mailbox=ports.mailbox, clock=world.clock, sealer=ports.sealer
    )
    retrier.retry(execution, idempotency_key=key, **changes)


def cancel(when: Condition) -> Deed:
    """Somebody cancels."""
    return Deed(when, lambda world, execution, _: world.post(execution, Cancel("enough", "c")))


def pause(when: Condition, request_id: str = "p") -> Deed:
    """Somebody pauses."""
    return Deed(when, lambda world, execution, _: world.post(execution, Pause("wait", request_id)))


def resume(when: Condition, request_id: str = "r") -> Deed:
    """Somebody resumes."""
    return Deed(when, lambda world, execution, _: world.post(execution, Resume(request_id)))


def answer(when: Condition) -> Deed:
    """Somebody answers what is asked."""
    return Deed(when, _answer)


def publish(when: Condition, event: str = "e-1") -> Deed:
    """Another system puts an event on the bus."""
    paid = {"id": event, "source": "shop", "detail-type": "Paid", "detail": {"order": 7}}
    return Deed(when, lambda world, execution, _: world.cloud.publish(paid))


def tick(ref: str, when: Condition) -> Deed:
    """The time of a sensor or of a rule's schedule has come; the message comes until somebody has taken it."""
    record = {"messageId": "m-1", "body": json.dumps({"rule": ref, "time": "noon"}), "attributes": {}}
    return Deed(when, lambda world, execution, _: world.timer_handler.deliver(record))


def retry_in(text: str, parameters: Mapping[str, Any]) -> Deed:
    """Somebody registers a second version of the workflow, and has the execution go on in it with other parameters."""

    def do(world: FaultyWorld, execution: str, found: Any) -> None:
        world.catalog.add_version(WorkflowVersion("t.w", 2, graphs(text)[0]))
        _mend(world)
        _retry(world, execution, version=2, parameters=parameters)

    return Deed(over, do)


def _mend(world: FaultyWorld) -> None:
    for action in world.runner.script.values():
        action.mended = True


def retry(when: Condition, key: str = "again", *, mended: bool = True) -> Deed:
    """Somebody mends what was wrong, or believes that it is mended, and has the execution go on."""

    def do(world: FaultyWorld, execution: str, found: Any) -> None:
        if mended:
            _mend(world)
        _retry(world, execution, key)

    return Deed(when, do)


ANSWER = answer(asked)
RESUME = resume(paused_for(100))
RETRY = retry(over)
