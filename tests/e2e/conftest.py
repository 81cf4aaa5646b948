"""The deployed stack: a MiniStack of its own, on a free port, with the project deployed to it by `sam`.

Policies are enforced there, so a function that does what its role doesn't allow fails its test here, not on AWS.
"""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from attune.cli.local import LocalCloud, StackOutputs
from attune.cli.tokens import make

PROJECT = Path(__file__).parents[2]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="package")
def cloud() -> Iterator[LocalCloud]:
    """A local cloud that starts empty; its logs stay in .attune/e2e."""
    state_dir = PROJECT / ".attune" / "e2e"
    LocalCloud(PROJECT, state_dir=state_dir).stop()  # left by a run that was killed
    shutil.rmtree(state_dir, ignore_errors=True)
    local = LocalCloud(PROJECT, free_port(), state_dir, enforce_iam=True)
    local.start()
    yield local
    local.stop()


@pytest.fixture(scope="package")
def parameters(packs_dir: Path) -> dict[str, str]:
    """The template's parameters. Short timeouts: what a dead worker held comes back after them."""
    return {"WorkerTimeout": "20", "AdvanceTimeout": "10", "LogLevel": "INFO", "PacksDir": str(packs_dir)}


@pytest.fixture(scope="package")
def stack(cloud: LocalCloud, parameters: dict[str, str]) -> StackOutputs:
    """The outputs of the deployed stack."""
    return cloud.deploy(parameters)


@pytest.fixture(scope="package")
def aws(cloud: LocalCloud) -> Callable[[str], Any]:
    """``aws("sqs")`` is a boto3 client for the local cloud, with an administrator's rights."""
    return cloud.client


@pytest.fixture(scope="package")
def healthy() -> Iterator[dict[str, int]]:
    """A web server that answers ``/health/<app>`` with the status that the test puts in for the app (else 200)."""
    answers: dict[str, int] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(answers.get(self.path.rsplit("/", 1)[-1], 200))
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (the signature of http.server)
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answers["port"] = server.server_address[1]
    yield answers
    server.shutdown()


@pytest.fixture(scope="package")
def api(cloud: LocalCloud, stack: StackOutputs, packs_dir: Path, healthy: dict[str, int]) -> Api:
    """The stack's HTTP API, with every pack registered."""
    config = packs_dir / "my_pack" / "config.yaml"
    text = config.read_text().replace('health_base_url: ""', f"health_base_url: http://127.0.0.1:{healthy['port']}")
    config.write_text(text)
    token = make(cloud.client("dynamodb"), stack.table_name, "e2e")
    http = httpx.Client(base_url=stack.api_url, headers={"authorization": f"Bearer {token}"}, timeout=30)
    api = Api(http)
    synced = api.post("/api/v1/packs/sync")["packs"]
    assert [pack["errors"] for pack in synced if pack["errors"]] == []
    return api


@dataclass(frozen=True)
class Api:
    """A client of the deployed API."""

    http: httpx.Client

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """Whatever is answered."""
        return self.http.request(method, path, json=body)

    def get(self, path: str) -> Any:
        """The ``data`` of a good answer."""
        answer = self.ask("GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def post(self, path: str, body: Any = None) -> Any:
        """The ``data`` of a good answer."""
        answer = self.ask("POST", path, body)
        assert answer.status_code in (200, 202), answer.text
        return answer.json()["data"]

    def start(self, ref: str, **parameters: Any) -> str:
        """Start a workflow."""
        return str(self.post(f"/api/v1/workflows/{ref}/execute", {"parameters": parameters})["id"])

    def execution(self, execution: str) -> dict[str, Any]:
        """Where an execution stands."""
        return dict(self.get(f"/api/v1/workflow-executions/{execution}"))

    def tasks(self, execution: str) -> list[dict[str, Any]]:
        """Its attempts, by the time at which they started."""
        rows, cursor = [], ""
        while cursor is not None:
            page = self.get(f"/api/v1/workflow-executions/{execution}/tasks?limit=200&cursor={cursor}")
            rows, cursor = rows + page["items"], page["cursor"]
        return sorted(rows, key=lambda row: row["started_at"] or "")

    def ended(self, execution: str, within: float = 120) -> dict[str, Any]:
        """The execution when it has ended; fails after so many seconds."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            found = self.execution(execution)
            if found["ended_at"] is not None:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{execution} did not end within {within} s: {found}")

    def run(self, ref: str, within: float = 120, **parameters: Any) -> dict[str, Any]:
        """Start a workflow and wait for its end."""
        return self.ended(self.start(ref, **parameters), within)

    def standing(self, execution: str) -> set[tuple[str, str]]:
        """``(name, status)`` of each of its tasks."""
        nodes = self.get(f"/api/v1/workflow-executions/{execution}/graph")["nodes"]
        return {(node["name"], node["status"]) for node in nodes}

    def until(self, look: Callable[[], Any], within: float = 120) -> Any:
        """What ``look`` gives as soon as it gives something; fails after so many seconds."""
        deadline = time.monotonic() + within
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(0.1)
        raise AssertionError(f"nothing came within {within} s")
