"""Load → fold → save → send: the only code that changes an execution's state.

Called with the messages of one execution, in the order of its mailbox. See docs/explanation/protocol.md for why
each step stands where it does; the promises are tested one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import asdict, replace
from typing import Any, TypeVar

from attune.engine import outbox
from attune.engine.advance import Folded, fold, tombstone
from attune.engine.facts import ActionFact, Fact, GraphFact, MissingFacts, StoredFact
from attune.engine.messages import Cancel, Dead, Message, Start, StartChunk
from attune.engine.state import State
from attune.engine.turn import Step
from attune.exceptions import AttuneError, Conflict, Unavailable
from attune.execution.dispatch import Dispatcher
from attune.execution.fold_input import input_for
from attune.execution.ports.catalog import Catalog
from attune.execution.ports.clock import Clock
from attune.execution.ports.execution_store import ExecutionStore
from attune.execution.ports.queues import Delivery
from attune.execution.warm import WarmStates
from attune.model.graph import Graph

MAX_ROUNDS = 50
"""How often one fold may ask for more facts, and how often a refused save is folded anew, before it is an error."""


T = TypeVar("T")
Observer = Callable[[State, Sequence[Message], Sequence[Step]], None]
"""Called after each save with the state, the messages that led to it and the steps they took; for logs and tests."""


class _Refused:
    """Somebody else saved first."""


class Advancer:
    """Advances executions, one at a time."""

    def __init__(
        self,
        store: ExecutionStore,
        catalog: Catalog,
        dispatcher: Dispatcher,
        clock: Clock,
        *,
        observer: Observer = lambda state, messages, steps: None,
    ) -> None:
        self._store, self._catalog, self._dispatcher, self._clock = store, catalog, dispatcher, clock
        self._observer = observer
        self._graphs: dict[tuple[str, int], Graph] = {}
        self._warm = WarmStates()

    def deliver(self, execution: str, deliveries: Sequence[Delivery]) -> int:
        """Advance by a batch; returns how many of its messages need not come again.

        One message that cannot be folded must not take the others along: those before it are absorbed one by one.
        """
        try:
            self.advance(execution, deliveries)
        except (Unavailable, Conflict):
            raise
        except Exception:
            if len(deliveries) == 1:
                raise
            return self._deliver_singly(execution, deliveries)
        return len(deliveries)

    def _deliver_singly(self, execution: str, deliveries: Sequence[Delivery]) -> int:
        for position, delivery in enumerate(deliveries):
            try:
                self.advance(execution, [delivery])
            except Exception:
                if position == 0:
                    raise
                return position
        return len(deliveries)

    def advance(self, execution: str, deliveries: Sequence[Delivery]) -> State | None:
        """Fold the messages that are new, save once, send. Returns the state; None if there is no such execution.

        The first try is on the state that this process saved last, if it has one: mostly nobody saved since, and the
        read is spared. Where that guess was wrong the save is refused; what no save would prove is not done on it.

        Raises:
            Unavailable: a service did not answer; the same messages must come again.

        """
        *earlier, last = _parts(deliveries)
        for part in earlier:
            self._absorb(execution, part)
        return self._absorb(execution, last)

    def _absorb(self, execution: str, deliveries: Sequence[Delivery]) -> State | None:
        guessed = self._on_guess(execution, deliveries, self._warm.take(execution))
        if not isinstance(guessed, _Refused):
            return guessed
        for _ in range(MAX_ROUNDS):
            state = self._store.load(execution)
            fresh = [delivery for delivery in deliveries if state is None or delivery.sequence > state.absorbed]
            if state is not None and len(fresh) < len(deliveries):
                self._send_again(state)
            if not fresh:
                return state
            saved = self._fold_and_save(execution, state, fresh)
            if not isinstance(saved, _Refused):
                return saved
        raise Conflict(f"execution {execution} was saved by somebody else {MAX_ROUNDS} times in a row")

    def _on_guess(self, execution: str, deliveries: Sequence[Delivery], guess: State | None) -> State | _Refused | None:
        """Fold on a state that may be stale; refused unless a save has proven that it was not.

        Three things need the stored state instead: a message that the guess has absorbed already, a fold that changes
        nothing, and a record. (A record is written before the save. If the save were refused, the record would stand.)
        """
        if guess is None or any(delivery.sequence <= guess.absorbed for delivery in deliveries):
            return _Refused()
        folded = self._fold(execution, guess, [delivery.message for delivery in deliveries])
        if folded is None or folded.writes or _is_idle(guess, folded):
            return _Refused()
        return self._save(guess.version, folded, deliveries)

    def _send_again(self, state: State) -> None:
        """These messages were absorbed before, so whoever did it may have died before sending (promise 2)."""
        if state.outbox:
            graph = self._graph(state.workflow, state.workflow_version)
            known: dict[Fact, Any] = {}
            effects = self._with_facts(state.execution, known, lambda: outbox.rebuild(graph, state, known))
            self._dispatcher.send(state, effects)

    def _fold_and_save(self, execution: str, state: State | None, fresh: Sequence[Delivery]) -> State | _Refused | None:
        folded = self._fold(execution, state, [delivery.message for delivery in fresh])
        if folded is None or (state is not None and _is_idle(state, folded)):
            return state
        self._store.write(execution, folded.writes)
        return self._save(state.version if state else 0, folded, fresh)

    def _save(self, expected: int, folded: Folded, fresh: Sequence[Delivery]) -> State | _Refused:
        after = replace(folded.state, version=expected + 1, absorbed=fresh[-1].sequence)
        if not self._store.save(after, expected):
            return _Refused()
        self._dispatcher.send(after, folded.effects)
        self._warm.put(after)
        self._observer(after, [delivery.message for delivery in fresh], folded.steps)
        return after

    def _fold(self, execution: str, state: State | None, batch: list[Message]) -> Folded | None:
        given = input_for(self._store, self._graph, execution, state, batch)
        if given is None:
            cancelled = state is None and any(isinstance(message, Cancel) for message in batch)
            return Folded(tombstone(execution, self._clock.now()), (), ()) if cancelled else None
        current, known, now = given.state, given.known, self._clock.now()
        graph = self._graph(current.workflow, current.workflow_version)
        try:
            return self._with_facts(execution, known, lambda: fold(graph, current, given.batch, now, known))
        except Unavailable:
            raise
        except Exception as error:
            poisoned = [_as_poison(message, error) for message in given.batch]
            if poisoned == given.batch:
                raise
            return self._park(execution, known, lambda parked: fold(graph, current, parked, now, known), poisoned)

    def _park(
        self, execution: str, known: dict[Fact, Any], compute: Callable[[list[Message]], Folded], batch: list[Message]
    ) -> Folded:
        """Fold a dead letter as the poison that it is; if its execution cannot even start, without that start."""
        try:
            return self._with_facts(execution, known, lambda: compute(batch))
        except Unavailable:
            raise
        except Exception:
            rest: list[Message] = [message for message in batch if not isinstance(message, Start)]
            if rest == batch:
                raise
            return self._with_facts(execution, known, lambda: compute(rest))

    def _with_facts(self, execution: str, known: dict[Fact, Any], compute: Callable[[], T]) -> T:
        """Compute, fetching what is found to be missing, until nothing is."""
        for _ in range(MAX_ROUNDS):
            try:
                return compute()
            except MissingFacts as missing:
                known.update(self._fetch(execution, missing.facts))
        raise AttuneError(f"execution {execution} asked for facts {MAX_ROUNDS} times in one fold")

    def _fetch(self, execution: str, missing: Set[Fact]) -> dict[Fact, Any]:
        registered: dict[Fact, Any] = {}
        stored: list[StoredFact] = []
        for fact in missing:
            match fact:
                case ActionFact():
                    registered[fact] = self._action(fact.ref)
                case GraphFact():
                    registered[fact] = self._graph(fact.ref, fact.version)
                case _:
                    stored.append(fact)
        return registered | (self._store.facts(execution, stored) if stored else {})

    def _action(self, ref: str) -> dict[str, Any] | None:
        spec = self._catalog.action(ref)
        return asdict(spec) if spec else None

    def _graph(self, ref: str, version: int) -> Graph:
        """Versions are immutable, so a graph once loaded stays."""
        key = (ref, version)
        if key not in self._graphs:
            self._graphs[key] = self._catalog.workflow(ref, version).graph
        return self._graphs[key]


def _parts(deliveries: Sequence[Delivery]) -> list[list[Delivery]]:
    """Cut before each start of a chunk: what stands before it is about the chunk as it was until then."""
    parts: list[list[Delivery]] = [[]]
    for delivery in deliveries:
        if isinstance(delivery.message, StartChunk) and parts[-1]:
            parts.append([])
        parts[-1].append(delivery)
    return parts


def _is_idle(before: State, folded: Folded) -> bool:
    """True when nothing came of the messages (late timers, duplicates): then a save would only cost."""
    if folded.writes or folded.effects:
        return False
    return before == replace(folded.state, updated_at=before.updated_at, outbox=before.outbox)


def _as_poison(message: Message, error: Exception) -> Message:
    """A dead letter that cannot be folded on its second chance either parks its execution."""
    if isinstance(message, Dead) and message.poison is None:
        return replace(message, poison=f"{type(error).__name__}: {error}")
    return message
