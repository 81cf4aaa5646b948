"""The sample events are what the functions read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from attune.adapters.aws.blobs import S3BlobStore
from attune.adapters.aws.sqs import body_to_envelope, body_to_task
from attune.adapters.aws.timers import TimerDue, body_to_timer
from attune.cli.local.invoke import SAMPLE_TOKEN, SAMPLES
from attune.engine.messages import Start
from attune.model.patterns import matches

PROJECT = Path(__file__).parents[3]
NO_BUCKET = S3BlobStore(None, "")


def sample(function: str) -> Any:
    return json.loads((PROJECT / "events" / SAMPLES[function]).read_text())


def body(function: str) -> str:
    """Of the only record."""
    (record,) = sample(function)["Records"]
    return str(record["body"])


def test_every_function_has_a_sample_event() -> None:
    assert {path.name for path in (PROJECT / "events").iterdir()} == set(SAMPLES.values())
    assert {path.stem for path in (PROJECT / "events").iterdir()} == {p.name for p in (PROJECT / "functions").iterdir()}


def test_advance_is_given_a_start_in_its_executions_group() -> None:
    envelope = body_to_envelope(body("Advance"), NO_BUCKET)
    attributes = sample("Advance")["Records"][0]["attributes"]
    assert isinstance(envelope.message, Start)
    assert attributes["MessageGroupId"] == envelope.execution
    assert attributes["MessageDeduplicationId"] == envelope.message.dedup


@pytest.mark.parametrize("function", ["RunTask", "OnDead"])
def test_run_task_and_on_dead_are_given_an_attempt(function: str) -> None:
    assert body_to_task(body(function), NO_BUCKET).spec.ref == "core.echo"


def test_on_timer_is_given_a_timer() -> None:
    assert isinstance(body_to_timer(body("OnTimer"), NO_BUCKET), TimerDue)


def test_api_is_called_with_the_sample_token() -> None:
    assert sample("Api")["headers"]["authorization"] == f"Bearer {SAMPLE_TOKEN}"


def test_on_event_is_given_what_a_rule_of_the_examples_asks_for() -> None:
    rule = yaml.safe_load((PROJECT / "packs/examples/rules/on_orders_uploaded.yaml").read_text())
    assert matches(rule["trigger"]["pattern"], sample("OnEvent"))
