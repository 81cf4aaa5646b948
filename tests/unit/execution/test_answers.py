"""How answers become JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest

from attune.execution.answers import AllOf, PageOf, extended, to_json
from attune.execution.graph_view import Edge, ItemProgress
from attune.execution.queries import ExecutionDetails, ExecutionSummary
from attune.model.status import ExecutionStatus
from attune.model.timestamps import iso

SUMMARY = ExecutionSummary(
    id="e",
    workflow="t.w",
    workflow_version=1,
    status=ExecutionStatus.FAILED,
    state_version=2,
    error={"type": "E"},
    trigger={"type": "api"},
    identity="ann",
    parent=None,
    created_at=iso(0.0),
    updated_at=iso(1.5),
    ended_at=None,
    duration=None,
)


def test_the_keys_are_the_fields_in_their_order_and_none_is_null():
    text = json.dumps(to_json(SUMMARY))
    assert list(json.loads(text)) == [field.name for field in dataclasses.fields(ExecutionSummary)]
    assert '"status": "failed"' in text
    assert text.endswith('"ended_at": null, "duration": null}')
    assert type(to_json(SUMMARY)["status"]) is str


def test_a_field_that_is_a_word_of_python_has_its_key_without_the_underscore():
    assert to_json(Edge(from_="a", to="b", on="success", when=None)) == {
        "from": "a",
        "to": "b",
        "on": "success",
        "when": None,
    }


def test_answers_lie_in_answers_and_pages():
    progress = ItemProgress(total=2, done=1, failed=0)
    plain = {"total": 2, "done": 1, "failed": 0}
    assert to_json(PageOf(items=(progress, progress), cursor=None)) == {"items": [plain, plain], "cursor": None}
    assert to_json(AllOf(items=())) == {"items": []}


@pytest.mark.parametrize("given", [{"a": [1, (2,)]}, [1, {"b": None}], "text", 7, None, 2.5])
def test_what_users_gave_is_passed_on_as_it_is(given):
    assert to_json(given) is given


def test_an_answer_with_more_fields_has_those_of_the_first_before_its_own():
    details = extended(ExecutionDetails, SUMMARY, parameters={}, output=[1], stored={}, tasks={"failed": 1}, retries=())
    shown = to_json(details)
    assert list(shown)[: len(to_json(SUMMARY))] == list(to_json(SUMMARY))
    assert list(shown)[-5:] == ["parameters", "output", "stored", "tasks", "retries"]


def test_answers_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        SUMMARY.id = "other"


def test_times_are_told_to_the_millisecond_in_utc():
    assert (iso(1_767_225_600.25), iso(None)) == ("2026-01-01T00:00:00.250+00:00", None)
