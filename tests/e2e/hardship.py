"""What a deployed stack may have to bear: workers that are killed, and a table that throttles."""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

from attune.cli.local import LocalCloud, StackOutputs

THROTTLED = {
    "DynamoDB_20120810": b'{"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException", "message": "too much"}',
    "AmazonSQS": b'{"__type": "com.amazonaws.sqs#RequestThrottled", "message": "too much"}',
}
"""What services say that refuse a request, by what their operations' names begin with."""


def children_of(pid: int) -> list[int]:
    """The processes that this one has started."""
    try:
        return [
            int(child) for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()
        ]
    except OSError:
        return []


def processes_of(pid: int) -> list[int]:
    """The processes that this one has started, and those that they have."""
    children = children_of(pid)
    return children + [grandchild for child in children for grandchild in processes_of(child)]


def _works(pid: int) -> bool:
    """Whether a process runs one of the functions that execute workflows, by the path that MiniStack gives it."""
    try:
        command = Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return False
    return any(name in command for name in ("-Advance-", "-RunTask-"))


def memory(pid: int) -> int:
    """Bytes that a process holds in memory; 0 if it has ended."""
    try:
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    except OSError:
        return 0
    return int(fields.get("VmRSS", "0 kB").split()[0]) * 1024


@contextmanager
def killing(cloud: LocalCloud, times: int, every: float, seed: int = 1) -> Iterator[list[int]]:
    """Kill (SIGKILL) a worker of `advance` or `run_task` every so many seconds, so many times; gives those killed.

    What a worker has started (the processes of its actions) dies after it, as in a sandbox of Lambda. Killed before it,
    they would just be actions that failed.
    """
    killed: list[int] = []
    over, dice = threading.Event(), random.Random(seed)  # noqa: S311

    def kill() -> None:
        while len(killed) < times and not over.wait(every):
            pid = cloud.status().pid
            found = [worker for worker in children_of(pid) if _works(worker)] if pid else []
            if found and _killed_with_its_own(victim := dice.choice(found)):
                killed.append(victim)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    try:
        yield killed
    finally:
        over.set()
        thread.join()


def _killed_with_its_own(worker: int) -> bool:
    """Whether the worker was still there to be killed."""
    started, there = processes_of(worker), _killed(worker)
    for pid in started:
        _killed(pid)
    return there


def _killed(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


@contextmanager
def throttling(cloud: LocalCloud, stack: StackOutputs, one_in: int) -> Iterator[list[str]]:
    """Have DynamoDB and SQS refuse one in so many of the functions' requests; gives the operations refused."""
    refused: list[str] = []
    proxy = ThreadingHTTPServer(("127.0.0.1", 0), _proxy(cloud.endpoint, one_in, refused))
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    functions = _functions(cloud)
    client = cloud.client("lambda")
    before = {name: _environment(client, name) for name in functions}
    try:
        for name, variables in before.items():
            url = f"http://127.0.0.1:{proxy.server_address[1]}"
            through = {f"AWS_ENDPOINT_URL_{service}": url for service in ("DYNAMODB", "SQS")}
            client.update_function_configuration(FunctionName=name, Environment={"Variables": {**variables, **through}})
        yield refused
    finally:
        for name, variables in before.items():
            client.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
        proxy.shutdown()


def _functions(cloud: LocalCloud) -> list[str]:
    pages = cloud.client("lambda").get_paginator("list_functions").paginate()
    return [function["FunctionName"] for page in pages for function in page["Functions"]]


def _environment(client: Any, name: str) -> dict[str, str]:
    configuration = client.get_function_configuration(FunctionName=name)
    return dict(configuration.get("Environment", {}).get("Variables", {}))


def _proxy(endpoint: str, one_in: int, refused: list[str]) -> Callable[..., BaseHTTPRequestHandler]:
    client, count, lock = httpx.Client(timeout=60), [0], threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            with lock:
                count[0] += 1
                refuse = count[0] % one_in == 0
            if refuse:
                service, _, operation = self.headers["x-amz-target"].partition(".")
                refused.append(operation)
                self._reply(400, THROTTLED[service], {"content-type": "application/x-amz-json-1.0"})
                return
            answer = client.post(endpoint, content=body, headers=dict(self.headers.items()))  # signed with the host
            kept = {name: answer.headers[name] for name in ("content-type", "x-amz-crc32") if name in answer.headers}
            self._reply(answer.status_code, answer.content, kept)

        def _reply(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the signature of http.server)
            """Say nothing."""

    return Handler
