"""What tests share: small worlds, made of workflows written as text."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.adapters.memory.catalog import MemoryCatalog
from attune.adapters.memory.clock import VirtualClock
from attune.exceptions import task_error
from attune.execution.ports.catalog import PackRecord, WorkflowVersion
from attune.language.compiler import compile_workflow
from attune.language.source import load
from attune.model.action import ActionSpec, Runner, workflow_as_action
from attune.model.graph import Graph
from attune.model.status import ExecutionStatus
from attune.simulator import Simulator

PROJECT = Path(__file__).parents[1]


class TogetherScheduling(LoadFileScheduling):
    """Gives a process a whole file, and all of the deployed stack's: they share one local cloud, and mostly wait."""

    def _split_scope(self, nodeid: str) -> str:
        return "cloud" if nodeid.startswith("tests/e2e/") else str(super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> TogetherScheduling:
    """However many processes there are."""
    return TogetherScheduling(config, log)


ANY_INPUT: dict[str, Any] = {"type": "object"}


def action(ref: str, **more: Any) -> ActionSpec:
    """A python action that takes anything."""
    pack, name = ref.split(".", 1)
    settings = {"runner": Runner.PYTHON, "entry_point": f"{name}.py:run", "parameters": ANY_INPUT, **more}
    return ActionSpec(ref, pack, **settings)


ACTIONS = {
    spec.ref: spec
    for spec in (
        action("t.do"),
        action("t.once", idempotent=False),
        action("t.slow"),
        action("core.noop", runner=Runner.ENGINE, entry_point="noop"),
        action("core.sleep", runner=Runner.ENGINE, entry_point="sleep"),
        action("core.inquiry", runner=Runner.ENGINE, entry_point="inquiry"),
        action("core.wait_for_event", runner=Runner.ENGINE, entry_point="wait_for_event"),
    )
}


class Failure(Exception):
    """Raised by a script: the attempt fails with this type and message."""

    def __init__(self, message: str = "no", type_: str = "Failure", *, retryable: bool = True, timeout: bool = False):
        super().__init__(message)
        self.status = OutcomeStatus.TIMED_OUT if timeout else OutcomeStatus.FAILED
        self.error = task_error("timeout" if timeout else type_, message, retryable=retryable)


@dataclass
class ScriptedRunner:
    """Answers for actions: ``script[task]`` is a value, a list of values (one an attempt), or a function of the
    attempt; an exception :class:`Failure` among them fails it. ``takes[task]`` is how long it runs, in seconds.
    """

    clock: VirtualClock
    script: dict[str, Any] = field(default_factory=dict)
    takes: dict[str, Any] = field(default_factory=dict)
    ran: list[Attempt] = field(default_factory=list)

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:
        """Like ActionRunner, in virtual time."""
        begun = self.clock.now()
        order = sorted(range(len(attempts)), key=lambda position: self._duration(attempts[position]))
        for position in order:
            attempt = attempts[position]
            self.ran.append(attempt)
            self.clock.set(begun + self._duration(attempt))
            yield position, self._outcome(attempt)

    def _duration(self, attempt: Attempt) -> float:
        takes = self.takes.get(attempt.task, 0)
        return float(takes(attempt) if callable(takes) else takes)

    def _outcome(self, attempt: Attempt) -> Outcome:
        answer = self.script.get(attempt.task, dict(attempt.input))
        if isinstance(answer, list):
            answer = answer[min(attempt.number, len(answer)) - 1]
        try:
            value = answer(attempt) if callable(answer) else answer
            if isinstance(value, Failure):
                raise value.with_traceback(None)  # a script is used by many runs, and must not hold them all
        except Failure as failure:
            return Outcome(failure.status, None, failure.error)
        return Outcome(OutcomeStatus.COMPLETED, value)

    def names(self) -> list[str]:
        """The tasks that ran, in the order in which they ended."""
        return [attempt.task for attempt in self.ran]


class World(Simulator):
    """A simulator whose workflows are given as YAML and whose actions are scripted."""

    def __init__(
        self,
        *texts: str,
        script: Mapping[str, Any] | None = None,
        takes: Mapping[str, Any] | None = None,
        actions: Sequence[ActionSpec] = (),
        chunk_size: int | None = None,
        runner: type[ScriptedRunner] = ScriptedRunner,
        **settings: Any,
    ):
        self.runner = runner(VirtualClock(), dict(script or {}), dict(takes or {}))
        catalog = MemoryCatalog()
        catalog.put_pack(PackRecord("t", "Test", "1", config={"registry": "r.example"}))
        for pack in {"core", *(spec.pack for spec in actions)}:
            catalog.put_pack(PackRecord(pack, pack, "1"))
        catalog.put_actions("t", [*ACTIONS.values(), *actions])
        super().__init__(catalog, self.runner, clock=self.runner.clock, **settings)
        for graph in graphs(*texts, actions=actions) if actions else _usual_graphs(*texts):
            catalog.add_version(
                WorkflowVersion(graph.ref, 1, replace(graph, chunk_size=chunk_size or graph.chunk_size))
            )

    def go(self, ref: str = "t.w", **parameters: Any) -> Ended:
        """Start, run to the end, and say how it ended."""
        execution = self.start(ref, parameters)
        self.run()
        return self.ended(execution)

    def ended(self, execution: str) -> Ended:
        """How an execution stands."""
        state = self.state(execution)
        return Ended(execution, state.status, self.output(execution), state.error, self.runner.names())


@dataclass(frozen=True)
class Ended:
    """The end of an execution."""

    execution: str
    status: ExecutionStatus
    output: Any
    error: Any
    ran: list[str]


def graphs(*texts: str, actions: Sequence[ActionSpec] = ()) -> list[Graph]:
    """Compile workflows that may call each other; each is ``t.<ref>`` of its own ``ref`` or ``t.w``."""
    sources = [
        load(text if text.lstrip().startswith("ref:") else f"ref: t.w\n{text}", f"{n}.yaml")
        for n, text in enumerate(texts)
    ]
    known = ACTIONS | {spec.ref: spec for spec in actions}
    for source in sources:
        known[source.data["ref"]] = workflow_as_action(source.data["ref"], "t", ANY_INPUT)
    config = {"registry": "r.example"}
    return [
        compile_workflow(s, pack=s.data["ref"].split(".")[0], actions=known, pack_config=config).graph for s in sources
    ]


@cache
def _usual_graphs(*texts: str) -> list[Graph]:
    """Those that many tests make again and again."""
    return graphs(*texts)


@pytest.fixture
def world() -> Callable[..., World]:
    """Make a world of workflows."""
    return World


@pytest.fixture
def compile_graph() -> Callable[[str], Graph]:
    """Compile one workflow."""
    return lambda text: graphs(text)[0]


@pytest.fixture
def fail() -> type[Failure]:
    """How a scripted action fails."""
    return Failure


@pytest.fixture(scope="session")
def packs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's packs and the fixture packs in one folder, as a deployment has them."""
    folder = tmp_path_factory.mktemp("packs")
    for source in (PROJECT / "packs", PROJECT / "tests" / "fixtures" / "packs"):
        shutil.copytree(source, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    return folder
