"""The deployed functions in this process: the handlers as they are, on moto, with the queues pumped by hand."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

PROJECT = Path(__file__).parents[2]


def function(name: str) -> ModuleType:
    """The module ``functions/<name>/app.py``, loaded as Lambda does: by itself."""
    spec = importlib.util.spec_from_file_location(f"function_{name}", PROJECT / "functions" / name / "app.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Context:
    """What Lambda passes as context."""

    def __init__(self, number: int = 1) -> None:
        self.aws_request_id = f"request-{number}"
        self.function_name = "function"
        self.memory_limit_in_mb = 512
        self.invoked_function_arn = "arn:aws:lambda:eu-central-1:123456789012:function:function"

    def get_remaining_time_in_millis(self) -> int:
        return 60_000


@dataclass
class Stack:
    """Calls the API, and pumps messages from queue to function until nothing moves.

    moto's sequence numbers are random, so they are given here, growing, as AWS does.
    """

    queues: SimpleNamespace
    functions: dict[str, ModuleType]
    token: str = "token"
    sequence: int = 0
    calls: int = 0
    faults: dict[str, Callable[[dict[str, Any]], None]] = field(default_factory=dict)

    def api(self, method: str, path: str, body: Any = None, token: str | None = None, raw: str | None = None) -> Any:
        """Call the API; returns (status, parsed body)."""
        path, _, query = path.partition("?")
        headers = {"content-type": "application/json"}
        if token != "":
            headers["authorization"] = f"Bearer {token or self.token}"
        event = {
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "queryStringParameters": dict(pair.split("=", 1) for pair in query.split("&")) if query else None,
            "headers": headers,
            "requestContext": {"http": {"method": method, "path": path}, "stage": "$default", "requestId": "r"},
            "isBase64Encoded": False,
        }
        if raw is not None or body is not None:
            event["body"] = raw if raw is not None else json.dumps(body)
        answer = self.functions["api"].handler(event, Context())
        return answer["statusCode"], json.loads(answer["body"])

    def start(self, ref: str, **parameters: Any) -> str:
        """Start a workflow through the API; returns the execution's id."""
        status, body = self.api("POST", f"/api/v1/workflows/{ref}/execute", {"parameters": parameters})
        assert status == 202, body
        return str(body["data"]["id"])

    def execution(self, execution: str) -> dict[str, Any]:
        """What the API says of an execution."""
        status, body = self.api("GET", f"/api/v1/workflow-executions/{execution}")
        assert status == 200, body
        return dict(body["data"])

    def messages(self) -> dict[str, Any] | None:
        """The next batch of the advance queue as Lambda would get it."""
        return self._event(self.queues.advance, fifo=True)

    def tasks(self) -> dict[str, Any] | None:
        """The next batch of the task queue."""
        return self._event(self.queues.tasks)

    def _event(self, queue: Any, fifo: bool = False) -> dict[str, Any] | None:
        messages = queue.client.receive_message(QueueUrl=queue.url, MaxNumberOfMessages=10, AttributeNames=["All"]).get(
            "Messages", []
        )
        if not messages:
            return None
        handles = [{"Id": str(n), "ReceiptHandle": message["ReceiptHandle"]} for n, message in enumerate(messages)]
        queue.client.delete_message_batch(QueueUrl=queue.url, Entries=handles)
        return {"Records": [self._record(message, queue, fifo) for message in messages]}

    def _record(self, message: dict[str, Any], queue: Any, fifo: bool) -> dict[str, Any]:
        attributes = {**message["Attributes"]}
        if fifo:
            self.sequence += 1
            attributes["SequenceNumber"] = f"{self.sequence:020d}"
        return {
            "messageId": message["MessageId"],
            "body": message["Body"],
            "attributes": attributes,
            "eventSourceARN": queue.arn,
        }

    def invoke(self, name: str, event: dict[str, Any]) -> dict[str, Any]:
        """Call a function with an event."""
        self.calls += 1
        return dict(self.functions[name].handler(event, Context(self.calls)))

    def pump(self) -> int:
        """Deliver until both queues are empty; returns how many batches that took."""
        batches = 0
        while True:
            delivered = sum(self._deliveries())
            batches += delivered
            if not delivered:
                return batches

    def _deliveries(self) -> Iterator[bool]:
        for name, receive in (("advance", self.messages), ("run_task", self.tasks)):
            event = receive()
            if event is not None:
                assert self.invoke(name, event) == {"batchItemFailures": []}
            yield event is not None
