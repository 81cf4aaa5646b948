"""Why an execution is where it is: stuck situations, the sentence for each, and what a repair makes of it.

What a repair mends:
 1. the start was lost                       2. the message of a task was lost
 3. the worker died with its lease           4. the result was recorded and never told
 5. a sleep's timer never fired              6. a retry's timer never fired
 7. a task's time limit never fired          8. the workflow's time limit never fired
 9. a sub-workflow was never created        10. a sub-workflow ended and its parent was not told
11. a cancelled parent's child runs on      12. a resumed parent's child stays paused

What somebody has to do something about, or wait for:
13. paused by a person                      14. parked by poison, with its dead letter
15. an inquiry is open                      16. an event is awaited
17. a sub-workflow waits for an inquiry     18. a worker runs the task
19. the task stands in line                 20. it has ended, and why
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.unit.execution.test_sweep import Loss, Safe, lossy

from attune.adapters.memory.dead_letter_store import MemoryDeadLetterStore
from attune.adapters.memory.inspector import MemoryInspector
from attune.engine.facts import START
from attune.engine.messages import Cancel, Dead, Pause, Resume
from attune.exceptions import NotFound
from attune.execution.diagnosis import Code
from attune.execution.doctor import Doctor
from attune.execution.examiner import Examiner
from attune.execution.ports.dead_letters import DeadLetter, Origin
from attune.execution.spans import span
from attune.execution.waits import LookBack
from attune.model.status import ExecutionStatus

ONE = "tasks: [{name: a, action: t.do, input: {n: 1}}]"
CHAIN = "tasks: [{name: a, action: t.do, on_success: b}, {name: b, action: t.do}]"
SLEEP = "tasks: [{name: nap, action: core.sleep, input: {seconds: 60}}]"
TWO = "tasks: [{name: nap, action: core.sleep, input: {seconds: 9}, on_success: b}, {name: b, action: t.do}]"
RETRY = "tasks: [{name: a, action: t.do, retry: {count: 2, delay: 60}}]"
ASK = "tasks: [{name: ask, action: core.inquiry, input: {prompt: 'Ship it?'}}]"
ASK_SOON = "tasks: [{name: ask, action: core.inquiry, input: {prompt: 'Ship it?'}, timeout: 60}]"
DEADLINE = "timeout: 60\n" + ASK
EVENT = "tasks: [{name: hear, action: core.wait_for_event, input: {event_type: Paid}}]"
PARENT = "tasks: [{name: sub, action: t.child}]"
ASKING_CHILD = "ref: t.child\n" + ASK
HOUR = 3600.0


class Ward:
    """A world with a doctor, in which one message may be lost."""

    def __init__(
        self,
        world: Any,
        fail: Any,
        text: str,
        lose: int = -1,
        child: str = ASKING_CHILD,
        chunk_size: int | None = None,
    ):
        self.loss = Loss(lose)
        self.w = lossy(world, text, self.loss, fail, child=child, chunk_size=chunk_size)
        inspector = MemoryInspector(self.w.store, self.w.catalog)
        self.dead_letter_store, self.backlog = MemoryDeadLetterStore(), 0
        self.ages: dict[str, float] = {}
        """Of the oldest message, by queue."""
        look_back = LookBack(self.w.store, self.w.known_events)
        examiner = Examiner(
            inspector=inspector,
            store=self.w.store,
            catalog=self.w.catalog,
            look_back=look_back,
            backlog=lambda: self.backlog,
        )
        mailbox = Safe(self.w.cloud)
        self.doctor = Doctor(
            inspector=inspector,
            examiner=examiner,
            store=self.w.store,
            dead_letter_store=self.dead_letter_store,
            mailbox=mailbox,
            clock=self.w.clock,
            oldest=self.ages.get,
        )
        self.execution = self.w.start("t.w", {})

    def run(self, seconds: float = 0.0) -> Ward:
        """Let everything happen that happens in this time."""
        until = self.w.clock.now() + seconds
        self.w.run(until=until)
        self.w.clock.set(max(until, self.w.clock.now()))
        return self

    def say(self, message: Any, seconds: float = 1.0) -> Ward:
        self.w.post(self.execution, message)
        return self.run(seconds)

    def child(self) -> str:
        return next(owner for owner, place in self.w.store.items if place == START and owner != self.execution)


def dead_worker(ward: Ward) -> Ward:
    def dies(batch: list[Any]) -> list[int]:
        ward.w.store.claim(batch[0], "worker-7", ward.w.clock.now(), ward.w.clock.now() + 300)
        return []

    ward.w.cloud.on_tasks = dies
    ward.run(1)
    ward.w.cloud.on_tasks = ward.w._work
    return ward


def unheard_event(ward: Ward) -> Ward:
    ward.run(1)
    ward.w.event({"id": "e-1", "source": "shop", "detail-type": "Paid", "detail": {}})
    return ward.run(HOUR)


@dataclass(frozen=True)
class Stuck:
    """A situation, what is found and said, and how the execution ends after a repair (None: a repair does nothing)."""

    make: Callable[[Any, Any], Ward]
    code: Code
    sentence: str
    then: ExecutionStatus | None = None
    of_child: bool = False


DONE, FAILED = ExecutionStatus.COMPLETED, ExecutionStatus.FAILED
CANCELLED, LATE = ExecutionStatus.CANCELLED, ExecutionStatus.TIMED_OUT


def cancelled_parent(world: Any, fail: Any) -> Ward:
    return Ward(world, fail, PARENT, lose=4).run(1).say(Cancel("enough")).run(HOUR)


def resumed_parent(world: Any, fail: Any) -> Ward:
    ward = Ward(world, fail, PARENT, lose=8, child="ref: t.child\n" + TWO).run(1)
    return ward.say(Pause("wait")).run(30).say(Resume()).run(HOUR)


def parked(world: Any, fail: Any) -> Ward:
    ward = Ward(world, fail, ASK).run(1).say(Dead("m-1", {"type": "no such thing"})).run(600)
    dead_letter = DeadLetter(
        id="01.x",
        queue=Origin.ADVANCE,
        at=ward.w.clock.now(),
        reason="it could not be folded",
        body="{}",
        execution=ward.execution,
    )
    ward.dead_letter_store.add(dead_letter)
    return ward


def in_line(world: Any, fail: Any) -> Ward:
    ward = Ward(world, fail, ONE, lose=2).run(600)
    ward.backlog = 70
    return ward


SITUATIONS = {
    "start lost": Stuck(
        lambda world, fail: Ward(world, fail, ONE, lose=1).run(HOUR),
        Code.START_LOST,
        "it was requested 60 min ago and never began: its start was lost",
        DONE,
    ),
    "task lost": Stuck(
        lambda world, fail: Ward(world, fail, ONE, lose=2).run(HOUR),
        Code.TASK_LOST,
        "task 'a' was asked for 60 min ago and no worker has it: its message was lost",
        DONE,
    ),
    "worker gone": Stuck(
        lambda world, fail: dead_worker(Ward(world, fail, ONE)).run(1200),
        Code.WORKER_GONE,
        "the worker of task 'a' is gone: its lease ended 15 min ago without a result",
        DONE,
    ),
    "result lost": Stuck(
        lambda world, fail: Ward(world, fail, CHAIN, lose=3).run(1200),
        Code.RESULT_LOST,
        "task 'a' ended completed 20 min ago, and the execution was never told",
        DONE,
    ),
    "sleep never ends": Stuck(
        lambda world, fail: Ward(world, fail, SLEEP, lose=2).run(HOUR),
        Code.TIMER_LOST,
        "task 'nap' was to wake 59 min ago, and the timer never fired",
        DONE,
    ),
    "retry never comes": Stuck(
        lambda world, fail: Ward(world, fail, RETRY, lose=4).run(HOUR),
        Code.TIMER_LOST,
        "task 'a', attempt 2 was to be tried again 59 min ago, and the timer never fired",
        DONE,
    ),
    "event unheard, of a wait that does not look back": Stuck(
        lambda world, fail: unheard_event(Ward(world, fail, EVENT, lose=2)),
        Code.EVENT_LOST,
        "task 'hear' waits for an event that has come, and the news of it was lost",
        DONE,
    ),
    "event unheard": Stuck(
        lambda world, fail: unheard_event(Ward(world, fail, EVENT.replace("Paid", "Paid, within: 5m"), lose=2)),
        Code.EVENT_LOST,
        "task 'hear' waits for an event that has come, and the news of it was lost",
        DONE,
    ),
    "task limit passed": Stuck(
        lambda world, fail: Ward(world, fail, ASK_SOON, lose=2).run(HOUR),
        Code.TIMER_LOST,
        "task 'ask' was to time out 59 min ago, and the timer never fired",
        FAILED,
    ),
    "workflow limit passed": Stuck(
        lambda world, fail: Ward(world, fail, DEADLINE, lose=2).run(HOUR),
        Code.TIMER_LOST,
        "its time was up 59 min ago, and the timer never fired (and 1 more)",
        LATE,
    ),
    "child never created": Stuck(
        lambda world, fail: Ward(world, fail, PARENT, lose=2, child="ref: t.child\n" + ONE).run(HOUR),
        Code.CHILD_LOST,
        "task 'sub': its sub-workflow {child} never began: its start was lost",
        DONE,
    ),
    "child ended unheard": Stuck(
        lambda world, fail: Ward(world, fail, PARENT, lose=5, child="ref: t.child\n" + ONE).run(HOUR),
        Code.CHILD_UNHEARD,
        "task 'sub': its sub-workflow {child} ended completed 60 min ago without a word",
        DONE,
    ),
    "orphan": Stuck(
        cancelled_parent,
        Code.ORPHAN,
        "its parent {parent} no longer waits for it, and the news of that was lost (and 1 more)",
        CANCELLED,
        of_child=True,
    ),
    "left paused": Stuck(
        resumed_parent,
        Code.LEFT_PAUSED,
        "its parent {parent} goes on again, and the news of that was lost",
        DONE,
        of_child=True,
    ),
    "paused": Stuck(
        lambda world, fail: Ward(world, fail, ASK).run(1).say(Pause("holidays", by="ada"), 7200),
        Code.PAUSED,
        "it was paused by ada 2 h ago: holidays (and 1 more)",
    ),
    "parked": Stuck(
        parked,
        Code.PARKED,
        "it was parked 10 min ago: a message could not be folded: KeyError: 'no such thing' (and 2 more)",
    ),
    "inquiry": Stuck(
        lambda world, fail: Ward(world, fail, ASK).run(2 * 86400),
        Code.INQUIRY,
        "task 'ask' waits since 2 days for an answer to \"Ship it?\"; anyone with a token may give it",
    ),
    "event": Stuck(
        lambda world, fail: Ward(world, fail, EVENT).run(300),
        Code.EVENT,
        "task 'hear' waits since 5 min for an event like {'detail-type': ['Paid']}",
    ),
    "child waits": Stuck(
        lambda world, fail: Ward(world, fail, PARENT).run(300),
        Code.CHILD,
        "task 'sub' waits for its sub-workflow {child}: task 'ask' waits since 5 min for an answer to \"Ship it?\"; "
        "anyone with a token may give it",
    ),
    "runs": Stuck(
        lambda world, fail: dead_worker(Ward(world, fail, ONE)).run(100),
        Code.RUNNING,
        "task 'a' has run for 101 s; worker worker-7 has its lease for 3 min more",
    ),
    "in line": Stuck(
        in_line,
        Code.QUEUED,
        "task 'a' has waited for a worker for 10 min; 70 messages wait in the task queue",
    ),
    "ended": Stuck(
        lambda world, fail: Ward(world, fail, CHAIN.replace("name: a", "name: x")).run(7300),
        Code.ENDED,
        "it ended failed 2 h ago: Failure: task 'x' failed: no",
    ),
}


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_doctor_says_why_and_a_repair_mends_what_was_lost(world, fail, name):
    stuck = SITUATIONS[name]
    ward = stuck.make(world, fail)
    patient = ward.child() if stuck.of_child else ward.execution
    found = ward.doctor.diagnosis(patient)
    names = {"{parent}": ward.execution, "{child}": "" if "{child}" not in stuck.sentence else ward.child()}
    expected = stuck.sentence
    for placeholder, real in names.items():
        expected = expected.replace(placeholder, real)
    assert found.sentence == expected
    assert found.findings[0].code == stuck.code
    before = ward.w.store.load(patient)
    repaired = ward.doctor.repair(patient)
    ward.run(2 * HOUR)
    if stuck.then is None:
        assert repaired.repaired == ()
        assert ward.w.store.load(patient).version - before.version in (0, 1), "but for what was under way"
    else:
        assert repaired.repaired
        assert ward.w.state(patient).status is stuck.then


def test_there_are_twelve_situations_and_more_that_a_repair_mends():
    assert sum(stuck.then is not None for stuck in SITUATIONS.values()) >= 12


def test_the_page_about_it_has_every_code_and_no_other():
    page = (Path(__file__).parents[3] / "docs/how-to/find-out-why.md").read_text(encoding="utf-8")
    cells = re.findall(r"^\| (`[^|]*) \|", page, re.MULTILINE)
    assert sorted(code for cell in cells for code in re.findall(r"`(\w+)`", cell)) == sorted(Code)


def test_a_child_that_tells_its_parent_again_is_not_announced_again(world, fail):
    ward = Ward(world, fail, PARENT, lose=5, child="ref: t.child\n" + ONE).run(HOUR)
    ward.doctor.repair(ward.execution)
    ward.run(10)
    ended = [state.workflow for _, state, _ in ward.w.cloud.events]
    assert sorted(ended) == ["t.child", "t.w"]


def test_of_an_unknown_execution_the_doctor_says_that_there_is_none(world, fail):
    with pytest.raises(NotFound):
        Ward(world, fail, ONE).doctor.diagnosis("nobody")


@pytest.mark.parametrize(
    ("name", "queue"),
    [
        ("in line", "attempts"),
        ("start lost", "mailboxes"),
        ("task lost", "attempts"),
        ("sleep never ends", "timers"),
        ("result lost", "mailboxes"),
    ],
)
def test_of_what_may_stand_in_a_queue_it_is_said_how_old_the_oldest_there_is(world, fail, name, queue):
    stuck = SITUATIONS[name]
    ward = stuck.make(world, fail)
    plain = ward.doctor.diagnosis(ward.execution).sentence
    ward.ages.update({"mailboxes": 1.0, "attempts": 2.0, "timers": 3.0} | {queue: 240.0})
    told = ward.doctor.diagnosis(ward.execution).sentence
    assert told == f"{plain}; the oldest message in its queue is about 4 min old"


def test_of_what_stands_in_no_queue_no_age_is_said_and_none_is_asked_for(world, fail):
    ward = Ward(world, fail, ASK).run(300)
    ward.ages = None  # asking would fail
    assert "old" not in ward.doctor.diagnosis(ward.execution).sentence


def test_what_stands_still_deep_down_is_repaired_from_the_top(world, fail):
    ward = Ward(world, fail, PARENT, lose=3, child="ref: t.child\n" + ONE).run(HOUR)
    assert ": task 'a' was asked for 60 min ago" in ward.doctor.diagnosis(ward.execution).sentence
    assert ward.doctor.repair(ward.execution).repaired == (ward.child(),)
    ward.run(10)
    assert ward.w.state(ward.execution).status is DONE


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (2e5, "2 days")],
)
def test_spans_are_said_in_one_unit(seconds, words):
    assert span(seconds) == words


def test_parking_is_announced_on_the_bus_once_and_says_why(world, fail):
    ward = Ward(world, fail, SLEEP).run(1).say(Dead("m-1", {"type": "no such thing"}))
    said = [(announced.status, announced.error["type"]) for _, _, announced in ward.w.cloud.events]
    assert said == [(ExecutionStatus.PAUSED, "poison_message")]
    ward.say(Resume()).run(HOUR)
    assert ward.w.state(ward.execution).status is DONE
    assert ward.w.state(ward.execution).error is None
