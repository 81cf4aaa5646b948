"""Sensors: their files, and how they find what is new, in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.conftest import ACTIONS

from attune.adapters.memory.sensor_store import MemorySensors
from attune.exceptions import InvalidDefinition
from attune.execution.event_names import announced_as
from attune.execution.execution_start import Starter
from attune.execution.ports.catalog import WorkflowVersion
from attune.execution.ports.triggers import SensorMemory
from attune.execution.sensor_polls import MOST_SEEN, SensorPoller, SensorResults
from attune.language.files.sensor_file import check_sensor, compile_polling, compile_sensor
from attune.language.source import load
from attune.model.sensor import Sensor

NEWS = """
ref: t.news
schedule: rate(5 minutes)
action: t.do
parameters: {since: "{{ cursor }}", the-topic: [weather, "{{ cursor | default(0, true) }}"]}
items: "{{ result.rows }}"
key: "{{ item.id }}"
cursor: "{{ result.next }}"
event_type: News
"""


class Bindings:
    """Idempotency keys in memory: the part of a directory that starting needs."""

    def __init__(self):
        self.bound = {}

    def remember(self, key, execution, digest):
        return self.bound.setdefault(key, (execution, digest))


class Watched:
    """A world with one sensor in it, whose polls answer as they are told."""

    def __init__(self, world, text=NEWS, **script):
        self.world = world(script=script)
        source = load(text, "sensors/news.yaml")
        self.sensor = compile_sensor(source, pack="t")
        graph = compile_polling(source, self.sensor, ACTIONS, {}).graph
        catalog, cloud, clock = self.world.catalog, self.world.cloud, self.world.clock
        catalog.add_version(WorkflowVersion("t.news", 1, graph))
        catalog.put_sensors("t", [self.sensor])
        self.memories = MemorySensors()
        starter = Starter(
            store=self.world.store,
            directory=Bindings(),
            catalog=catalog,
            mailbox=cloud,
            clock=clock,
            entropy=lambda count: bytes(count),
            sealer=self.world.secrets,
        )
        self.polls = SensorPoller(catalog, self.memories, starter)
        self.results = SensorResults(
            catalog=catalog, store=self.world.store, memories=self.memories, bus=cloud, clock=clock
        )

    def poll(self, time, *, twice=False):
        """Fire its schedule, and let on_event see what is announced; the keys of what it emits."""
        before = len(self.world.cloud.emitted)
        self.world.clock.advance(300)
        for _ in range(1 + twice):
            fired = self.polls.handle({"source": "attune.schedule", "detail": {"rule": "t.news", "time": time}})
            self.world.run()
        assert [one.error for one in fired] == [None]
        for announced in self.announced():
            for _ in range(1 + twice):
                self.fired = self.results.handle(announced)
        return [event["detail"]["key"] for event in self.world.cloud.emitted[before:]]

    def announced(self):
        events, self.world.cloud.events[:] = list(self.world.cloud.events), []
        for _, state, announcement in events:
            detail = {"workflow": state.workflow, "execution_id": state.execution}
            yield {"source": "attune", "detail-type": announced_as(announcement.status), "detail": detail}


def rows(*ids, after=None):
    return {"rows": [{"id": each} for each in ids], "next": after}


def test_each_item_becomes_one_event_when_it_is_first_seen(world):
    answers = iter([rows("a", "b"), rows("b", "a"), rows("b", "c", "c")])
    watched = Watched(world, poll=lambda attempt: next(answers))
    assert [watched.poll(str(time)) for time in range(3)] == [["a", "b"], [], ["c"]]
    first = watched.world.cloud.emitted[0]
    assert (first["source"], first["detail-type"]) == ("attune.sensor", "News")
    assert first["detail"].pop("execution_id")
    assert first["detail"] == {"sensor": "t.news", "key": "a", "item": {"id": "a"}}


def test_what_no_event_can_carry_stays_out_of_it(world):
    """By default an item is its own key."""
    watched = Watched(world, poll=rows("x" * 1001, 2**63, "a"))
    watched.poll("1")
    long, wide, plain = (event["detail"] for event in watched.world.cloud.emitted)
    assert (len(long["key"]), long["item"]) == (64, {"id": "x" * 1001})
    assert (wide["key"], wide["item"]) == (str(2**63), None)
    assert (plain["key"], plain["item"]) == ("a", {"id": "a"})


def test_a_poll_is_given_the_cursor_that_the_one_before_returned(world):
    given = []

    def poll(attempt):
        given.append(dict(attempt.input))
        return rows(str(len(given)), after=len(given) * 10)

    watched = Watched(world, poll=poll)
    watched.poll("1"), watched.poll("2")
    assert given == [{"since": None, "the-topic": ["weather", 0]}, {"since": 10, "the-topic": ["weather", 10]}]


def test_a_schedule_or_an_announcement_that_comes_twice_changes_nothing(world):
    watched = Watched(world, poll=lambda attempt: rows("a", after=attempt.input["since"] or 1))
    assert watched.poll("1", twice=True) == ["a"]
    assert len(watched.world.runner.ran) == 1


def test_a_crash_after_sending_sends_again_and_one_before_loses_nothing(world):
    watched = Watched(world, poll=rows("a"))
    save, watched.memories.save = watched.memories.save, lambda ref, memory: 1 / 0
    with pytest.raises(ZeroDivisionError):
        watched.poll("1")
    watched.memories.save = save
    assert watched.poll("2") == ["a"]
    keys = [event["detail"]["key"] for event in watched.world.cloud.emitted]
    assert keys == ["a", "a"], "at least once; rules start once for a key"


def test_who_loses_the_race_to_remember_sends_only_what_the_other_did_not(world):
    watched = Watched(world, poll=rows("a", "b"))
    save, memories = watched.memories.save, watched.memories

    def after_another(ref, memory):
        memories.save = save
        other = replace(memories.load(ref), seen=memory.seen[:1], cursor=None)
        assert save(ref, other)
        return save(ref, memory)

    memories.save = after_another
    assert watched.poll("1") == ["a", "b"]
    assert len(memories.load("t.news").seen) == 2
    assert watched.poll("2") == []


def test_a_failed_poll_sends_nothing_and_forgets_nothing(world, fail):
    answers = iter([rows("a"), fail(retryable=False), rows("a", "b")])
    watched = Watched(world, poll=lambda attempt: next(answers))
    assert [watched.poll(str(time)) for time in range(3)] == [["a"], [], ["b"]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (NEWS.replace("result.rows", "result"), "are no list"),
        (NEWS.replace("{{ item.id }}", "{{ item.nothing | default('') }}"), "has no key"),
        (NEWS.replace("{{ item.id }}", "{{ item.nothing }}"), "nothing"),
    ],
)
def test_a_poll_that_cannot_be_read_is_reported(world, text, said):
    watched = Watched(world, text, poll=rows("a"))
    assert watched.poll("1") == []
    assert said in watched.fired[0].error.message
    assert watched.memories.load("t.news") == SensorMemory()


def test_what_was_seen_last_is_remembered_longest(world):
    watched = Watched(world, poll=rows("new", "kept"))
    watched.poll("1")
    full = tuple(f"{number:012d}" for number in range(MOST_SEEN))
    kept, new = watched.memories.load("t.news").seen[1], watched.memories.load("t.news").seen[0]
    watched.memories.save("t.news", SensorMemory((kept, *full[1:]), None, watched.memories.load("t.news").version))
    assert watched.poll("2") == ["new"]
    seen = watched.memories.load("t.news").seen
    assert (len(seen), set(seen[-2:])) == (MOST_SEEN, {kept, new})


def test_a_file_needs_an_action_a_schedule_and_a_type_of_event():
    with pytest.raises(InvalidDefinition) as raised:
        compile_sensor(load("ref: t.x\nkey: '{{ itm.id }}'\nschedule: daily\n", "x.yaml"), pack="t")
    assert [problem.code for problem in raised.value.problems] == ["missing-key", "missing-key"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("{{ item.id }}", "{{ itm.id }}"), "unknown-name"),
        (("{{ result.next }}", "{{ item }}"), "unknown-name"),
        (("{{ cursor }}", "{{ result }}"), "unknown-name"),
        (("rate(5 minutes)", "daily"), "bad-schedule"),
        (("event_type", "timezone: Mars\nevent_type"), "bad-timezone"),
        (("event_type", "trigger: x\nevent_type"), "unknown-key"),
    ],
)
def test_what_is_wrong_in_a_file_is_found(change, code):
    with pytest.raises(InvalidDefinition) as raised:
        compile_sensor(load(NEWS.replace(*change), "x.yaml"), pack="t")
    assert [problem.code for problem in raised.value.problems] == [code]


def test_the_action_and_what_it_is_given_are_checked():
    source = load(NEWS, "x.yaml")
    sensor = compile_sensor(source, pack="t")
    assert check_sensor(source, sensor, ACTIONS) == []
    strict = replace(ACTIONS["t.do"], parameters={"properties": {"x": {}}, "additionalProperties": False})
    assert {problem.code for problem in check_sensor(source, sensor, {"t.do": strict})} == {"unknown-input"}
    assert [problem.code for problem in check_sensor(source, sensor, {})] == ["unknown-action"]
    assert Sensor.from_dict(sensor.to_dict()) == sensor
