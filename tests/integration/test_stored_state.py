"""What an earlier version has stored and sent, this version reads, finishes, and writes on in the same form.

The account, and what a test may do on it, is in ``stored_account``.
"""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto.kms import models as kms
from moto.sqs import models as sqs

from tests.integration.stored_account import (
    ADA,
    API,
    EXECUTIONS,
    NOTHING_FAILED,
    PROJECT,
    STORED,
    Item,
    Stored,
    dump,
    forms,
    is_of_one,
    is_once,
    known_forms,
    opened,
    partitions,
    short,
)


@pytest.fixture(scope="session")
def packs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packs that the stored executions use."""
    folder = tmp_path_factory.mktemp("stored_packs")
    for source in (PROJECT / "packs" / "core", STORED / "packs" / "stored"):
        shutil.copytree(source, folder / source.name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


@pytest.fixture(autouse=True)
def same_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that is made here is the one that sealed the secret parameters in the file."""
    monkeypatch.setattr(kms, "generate_key_id", lambda *_: dump()["key"]["id"])
    monkeypatch.setattr(kms, "generate_master_key", lambda: base64.b64decode(dump()["key"]["material"]))


@pytest.fixture
def account(bare_stack: Any, clients: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Stored:
    """The account of the file, with no execution brought there yet. Nothing on its queues is delayed."""
    monkeypatch.setattr(sqs.Message, "delay", lambda *_, **__: None)
    found = Stored(bare_stack, clients)
    found.put([item for key, items in partitions().items() if not is_of_one(key) for item in items])
    found.schedule(one for one in dump()["schedules"] if not is_once(one))
    bare_stack.sequence = dump()["sequence"]
    return found


@pytest.fixture
def stored(account: Stored) -> Iterator[Stored]:
    """The same. Whatever a test does, no item gets an attribute by it, and no state a part, that is new."""
    yield account
    assert {kind: new for kind, names in forms(account.items()).items() if (new := names - known_forms()[kind])} == {}


def parcel(name: str) -> dict[str, Any]:
    detail = {"order": 7, "parcel": name}
    return {"source": "shop", "detail-type": "ParcelSent", "id": f"parcel-{name}", "detail": detail}


# ---------------------------------------------------------------- read


def test_every_execution_and_every_list_reads_as_it_did(account: Stored) -> None:
    account.bring(*dump()["executions"], unread=False)
    for name, (row, tasks) in dump()["shown"].items():
        assert short(account.shown(name)) == row
        rows = account.ask("GET", f"{EXECUTIONS}/{account.id(name)}/tasks?limit=30")["items"]
        assert short(rows) == tasks, name
    for path, expected in dump()["listed"].items():
        found = account.ask("GET", f"{API}/{path}")
        if path.startswith("workflow-executions"):
            found = [row["id"] for row in found["items"]]
        assert short(found) == expected, path


DIAGNOSED = {
    "requested": "start_lost",
    "queued": "task_lost",
    "claimed": "worker_gone",
    "recorded": "result_lost",
    "asking": "timer_lost",
    "arrived": "event",
    "pieces_running": "task_lost",
    "failed_groups": "ended",
}
"""The weightiest that is found long after."""


def test_the_doctor_says_what_became_of_an_execution_and_its_graph_is_drawn(account: Stored) -> None:
    account.bring(*DIAGNOSED, unread=False)
    found = {}
    for name in DIAGNOSED:
        path = f"{EXECUTIONS}/{account.id(name)}"
        assert account.ask("GET", f"{path}/graph")["nodes"]
        found[name] = account.ask("GET", f"{path}/diagnosis")["findings"][0]["code"]
    assert found == DIAGNOSED


def test_registering_the_pack_again_makes_no_new_version(account: Stored) -> None:
    """Graphs and their digests are what they were. (A change to an action of ``core`` that is meant shows here.)"""
    before = versions(account)
    answer = account.ask("POST", f"{API}/packs/sync")
    assert [row["errors"] for row in answer["packs"]] == [[], []]
    assert versions(account) == before
    assert not [row for pack in answer["packs"] for row in pack["workflows"] if row["created"]]


def versions(account: Stored) -> list[Item]:
    """All workflows in all their versions."""
    return [item for item in account.items() if item["PK"]["S"].startswith("WORKFLOW#")]


def test_what_was_asked_for_is_asked_for_again_in_the_same_words(account: Stored) -> None:
    """Tasks, timers and messages, and the ids by which copies are known."""
    account.bring(*dump()["executions"], unread=False)
    sent = {}
    for mailbox in dump()["again"]:
        message = {"type": "nudge", "generation": "again", "attempts": []}
        body = json.dumps({"execution": mailbox, "message": message})
        attributes = {"MessageGroupId": mailbox, "SequenceNumber": "0" * 20}
        record = {"messageId": "m", "body": body, "attributes": attributes, "eventSourceARN": "advance"}
        assert account.stack.invoke("advance", {"Records": [record]}) == NOTHING_FAILED
        sent[mailbox] = account.lying()
    assert sent == {mailbox: opened(messages) for mailbox, messages in dump()["again"].items()}


# ---------------------------------------------------------------- under way


GROUPS = {
    "both": {"left": {"value": "left"}, "right": {"value": "right"}, "never": None},
    "rounds": 3,
    "n": 3,
    "end": "completed",
}


def chained(word: str) -> list[Any]:
    """What ``stored.chain`` gives."""
    return [f"{word}-1-2", f"{word}-1", 3]


UNDER_WAY: dict[str, dict[str, Any]] = {
    "asked for, and not begun": {
        "requested": chained("requested"),
        "large_requested": chained("z" * 24_700),
        "dead_letter": chained("dead"),
    },
    "a worker has it, or had": {
        "queued": chained("queued"),
        "claimed": chained("claimed"),
        "recorded": chained("recorded"),
        "reported": chained("reported"),
        "nudged": chained("nudged"),
        "by_rule": chained("by-rule"),
    },
    "amid joins and groups": {"meets": {"round": ["p", "q"], "every": 2, "any": 1}, "grouped": GROUPS},
    "with a child": {
        "parent": chained("child"),
        "parent_of_requested": chained("unborn"),
        "parent_of_ended": chained("grown"),
    },
    "told what it waits for": {"answered": {"approved": True, "after": "yes", "late": False}, "arrived": 12.5},
    "resumed or retried": {"resuming": chained("resuming"), "retried": GROUPS, "retry_requested": chained("v")},
    "amid a list that is too long for one state": {"many": 102},
}
"""What these give with nothing but their messages."""


@pytest.mark.parametrize("kind", UNDER_WAY)
def test_what_is_under_way_comes_to_its_end(stored: Stored, kind: str) -> None:
    expected = {name: ("completed", output) for name, output in UNDER_WAY[kind].items()}
    stored.bring(*expected)
    assert {name: stored.moves(name) for name in expected} == expected


def test_what_a_dead_worker_must_not_do_twice_is_lost_and_can_be_retried(stored: Stored) -> None:
    assert stored.goes_on("claimed_once")[0] == "failed"
    assert stored.shown("claimed_once")["error"]["details"]["task"] == "only"
    stored.tell("claimed_once", "retry")
    assert stored.moves("claimed_once") == ("completed", "x")


def test_secrets_are_opened_and_read_for_the_attempts_that_were_to_get_them(stored: Stored) -> None:
    """What a parameter hid is 16 characters long; the one with a name is set anew, as it lies elsewhere."""
    stored.ask("PUT", f"{API}/secrets/stored.key", {"value": "another"})
    stored.bring("hushed", "hushed_by_name")
    for name, size in {"hushed": 24_700, "hushed_by_name": 5}.items():
        given, named = ({"token": "***", "length": length, "read": read} for length, read in ((16, size), (7, 0)))
        assert stored.moves(name) == ("completed", {"given": given, "named": named, "size": size})


def test_what_was_cancelled_before_it_began_does_not_begin(stored: Stored) -> None:
    """Be it that its start lies there before the cancellation, or comes after it and finds the tombstone."""
    stored.bring("requested_and_cancelled", "tombstone")
    assert stored.shown("tombstone")["state_version"] == 1
    assert stored.moves("requested_and_cancelled") == stored.moves("tombstone") == ("cancelled", None)
    assert stored.shown("requested_and_cancelled")["error"]["message"] == "cancelled: a mistake"
    shown = stored.shown("tombstone")
    assert (shown["state_version"], shown["error"]["message"]) == (2, "cancelled: cancelled before it started")
    assert stored.shown("tombstones_parent")["status"] == "cancelled"


# ---------------------------------------------------------------- waiting


def inquiry(stored: Stored) -> str:
    """Where the inquiry of ``asking`` is answered."""
    rows = stored.ask("GET", f"{API}/inquiries?assignee=ada")["items"]
    (found,) = [row["id"] for row in rows if row["execution"] == stored.id("asking")]
    return f"{API}/inquiries/{found}/answer"


def test_an_inquiry_is_answered_by_whom_it_asks(stored: Stored) -> None:
    stored.bring("asking")
    path = inquiry(stored)
    assert stored.stack.api("POST", path, {"response": {"approved": True}})[0] == 403
    assert stored.stack.api("POST", path, {"response": {"approved": 1}}, ADA)[0] == 422
    stored.ask("POST", path, {"response": {"approved": True}}, ADA)
    assert stored.moves("asking") == ("completed", {"approved": True, "after": "yes", "late": False})
    assert stored.stack.api("POST", path, {"response": {"approved": True}}, ADA)[0] == 409


def test_a_second_visit_waits_for_the_next_event_and_takes_no_copy_of_the_first(stored: Stored) -> None:
    stored.bring("parcels")
    stored.stack.invoke("on_event", parcel("A"))
    assert stored.moves("parcels")[0] == "waiting"
    stored.stack.invoke("on_event", parcel("B"))
    assert stored.moves("parcels") == ("completed", {"parcels": ["A", "B"], "visits": 2})
    assert not [item for item in stored.items() if item["PK"]["S"] == "WAITS#ParcelSent"], "nobody waits any more"


def test_sleeps_come_to_their_end(stored: Stored) -> None:
    stored.bring("napping", "woken")
    assert (stored.moves("napping")[0], stored.moves("woken")[0]) == ("waiting", "waiting")
    assert (stored.fire("napping", "sleep"), stored.fire("woken", "sleep")) == (2, 1)
    assert stored.moves("napping") == stored.moves("woken") == ("completed", ["completed", "completed"])


def test_the_time_of_an_inquiry_and_that_of_a_workflow_run_out(stored: Stored) -> None:
    stored.bring("asking", "napping")
    path = inquiry(stored)
    assert (stored.fire("asking", "task_timeout"), stored.fire("napping", "workflow_timeout")) == (1, 1)
    assert stored.moves("asking") == ("completed", {"approved": None, "after": None, "late": True})
    assert stored.moves("napping") == ("timed_out", None)
    assert stored.stack.api("POST", path, {"response": {"approved": True}}, ADA)[0] == 409


def test_a_delayed_retry_is_made_and_the_next_one_is_set(stored: Stored) -> None:
    stored.bring("retrying")
    assert stored.fire("retrying", "retry") == 1
    assert stored.moves("retrying")[0] == "waiting"
    stored.mend("stored.flaky")
    assert stored.fire("retrying", "retry") == 1
    assert stored.moves("retrying") == ("completed", {"value": "flaky"})


# ---------------------------------------------------------------- paused


def test_a_list_that_was_paused_or_retried_goes_on_with_the_items_that_are_left(stored: Stored) -> None:
    stored.bring("paused_in_items", "retried_in_items")
    stored.mend()
    stored.tell("paused_in_items", "resume")
    assert stored.moves("retried_in_items") == ("completed", ["a", "bad", "bad", "bad", "e"])
    assert stored.moves("paused_in_items")[0] == "waiting"
    assert stored.fire("paused_in_items", "sleep") == 1
    assert stored.moves("paused_in_items") == ("completed", ["a", "bad", "c", "d", "e"])


def test_a_pause_that_was_asked_for_reaches_the_child_too(stored: Stored) -> None:
    assert stored.goes_on("pausing")[0] == "paused"
    assert stored.stack.execution(stored.child("pausing"))["status"] == "paused"
    stored.tell("pausing", "resume")
    assert stored.moves("pausing") == ("completed", chained("pausing"))


def test_what_was_parked_goes_on_when_it_is_resumed(stored: Stored) -> None:
    stored.bring("parked")
    assert stored.shown("parked")["error"]["type"] == "poison_message"
    stored.tell("parked", "resume")
    assert stored.moves("parked") == ("completed", chained("parked"))


# ---------------------------------------------------------------- retried


PIECES = {"values": ["m0", "m1", "m2", "m3", "m4", "m5"], "failed": 0}
MENDED: dict[str, dict[str, Any]] = {
    "tasks": {
        "failed_fast": ["completed", "completed"],
        "failed_batches": [["a+bad", "c+d", "bad"], 2, 0],
        "gave_up": [["good", "bad"], "bad is broken"],
        "cancelled": chained("cancelled"),
    },
    "chunks": {"pieces_failed": PIECES, "pieces_cancelled": PIECES},
}
"""What these give when what made them fail is mended and they are retried."""


@pytest.mark.parametrize("kind", MENDED)
def test_a_retry_goes_on_from_what_failed_or_was_cancelled(stored: Stored, kind: str) -> None:
    expected = {name: ("completed", output) for name, output in MENDED[kind].items()}
    stored.bring(*expected)
    stored.mend()
    assert [stored.tell(name, "retry")["retry"] for name in expected] == [1] * len(expected)
    stored.stack.pump()
    for name in expected:
        stored.fire(name, "sleep")
    assert {name: stored.moves(name) for name in expected} == expected


def test_a_retry_of_groups_keeps_what_had_succeeded_in_them(stored: Stored) -> None:
    stored.bring("failed_groups")
    stored.tell("failed_groups", "retry", parameters={"broken": []})
    assert stored.moves("failed_groups") == ("completed", GROUPS)
    rows = stored.ask("GET", f"{EXECUTIONS}/{stored.id('failed_groups')}/tasks")["items"]
    attempts = sorted((row["task"], row["visit"], row["attempt"]) for row in rows if row["started_at"])
    members = [("left", 1, 1), ("left", 1, 2), ("right", 1, 1)]
    assert attempts == [*members, ("step", 1, 1), ("step", 2, 1), ("step", 2, 2), ("step", 3, 1)]


def test_parameters_that_a_retry_brings_mend_what_the_engine_found_wrong(stored: Stored) -> None:
    stored.bring("verdict")
    stored.tell("verdict", "retry", parameters={"amount": 5})
    assert stored.moves("verdict")[0] == "waiting"
    assert stored.fire("verdict", "sleep") == 1
    assert stored.moves("verdict") == ("completed", 5)


def test_what_ran_out_of_time_gets_as_much_again(stored: Stored) -> None:
    """Timers of its sleeps before are still there, and wake nobody."""
    stored.bring("timed_out")
    stored.tell("timed_out", "retry")
    assert stored.moves("timed_out")[0] == "waiting"
    assert stored.fire("timed_out", "sleep") == 4
    assert stored.moves("timed_out") == ("completed", ["completed", "completed"])


def test_a_failed_child_is_begun_anew_by_its_parent_and_may_be_retried_by_itself(stored: Stored) -> None:
    stored.bring("failed_parent")
    child, mended = stored.child("failed_parent"), {"parameters": {"word": "q", "broken": []}}
    stored.ask("POST", f"{EXECUTIONS}/{child}/retry", mended)
    assert stored.moves("failed_parent")[0] == "failed", "its attempt is over"
    assert stored.stack.execution(child)["output"] == chained("q")
    stored.tell("failed_parent", "retry", **mended)
    assert stored.moves("failed_parent") == ("completed", chained("q"))
    assert (fresh := stored.child("failed_parent")) != child
    assert stored.stack.execution(fresh)["trigger"] == stored.stack.execution(child)["trigger"]


def test_a_second_retry_knows_the_first(stored: Stored) -> None:
    stored.bring("failed_twice")
    first = stored.tell("failed_twice", "retry", idempotency_key="first")
    assert first == {"id": stored.id("failed_twice"), "retry": 1, "existing": True}
    assert stored.tell("failed_twice", "retry", parameters={"broken": []})["retry"] == 2
    assert stored.moves("failed_twice") == ("completed", chained("again"))
    retries = stored.shown("failed_twice")["retries"]
    assert [(row["number"], row["by"], row["changed_parameters"]) for row in retries] == [
        (1, "tester", True),
        (2, "tester", True),
    ]


# ---------------------------------------------------------------- lists in chunks


def test_chunks_under_way_come_to_their_end_with_those_that_had_ended(stored: Stored) -> None:
    """Two items fail in vain, and do better when the execution is retried."""
    counts = {"pieces_running": 11, "pieces_retried": 6}
    for name, count in counts.items():
        status, output = stored.goes_on(name)
        assert (status, output["failed"], len(output["values"])) == ("failed", 2, count)
    stored.mend()
    for name, count in counts.items():
        stored.tell(name, "retry")
        assert stored.moves(name) == ("completed", {"values": [f"m{number}" for number in range(count)], "failed": 0})
        assert stored.shown(name)["workflow_version"] == 2, "the one whose chunks are small"


# ---------------------------------------------------------------- from outside


NEW: dict[str, tuple[str, dict[str, Any]]] = {
    "asks": ("waiting", {}),
    "parcels": ("waiting", {"order": 7}),
    "flaky": ("waiting", {}),
    "naps": ("waiting", {}),
    "parent": ("completed", {"word": "new"}),
    "hush": ("completed", {"token": "hidden", "size": 5}),
    "many": ("completed", {"count": 101}),
    "verdict": ("failed", {"amount": "soon"}),
}


def test_what_begins_now_is_stored_as_what_had_begun(stored: Stored) -> None:
    stored.ask("PUT", f"{API}/secrets/stored.key", {"value": "another"})
    begun = {name: stored.stack.start(f"stored.{name}", **parameters) for name, (_, parameters) in NEW.items()}
    stored.stack.pump()
    assert {name: stored.stack.execution(begun[name])["status"] for name in NEW} == {n: s for n, (s, _) in NEW.items()}


def test_a_request_that_comes_again_starts_nothing_new(stored: Stored) -> None:
    stored.bring("completed", "by_rule")
    body = {"parameters": {"word": "completed"}, "idempotency_key": "order-4711"}
    again = stored.ask("POST", f"{API}/workflows/stored.chain/execute", body)
    assert (again["id"], again["existing"]) == (stored.id("completed"), True)
    event = {"source": "tests", "detail-type": "Word", "id": "word-1", "detail": {"word": "by-rule"}}
    assert stored.stack.invoke("on_event", event) == {"started": {"stored.on_word": stored.id("by_rule")}}


def test_a_rule_starts_by_the_clock_what_it_did(stored: Stored) -> None:
    (schedule,) = [one for one in dump()["schedules"] if "stored.hourly" in one["Target"]["Input"]]
    stored.tick(schedule["Target"]["Input"].replace("<aws.scheduler.scheduled-time>", "noon"))
    stored.stack.pump()
    (row,) = stored.ask("GET", f"{EXECUTIONS}?workflow=stored.chain&limit=1")["items"]
    assert stored.stack.execution(row["id"])["output"] == chained("noon")


def test_a_sensor_remembers_what_it_has_seen(stored: Stored) -> None:
    """Its next poll finds what is new, from the cursor on; what it finds is on the bus."""
    found_on_bus = listen(stored)
    stored.tick('{"rule":"stored.things","time":"2026-01-01T00:05:00Z"}')
    stored.stack.pump()
    (ended,) = found_on_bus()
    assert ended["detail"]["workflow"] == "stored.things"
    stored.stack.invoke("on_event", ended)
    (found,) = found_on_bus()
    assert (found["detail-type"], found["detail"]["key"]) == ("ThingFound", "2")
    assert list(stored.stack.invoke("on_event", found)["started"]) == ["stored.on_thing"]


def listen(stored: Stored) -> Any:
    """Take from the bus what is put on it from now on; call what this returns for what has come since."""
    url = stored.clients.sqs.create_queue(QueueName="bus")["QueueUrl"]
    arn = stored.stack.queues.tasks.arn.rpartition(":")[0] + ":bus"
    rule = {"EventBusName": "attune", "Rule": "all"}
    pattern = json.dumps({"source": [{"prefix": "attune"}]})
    stored.clients.events.put_rule(EventBusName="attune", Name="all", EventPattern=pattern)
    stored.clients.events.put_targets(**rule, Targets=[{"Id": "bus", "Arn": arn}])
    queue = type(stored.stack.queues.tasks)(stored.clients.sqs, url, arn)
    return lambda: [json.loads(body) for body in queue.bodies()]


def test_dead_letters_are_listed_redriven_and_dropped(stored: Stored) -> None:
    stored.bring("dead_letter")
    kept = {row["queue"]: row for row in stored.ask("GET", f"{API}/dead-letters")["items"]}
    stored.ask("POST", f"{API}/dead-letters/{kept['timer']['id']}/redrive")
    (body,) = stored.stack.queues.timers.bodies()
    stored.tick(body)
    stored.stack.pump()
    (row,) = stored.ask("GET", f"{EXECUTIONS}?workflow=stored.chain&limit=1")["items"]
    assert row["trigger"]["type"] == "schedule"
    stored.ask("DELETE", f"{API}/dead-letters/{kept['advance']['id']}")
    assert stored.ask("GET", f"{API}/dead-letters")["items"] == []
    attributes = {"MessageGroupId": stored.id("dead_letter"), "SentTimestamp": "1767225600000"}
    record = {"messageId": "m", "body": "garbage", "attributes": attributes, "eventSourceARN": "advance"}
    assert stored.stack.invoke("on_dead", {"Records": [record]}) == NOTHING_FAILED
    assert len(stored.ask("GET", f"{API}/dead-letters")["items"]) == 1


LOST = ("queued", "claimed", "recorded", "grouped", "many")


def test_what_lay_on_the_queues_and_was_lost_is_found_and_sent_again(stored: Stored) -> None:
    """The sweep goes on from the notes of the last one."""
    stored.bring(*LOST, unread=False)
    repairs = {"task_lost": 3, "worker_gone": 1, "result_lost": 1, "chunk_lost": 1, "chunk_unheard": 1}
    assert stored.stack.invoke("sweep", {}) == {"looked": 5, "repairs": repairs}
    stored.stack.pump()
    assert {stored.shown(name)["status"] for name in LOST} == {"completed"}
