"""Whatever lies on a queue or comes over the bus: one bad message never takes others along, and nothing escapes."""

from __future__ import annotations

import copy
import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from attune.exceptions import AttuneError
from tests.fuzz.effort import tries

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from(
        [2**63, -(2**63) - 1, 10**60, 1e308, float("nan"), float("inf"), -0.0, "", "\x00", "\ud800", "😀" * 300]
    ),
    st.floats(),
    st.text(max_size=12),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=8,
)
CHANGES = st.lists(
    st.tuples(st.integers(0, 50), st.sampled_from(["replace", "remove", "add"]), VALUES), min_size=1, max_size=3
)
MESSAGES = 25
RAW = st.one_of(
    st.text(max_size=60),
    VALUES.map(json.dumps),
    st.sampled_from(
        ["", "{", "@", "@payloads/none/none", "null", "[]", "[" * 5000, "{}" * 3, '{"a":1}' * 2, "9" * 5000, "\ufeff{}"]
    ),
)


def changed(value, changes):
    """The value with something replaced, taken out or put in, anywhere in it."""
    value = copy.deepcopy(value)
    for where, what, with_ in changes:
        places = list(_places(value))
        container, key = places[where % len(places)]
        if what == "remove":
            del container[key]
        elif what == "add" and isinstance(container, dict):
            container[str(with_)[:10]] = with_
        else:
            container[key] = with_
        if not value:
            break
    return value


def _places(value):
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        if isinstance(item, dict | list):
            yield from _places(item)


BODIES = st.one_of(RAW, CHANGES)
"""A body, or how to change a real one."""


def broken(record, body):
    text = body if isinstance(body, str) else json.dumps(changed(json.loads(record["body"]), body))
    return {**copy.deepcopy(record), "messageId": "broken", "body": text}


def ids_of(answer):
    return {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}


@pytest.fixture
def synced(stack):
    return stack


def test_a_message_that_is_no_message_hinders_no_other_execution(synced):
    @tries(MESSAGES)
    @given(BODIES)
    @example("@payloads/none/none")
    @example("[" * 100_000)
    def deliver(body):
        execution = synced.start("flows.diamond", word="x")
        good = synced.messages()["Records"][0]
        bad = broken(good | {"body": good["body"].replace(execution, "01BROKEN")}, body)
        bad["attributes"]["MessageGroupId"] = "01BROKEN"
        assert ids_of(synced.invoke("advance", {"Records": [bad, good]})) <= {"broken"}
        assert synced.execution(execution)["status"] == "running"

    deliver()


def test_a_message_that_is_no_message_lets_those_before_it_in_its_mailbox_through(synced):
    @tries(MESSAGES)
    @given(BODIES)
    @example("@payloads/none/none")
    def deliver(body):
        execution = synced.start("flows.diamond", word="x")
        good = synced.messages()["Records"][0]
        bad = broken(good, body)
        bad["attributes"]["SequenceNumber"] += "9"
        assert ids_of(synced.invoke("advance", {"Records": [good, bad]})) <= {"broken"}
        assert synced.execution(execution)["status"] != "requested"
        while synced.tasks() or synced.messages():
            pass

    deliver()


def test_a_task_message_that_is_none_hinders_no_other_task(synced):
    synced.start("flows.diamond", word="x")
    synced.invoke("advance", synced.messages())
    good = synced.tasks()["Records"][0]

    @tries(MESSAGES)
    @given(BODIES)
    @example("@payloads/none/none")
    @example([(7, "replace", "text")])
    def deliver(body):
        assert ids_of(synced.invoke("run_task", {"Records": [broken(good, body), good]})) <= {"broken"}

    deliver()


@pytest.mark.parametrize("fifo", [True, False], ids=["advance", "task"])
def test_a_dead_letter_never_comes_again_whatever_it_says(synced, fifo):
    synced.start("flows.diamond", word="x")
    good = synced.messages()["Records"][0]
    if not fifo:
        synced.invoke("advance", {"Records": [good]})
        good = synced.tasks()["Records"][0]

    @tries(MESSAGES)
    @given(BODIES)
    @example("@payloads/none/none")
    def deliver(body):
        assert ids_of(synced.invoke("on_dead", {"Records": [broken(good, body), good]})) == set()

    deliver()


def test_a_timer_that_is_none_hinders_no_other(synced, queues):
    timer = {
        "kind": "sleep",
        "attempt": {"task": "a", "visit": 1, "index": None, "number": 1},
        "salt": "",
        "type": "timer",
    }
    bodies = [
        {"execution": "01X", "message": timer, "due": 1.0},
        {"rule": "flows.hourly", "time": "2026-01-01T00:00:00Z"},
    ]
    records = [
        {"messageId": f"good{n}", "body": json.dumps(body), "attributes": {"SentTimestamp": "1"}, "eventSourceARN": ""}
        for n, body in enumerate(bodies)
    ]

    @tries(MESSAGES)
    @given(BODIES, st.sampled_from(records))
    def deliver(body, like):
        assert ids_of(synced.invoke("on_timer", {"Records": [broken(like, body), *records]})) <= {"broken"}

    deliver()


def test_an_event_starts_something_or_nothing_or_is_refused_in_our_own_words(synced):
    synced.start("flows.wait_for_payment", order=7)
    synced.pump()
    ended = {"execution_id": "01X", "status": "completed", "ended_at": "2026-01-01T00:00:00.000+00:00"}
    events = [
        {"id": "e", "source": "tests", "detail-type": "Hello", "account": "1", "detail": {"word": "x"}},
        {"id": "e", "source": "shop", "detail-type": "OrderPaid", "detail": {"order": 7, "amount": 1}},
        {"id": "e", "source": "attune", "detail-type": "Workflow Execution Completed", "detail": ended},
        {
            "id": "e",
            "source": "attune.schedule",
            "detail-type": "Schedule",
            "detail": {"rule": "flows.hourly", "time": "t"},
        },
    ]

    @tries(MESSAGES)
    @given(st.builds(changed, st.sampled_from(events), CHANGES))
    @example(events[1] | {"id": "\ud800"})
    @example(events[0] | {"id": "\ud800"})
    @example(events[2] | {"detail": ended | {"ended_at": "yesterday"}})
    @example(events[2] | {"detail": [1]})
    @example(events[0] | {"detail": {"word": json.loads("[" * 900 + "]" * 900)}})
    @example(events[1] | {"detail": {"order": 7, "deep": json.loads("[" * 900 + "]" * 900)}})
    @example(events[1] | {"detail-type": "x" * 5_000})
    def deliver(event):
        try:
            answer = synced.invoke("on_event", event)
        except AttuneError:
            return
        assert set(answer) == {"started"}

    deliver()
