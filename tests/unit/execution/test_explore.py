"""Nothing is lost, whatever goes wrong at whichever call: a short run of what ``make explore`` does at length.

And the other way round: a protocol that is broken on purpose is found out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.explore.__main__ import BEGIN, END, PAGE, facts, table
from tests.explore.run import FaultyWorld, Plan, calls, expected, explore, play
from tests.explore.search import Row, Trial, pairs, singles
from tests.explore.workflows import WORKFLOWS

from attune.adapters.memory.execution_store import MemoryStore
from attune.adapters.memory.faults import FaultKind
from attune.adapters.memory.queues import Death
from attune.engine.facts import RecordFact
from attune.engine.ids import dedup_id
from attune.engine.messages import Pause, TaskEnded
from attune.execution.advancer import Advancer, _Refused
from attune.execution.dispatch import Dispatcher
from attune.execution.ports.execution_store import Claim, ClaimStatus
from attune.execution.ports.queues import Envelope
from attune.execution.waits import Waits, _envelope
from attune.execution.worker import Worker
from attune.model.masking import Masker
from attune.model.patterns import matches

STRIDE = 13
"""One in so many of all single faults is tried here: the calls and kinds change from one to the next."""


def killed(name: str, plan: Plan) -> list[Death[Any]]:
    """What died in a run with faults."""
    world = FaultyWorld(WORKFLOWS[name], plan, seed=0)
    world.play()
    return world.cloud.dead


def failing(trials: Iterator[Trial]) -> list[str]:
    """What went wrong, each with the command that repeats it."""
    found = ((trial, explore(trial.workflow, trial.plan, trial.seed)) for trial in trials)
    return [f"{trial.command()}: {wrong}" for trial, wrong in found if wrong]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_no_single_fault_changes_how_an_execution_ends(name):
    assert not failing(itertools.islice(singles(name), list(WORKFLOWS).index(name) % STRIDE, None, STRIDE))


def test_no_two_faults_change_how_an_execution_ends():
    assert not failing(itertools.islice(pairs(WORKFLOWS, seed=7), 200))


@pytest.mark.parametrize("name", WORKFLOWS)
def test_duplicates_delays_and_other_orders_change_nothing(name):
    ended, wrong, _ = expected(name)
    assert (ended.status, wrong) == (WORKFLOWS[name].status, [])
    assert not failing(Trial(name, {}, seed) for seed in range(1, 6))


def test_an_event_that_nobody_could_take_in_time_arrives_when_it_is_redriven():
    outage = dict.fromkeys(range(9, 24), FaultKind.THROTTLED)
    assert explore("event", outage) == []
    assert {dead.terms.name for dead in killed("event", outage)} == {"on_event"}


@pytest.mark.parametrize("kind", [FaultKind.THROTTLED, FaultKind.CRASH_BEFORE, FaultKind.CRASH_AFTER])
def test_after_an_outage_that_outlasts_all_retries_everything_ends_as_it_would_have(kind):
    outage = dict.fromkeys(range(6, 60), kind)
    assert explore("child", outage) == []
    assert "advance" in {dead.terms.name for dead in killed("child", outage)}


def test_a_message_that_dies_of_less_than_it_bears_is_found_out(monkeypatch):
    expected("chain")
    monkeypatch.setattr(Advancer, "deliver", lambda self, execution, envelopes: 0)
    assert any(wrong.startswith("0 faults killed") for wrong in explore("chain", {}))


def test_the_table_adds_up_and_the_page_has_a_place_for_it():
    results = {"chain": Row(33, 1300), "child": Row(40, 1500, [(Trial("child", {}), ["it stands still"])])}
    assert table(results).splitlines()[2:] == [
        "| chain | 33 | 1,300 | 0 |",
        "| child | 40 | 1,500 | 1 |",
        "| **all** | 73 | 2,800 | 1 |",
    ]
    assert facts(results, 60.4, 7) == "2 workflows, 73 calls, 2,800 runs, 1 failures, in 60 seconds with seed 7."
    assert 0 < PAGE.read_text().index(BEGIN) < PAGE.read_text().index(END)


@pytest.mark.parametrize("seed", [0, 5])
def test_a_run_repeats_itself_exactly(seed):
    first, second = (play("items_of_children", {9: FaultKind.FREEZE}, seed) for _ in range(2))
    assert first == second


def test_all_of_a_port_is_reached():
    reached = {call.name for name in WORKFLOWS for call in calls(name)}
    assert reached >= {
        *("store.create", "store.load", "store.save", "store.write", "store.claim", "store.finish", "store.facts"),
        *("mailbox.post", "tasks.send", "timers.set", "bus.announce", "directory.remember", "events.waits"),
    }


def _sends_first(self: Any, execution: str, state: Any, fresh: Any) -> Any:
    """The advancer's own steps, with the send before the save."""
    version = state.version if state else 0
    folded = self._fold(execution, state, [envelope.message for envelope in fresh])
    if folded is not None:
        after = replace(folded.state, version=version + 1, absorbed=fresh[-1].sequence)
        self._dispatcher.send(after, folded.effects)
    return _honest_save(self, execution, state, fresh)


