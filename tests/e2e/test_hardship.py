"""Whatever is killed or refused meanwhile, every execution ends right, and nothing is done twice."""

from __future__ import annotations

import time
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import httpx

from attune.cli.local import LocalCloud, StackOutputs
from tests.e2e.conftest import Api
from tests.e2e.hardship import killing, throttling


class PatientApi(Api):
    """A client that does what a 503 asks for: it tries again, and starts under a key."""

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """What is answered by a service that has what it needs."""
        deadline = time.monotonic() + 60
        while (answer := super().ask(method, path, body)).status_code == 503 and time.monotonic() < deadline:
            assert answer.json()["code"] == "unavailable"
        return answer

    def start(self, ref: str, **parameters: Any) -> str:
        """Start a workflow, once."""
        body = {"parameters": parameters, "idempotency_key": str(uuid.uuid4())}
        return str(self.post(f"/api/v1/workflows/{ref}/execute", body)["id"])


def check_all_end_right(hurried: Api, folder: Path, count: int, within: float) -> None:
    """Executions of five tasks, each of which adds a line to a file of its own."""
    api = PatientApi(hurried.http)
    started = [api.start("flows.counted_chain", folder=str(folder)) for _ in range(count)]
    for execution in started:
        ended = api.ended(execution, within=within)
        assert (ended["status"], ended["error"]) == ("completed", None)
    assert len(list(folder.iterdir())) == 5 * count


def test_executions_end_right_though_workers_are_killed(api: Api, cloud: LocalCloud, tmp_path: Path) -> None:
    with killing(cloud, times=8, every=1.0) as killed:
        check_all_end_right(api, tmp_path, 40, within=240)
    assert len(killed) == 8


def test_executions_end_right_though_table_and_queues_throttle(
    api: Api, cloud: LocalCloud, stack: StackOutputs, tmp_path: Path
) -> None:
    with throttling(cloud, stack, one_in=5) as refused:
        check_all_end_right(api, tmp_path, 8, within=120)
    assert {"PutItem", "UpdateItem", "SendMessageBatch"} <= set(refused)
    lines = Counter(file.read_text().count("\n") for file in tmp_path.iterdir())
    assert lines == {1: 40}
