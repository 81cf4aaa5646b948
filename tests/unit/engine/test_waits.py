"""Events and those who wait for them, whichever comes first, in the simulator."""

from __future__ import annotations

import pytest
from tests.conftest import ACTIONS

from attune.engine.delivered_events import MOST_DELIVERED_EVENTS
from attune.exceptions import InvalidDefinition
from attune.language.compiler import compile_workflow
from attune.language.source import load
from attune.model.awaited import awaited

WAITS = """
tasks:
  - {name: nap, action: core.sleep, input: {seconds: 60}, on_success: paid}
  - name: paid
    action: core.wait_for_event
    input: {event_type: Paid, filter: {order: 7}, within: 2m}
    timeout: 1h
output_map: "{{ task.paid.result.id }}"
"""
LOOP = """
vars: {had: []}
tasks:
  - name: rounds
    type: loop
    while: "{{ vars.had | length < 3 }}"
    tasks:
      - name: scan
        action: core.wait_for_event
        input: {event_type: Scanned, within: 1h}
        timeout: 1h
        publish: [{had: "{{ vars.had | append(result.id) }}"}]
output_map: "{{ vars.had }}"
"""
NAP = """tasks:
      - {name: nap, action: core.sleep, input: {seconds: 60}, on_success: scan}
      - """


def event(number, order=7, kind="Paid"):
    return {"id": f"e-{number}", "source": "shop", "detail-type": kind, "detail": {"order": order}}


def after(world, seconds):
    world.run(until=world.clock.now() + seconds)
    world.clock.advance(seconds)


def test_an_event_that_came_shortly_before_the_wait_is_found_the_first_one_that_fits(world):
    w = world(WAITS)
    w.event(event(1))
    w.clock.advance(90)
    for number, order in ((2, 8), (3, 7), (4, 7)):
        assert w.event(event(number, order)) == 0
    ended = w.go()
    assert (ended.status, ended.output) == ("completed", "e-3"), "e-1 is too old, e-2 is about another order"


def test_an_event_that_comes_after_the_wait_began_is_found_as_ever(world):
    w = world(WAITS)
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 61)
    assert w.event(event(1)) == 1
    w.run()
    assert w.ended(execution).output == "e-1"


def test_an_event_that_is_both_kept_and_told_of_counts_once(world):
    w = world(LOOP)
    execution = w.start("t.w", {})
    for number in (1, 2, 3):
        w.run(until=w.clock.now())
        w.event(event(number, kind="Scanned"))
    w.run()
    assert w.ended(execution).output == ["e-1", "e-2", "e-3"]


def test_each_visit_is_given_the_next_event_and_none_twice(world):
    w = world(LOOP)
    for number in (1, 2):
        w.event(event(number, kind="Scanned"))
    execution = w.start("t.w", {})
    w.run(until=w.clock.now() + 60)
    assert w.state(execution).status == "waiting", "two of three have come"
    w.event(event(3, kind="Scanned"))
    w.run()
    assert w.ended(execution).output == ["e-1", "e-2", "e-3"]


@pytest.mark.parametrize("within", [", within: 1h", ""])
def test_an_event_that_is_delivered_again_is_not_given_to_the_next_visit(world, within):
    w = world(LOOP.replace(", within: 1h", within))
    execution = w.start("t.w", {})
    for number, copies in ((1, (1,)), (2, (1, 2)), (3, (2, 1, 3))):
        for copy in (*copies, number):
            after(w, 60)
            w.event(event(copy, kind="Scanned"))
    w.run()
    assert w.ended(execution).output == ["e-1", "e-2", "e-3"]


def test_a_copy_of_an_event_hides_none_that_came_before_it(world):
    w = world(LOOP.replace("1h", "30").replace("< 3", "< 2").replace("tasks:\n      - ", NAP))
    execution, begun = w.start("t.w", {}), w.clock.now()
    for seconds, number in ((61, 1), (100, 2), (110, 1)):
        w.run(until=begun + seconds)
        w.clock.set(begun + seconds)
        w.event(event(number, kind="Scanned"))
    w.run()
    assert w.ended(execution).output == ["e-1", "e-2"], "it looks back from 121 seconds on, to 91"


def test_a_state_remembers_a_few_events_and_a_loop_of_many_is_given_each_once(world):
    w = world(LOOP.replace("< 3", "< 40"))
    for number in (*range(30), 0, *range(30, 40)):
        w.event(event(number, kind="Scanned"))
    ended = w.go()
    assert ended.output == [f"e-{number}" for number in range(40)]
    assert len(w.state(ended.execution).delivered_events) == MOST_DELIVERED_EVENTS


def test_without_within_an_earlier_event_is_not_seen_and_none_is_kept(world):
    w = world(WAITS.replace(", within: 2m", ""))
    w.event(event(1))
    ended = w.go()
    assert (ended.status, ended.error["type"]) == ("failed", "timeout")
    assert w.catalog.awaited() == {}


def test_which_events_are_kept_and_for_how_long_is_known_from_the_graphs(compile_graph):
    texts = (
        WAITS,
        WAITS.replace("2m", "30"),
        WAITS.replace("event_type: Paid", "pattern: {detail-type: [A, B], source: [x]}").replace("2m", "1h"),
    )
    assert awaited(map(compile_graph, texts)) == {"Paid": 120.0, "A": 3600.0, "B": 3600.0}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("event_type: Paid, within: 2d", "a day at most"),
        ("event_type: Paid, within: soon", "soon"),
        ("event_type: Paid, within: '{{ parameters.x }}'", "write it out"),
        ("event_type: '{{ parameters.x }}', within: 1m", "without templates"),
        ("pattern: {source: [x]}, within: 1m", "without templates"),
        ("pattern: {detail-type: [{prefix: x}]}, within: 1m", "without templates"),
    ],
)
def test_what_is_to_be_kept_must_be_written_out(given, said):
    task = f"{{name: a, action: core.wait_for_event, input: {{{given}}}}}"
    text = f"ref: t.w\nparameters: {{x: {{type: string}}}}\ntasks: [{task}]\n"
    with pytest.raises(InvalidDefinition) as raised:
        compile_workflow(load(text, "w.yaml"), pack="t", actions=ACTIONS)
    assert [problem.code for problem in raised.value.problems] == ["bad-input"]
    assert said in str(raised.value)
