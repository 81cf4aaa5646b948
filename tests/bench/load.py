"""Load on the deployed stack: ``python -m tests.bench.load`` (or ``make load``).

A local cloud of its own is started, the stack deployed to it, and then, one after the other: 1,000 executions of five
tasks each, and one execution with a list of 10,000 items. Every task of the former leaves a line in a file, so what
was lost or done twice shows. Memory is that of the functions' processes, the largest seen.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from attune.cli.local import LocalCloud
from attune.cli.tokens import make
from tests.conftest import PROJECT
from tests.e2e.conftest import Api, free_port
from tests.e2e.hardship import memory, processes_of

MEMORY_LIMIT = 400 * 1024 * 1024
"""Bytes that no function's process may come to hold, however much is going on."""
CLIENTS = 8


@dataclass(frozen=True, slots=True)
class Result:
    """What was seen of one load."""

    name: str
    tasks: int
    seconds: float
    wrong: int

    def __str__(self) -> str:
        each = self.tasks / self.seconds
        return f"{self.name:<34} {self.tasks:>7,} {self.seconds:>9.1f} {each:>9.1f} {self.wrong:>6}"


@contextmanager
def deployed() -> Iterator[tuple[LocalCloud, Api]]:
    """The stack in a cloud of its own, with the tests' packs registered."""
    with tempfile.TemporaryDirectory(prefix="attune-load-") as folder:
        packs = Path(folder) / "packs"
        for source in (PROJECT / "packs", PROJECT / "tests" / "fixtures" / "packs"):
            shutil.copytree(source, packs, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
        cloud = LocalCloud(PROJECT, free_port(), Path(folder) / "cloud")
        cloud.start()
        try:
            stack = cloud.deploy({"PacksDir": str(packs)})
            token = make(cloud.client("dynamodb"), stack.table_name, "load")
            http = httpx.Client(base_url=stack.api_url, headers={"authorization": f"Bearer {token}"}, timeout=120)
            api = Api(http)
            api.post("/api/v1/packs/sync")
            yield cloud, api
        finally:
            cloud.stop()


@contextmanager
def watched(cloud: LocalCloud) -> Iterator[Callable[[], int]]:
    """Gives what tells the most memory that a process of a function has held so far, in bytes."""
    most, over = [0], threading.Event()

    def look() -> None:
        while not over.wait(0.5):
            pid = cloud.status().pid
            most[0] = max([most[0], *(memory(worker) for worker in (processes_of(pid) if pid else []))])

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield lambda: most[0]
    over.set()
    thread.join()


def many(api: Api, count: int, folder: Path) -> Result:
    """So many executions of five tasks, started side by side."""
    begun = time.monotonic()
    with ThreadPoolExecutor(CLIENTS) as pool:
        started = list(pool.map(lambda _: api.start("flows.counted_chain", folder=str(folder)), range(count)))
    ended = [api.ended(execution, within=1800) for execution in started]
    seconds = time.monotonic() - begun
    lines = Counter(file.read_text().count("\n") for file in folder.iterdir())
    wrong = sum(one["status"] != "completed" for one in ended) + abs(5 * count - lines.pop(1, 0)) + lines.total()
    return Result(f"{count:,} executions of 5 tasks", 5 * count, seconds, wrong)


def items(api: Api, count: int) -> Result:
    """One execution with so many items."""
    begun = time.monotonic()
    ended = api.ended(api.start("flows.fan_out", items=count), within=3600)
    right = ended["status"] == "completed" and ended["output"] == {"total": count}
    return Result(f"one execution of {count:,} items", count, time.monotonic() - begun, 0 if right else count)


def main() -> int:
    """Print the table; 1 if anything was lost, done twice or too large."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--executions", type=int, default=1_000)
    parser.add_argument("--items", type=int, default=10_000)
    wanted = parser.parse_args()
    with deployed() as (cloud, api), watched(cloud) as most, tempfile.TemporaryDirectory() as folder:
        print(f"{'load':<34} {'tasks':>7} {'seconds':>9} {'tasks/s':>9} {'wrong':>6}")
        wrong = 0
        for load in (lambda: many(api, wanted.executions, Path(folder)), lambda: items(api, wanted.items)):
            result = load()
            wrong += result.wrong
            print(result, flush=True)
        print(f"largest process of a function: {most() / 2**20:.0f} MB")
        return int(wrong > 0 or most() > MEMORY_LIMIT)


if __name__ == "__main__":
    sys.exit(main())
