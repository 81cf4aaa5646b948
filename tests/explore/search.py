"""Which faults are tried: every one at every call, then pairs of them by chance; on all processors."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random

from attune.adapters.memory.faults import FaultKind
from tests.explore.run import Plan, calls, explore

CHUNK = 100
"""Runs that a process does at a time."""
BEYOND = 1.3
"""A run with faults makes more calls than one without: by chance these are hit too."""


@dataclass(frozen=True)
class Trial:
    """One run: a workflow, what goes wrong in it, and the seed of the disorder."""

    workflow: str
    plan: Plan
    seed: int = 0

    def command(self) -> str:
        """What runs it again."""
        faults = " ".join(f"--fault {number}:{kind}" for number, kind in sorted(self.plan.items()))
        return f"python -m tests.explore --workflow {self.workflow} {faults} --seed {self.seed}"


@dataclass
class Row:
    """What came of a workflow: ``points`` are its calls, and those faults that were tried at each."""

    points: int = 0
    runs: int = 0
    failures: list[tuple[Trial, list[str]]] = field(default_factory=list)


Results = dict[str, Row]
KINDS = list(FaultKind)


def singles(workflow: str) -> Iterator[Trial]:
    """Every fault at every call."""
    for number, call in enumerate(calls(workflow), 1):
        yield from (Trial(workflow, {number: kind}) for kind in FaultKind if call.bears(kind))


def pairs(workflows: Iterable[str], seed: int) -> Iterator[Trial]:
    """Two faults (now and then three) at calls that chance chooses, in a disorder of their own; without an end."""
    chance = Random(seed)  # noqa: S311 - chance that can be repeated is what this is for
    names = sorted(workflows)
    for number in itertools.count(seed * 1_000_000 + 1):
        workflow = chance.choice(names)
        last = int(len(calls(workflow)) * BEYOND)
        places = chance.sample(range(1, last + 1), chance.choice((2, 2, 2, 3)))
        yield Trial(workflow, {place: chance.choice(KINDS) for place in places}, number)


def search(workflows: Iterable[str], seconds: float, seed: int, processes: int | None = None) -> Results:
    """All single faults; then pairs until ``seconds`` have passed since the beginning."""
    names, until = list(workflows), time.monotonic() + seconds
    results = {name: Row(points=len(calls(name))) for name in names}
    with multiprocessing.Pool(processes, initializer=gc.freeze) as pool:
        every = [trial for name in names for trial in singles(name)]
        trials = itertools.chain(every, _until(pairs(names, seed), until))
        for trial, wrong in _ahead(pool, trials):
            row = results[trial.workflow]
            row.runs += 1
            if wrong:
                row.failures.append((trial, wrong))
    return results


def _ahead(pool: multiprocessing.pool.Pool, trials: Iterator[Trial]) -> Iterator[tuple[Trial, list[str]]]:
    """Keep each process busy with one chunk and another waiting: no more, so that the end of the time is the end."""
    waiting = []
    for chunk in iter(lambda: list(itertools.islice(trials, CHUNK)), []):
        waiting.append(pool.apply_async(_try, (chunk,)))
        if len(waiting) > 2 * multiprocessing.cpu_count():
            yield from waiting.pop(0).get()
    for result in waiting:
        yield from result.get()


def _until(trials: Iterator[Trial], moment: float) -> Iterator[Trial]:
    return itertools.takewhile(lambda _: time.monotonic() < moment, trials)


def _try(chunk: list[Trial]) -> list[tuple[Trial, list[str]]]:
    return [(trial, explore(trial.workflow, trial.plan, trial.seed)) for trial in chunk]