_honest_save = Advancer._fold_and_save
_conditional_save = MemoryStore.save


def _saves_anyhow(self: Any, state: Any, expected: int) -> bool:
    stored = self.load(state.execution)
    return _conditional_save(self, state, stored.version if stored else 0)


def _grants_anyhow(self: Any, message: Any, token: str, now: float, lease_until: float) -> Claim:
    held = self._get(message.execution, RecordFact(message.attempt)) or {}
    self._put(message.execution, RecordFact(message.attempt), held | {"token": token, "lease": lease_until})
    return Claim(ClaimStatus.GRANTED, lease_until)


def _records_anyhow(self: Any, execution: str, attempt: Any, record: Any, now: float, child: str = "") -> Any:
    held = self._get(execution, RecordFact(attempt)) or {}
    self._put(execution, RecordFact(attempt), held | record.to_dict())
    return record


def _trusts_its_memory(self: Any, execution: str, envelopes: Any, guess: Any) -> Any:
    """A fold that comes to nothing needs no save, so nothing shows that the state was stale."""
    refused = _honest_guess(self, execution, envelopes, guess)
    if isinstance(refused, _Refused) and guess is not None and envelopes[0].sequence > guess.absorbed:
        folded = self._fold(execution, guess, [envelope.message for envelope in envelopes])
        return guess if folded is not None and not folded.effects and not folded.writes else refused
    return refused


_honest_guess = Advancer._on_guess


def _looks_before_it_keeps(self: Any, event: Any) -> None:
    waiting = list(self._events.waits(event["detail-type"]))
    self._mailbox.post([_envelope(who, attempt, event) for who, attempt, pattern in waiting if matches(pattern, event)])
    self._events.keep(event["detail-type"], event, self._clock.now(), self._kept_for(event["detail-type"]))


def _starts_children_once(self: Any, state: Any, effects: Any) -> None:
    starts = [self._child_start(state, effect) for effect in effects]
    self._mailbox.post([Envelope(start.execution, start) for start in starts if self._store.create(start)])


MUTANTS: dict[str, tuple[type, str, Any, str]] = {
    "sent before saved": (Advancer, "_fold_and_save", _sends_first, "child"),
    "no outbox": (Advancer, "_send_again", lambda self, state: None, "chain"),
    "stale states trusted": (Advancer, "_on_guess", _trusts_its_memory, "chain"),
    "looked before kept": (Waits, "handle", _looks_before_it_keeps, "event_before"),
    "children started once": (Dispatcher, "_start_children", _starts_children_once, "child"),
    "one id for all pauses": (Pause, "dedup", property(lambda self: dedup_id("pause")), "pause_twice"),
    "secrets recorded": (Masker, "value", lambda self, value: value, "secrets"),
    "no claim": (MemoryStore, "claim", _grants_anyhow, "not_idempotent"),
    "saved without a condition": (MemoryStore, "save", _saves_anyhow, "chain"),
    "the last result wins": (MemoryStore, "finish", _records_anyhow, "unsteady"),
    "ids used again": (
        TaskEnded,
        "dedup",
        property(lambda self: dedup_id(self.attempt.task, self.attempt.visit, self.attempt.index, "ended")),
        "retry_at_once",
    ),
}
"""What is broken, and a workflow in which that shows."""


@pytest.mark.parametrize("broken", MUTANTS)
def test_a_broken_protocol_is_found_out(broken, monkeypatch):
    owner, method, mutant, workflow = MUTANTS[broken]
    expected(workflow)
    monkeypatch.setattr(owner, method, mutant)
    found = (trial for trial in singles(workflow) if explore(trial.workflow, trial.plan, trial.seed))
    assert next(found, None) is not None, "nobody noticed"


def test_a_crash_that_nobody_mends_is_found_out(monkeypatch):
    """The mailbox swallows what it is given: the simplest way to lose something."""
    right = expected("chain")
    monkeypatch.setattr(Worker, "_report", lambda self, waiting: [])
    assert explore("chain", {}) != []
    assert right[0].status == "completed"
