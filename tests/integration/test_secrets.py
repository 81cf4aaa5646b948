"""No secret rests: whatever actions do with it, its text is nowhere but where it was put (promise 7)."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import quote

import pytest

SECRETS = {"hush.api": 'k3y "with\\quotes" & söme/spice', "given": "p4rameter+text=="}


class Everything:
    """Whatever is stored, sent, logged or answered, as text."""

    def __init__(self) -> None:
        self.found: list[tuple[str, str]] = []

    def add(self, where: str, what: Any) -> None:
        self.found.append(
            (where, what if isinstance(what, str) else json.dumps(what, default=repr, ensure_ascii=False))
        )

    def holding(self, secret: str) -> list[str]:
        """Where a form of the secret can be read."""
        encoded = base64.b64encode(f"user:{secret}".encode()).decode()
        forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], quote(secret)}
        forms |= {json.dumps(json.dumps(secret))[3:-3], base64.b64encode(secret.encode()).decode(), encoded[8:-4]}
        return [f"{where}: {text[:500]}" for where, text in self.found if any(form in text for form in forms)]


@pytest.fixture
def everything(stack: Any, monkeypatch: pytest.MonkeyPatch) -> Everything:
    """Listens at the queues, at boto3 and at the log."""
    from attune.wiring import process

    seen = Everything()
    inner = stack._event

    def noting(queue: Any, fifo: bool = False) -> Any:
        event = inner(queue, fifo)
        seen.add("queue", event)
        return event

    stack._event = noting
    for service in ("dynamodb", "sqs", "s3", "events", "scheduler"):
        events = process.client(service).meta.events
        events.register("before-call.*.*", lambda model, params, **_: seen.add(f"call {model.name}", str(params)))
    return seen


def stored(clients: Any, seen: Everything) -> None:
    for item in clients.dynamodb.scan(TableName="attune")["Items"]:
        seen.add("table", item)
    for entry in clients.s3.list_objects_v2(Bucket="attune").get("Contents", []):
        seen.add("bucket", clients.s3.get_object(Bucket="attune", Key=entry["Key"])["Body"].read().decode())


def run(stack: Any, clients: Any, seen: Everything, caplog: pytest.LogCaptureFixture) -> str:
    assert stack.api("PUT", "/api/v1/kv/hush.url", {"value": "http://hush"})[0] == 200
    assert stack.api("PUT", "/api/v1/secrets/hush.api", {"value": SECRETS["hush.api"]})[0] == 200
    execution = stack.start("hush.main", token=SECRETS["given"])
    stack.pump()
    base = "/api/v1/workflow-executions"
    for path in ("/secrets", "/kv", "/kv/hush.url", "/workflows/hush.main"):
        seen.add("reply", stack.api("GET", f"/api/v1{path}"))
    for one in stack.api("GET", base)[1]["data"]["items"]:
        for path in ("", "/tasks", "/graph"):
            seen.add("reply", stack.api("GET", f"{base}/{one['id']}{path}"))
    stored(clients, seen)
    for record in caplog.records:
        seen.add("log", vars(record))
    return execution


def test_the_text_of_a_secret_is_in_no_item_message_object_log_line_or_reply(
    stack: Any, clients: Any, everything: Everything, caplog: pytest.LogCaptureFixture
) -> None:
    execution = run(stack, clients, everything, caplog)
    ended = stack.execution(execution)
    assert ended["status"] == "completed", ended["error"]
    assert {where.split()[0] for where, _ in everything.found} == {"queue", "call", "table", "reply", "log"}
    for secret in SECRETS.values():
        assert everything.holding(secret) == []


def test_all_else_of_such_an_attempt_is_recorded(
    stack: Any, clients: Any, everything: Everything, caplog: pytest.LogCaptureFixture
) -> None:
    output = stack.execution(run(stack, clients, everything, caplog))["output"]
    masked = ["Bearer ***", "***", '{"t": "***"}', "***"]
    assert output["named"] == {"url": "http://hush", "token": "***", "***": masked}
    assert output["vars"]["why"]["message"].startswith('the token is ***, in JSON "***", ***')
    assert output["vars"]["why"]["details"] == {"token": "***", "pair": "dXNlcjp***"}
    assert [item["status"] for item in output["items"]] == ["completed", "failed", "failed", "failed"]
    assert output["below"]["token"] == "***"
    assert output["missing"]["type"] == "template_error"
    assert "has no '***'" in output["missing"]["message"]
    log = caplog.text
    assert "token ***" in log and "an unfinished line with ***" in log
