"""A workflow in the simulator, as the command line runs it: watched, and stopped by Ctrl-C."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.adapters.memory.catalog import MemoryCatalog
from attune.adapters.memory.clock import VirtualClock
from attune.cli.follow import Show, nothing
from attune.cli.view import View
from attune.engine.ids import AttemptId, wait_id
from attune.engine.messages import Answer, Message
from attune.engine.state import State
from attune.engine.turn import Step
from attune.exceptions import task_error
from attune.execution.answers import to_json
from attune.execution.attempt_rows import AttemptRow
from attune.execution.queries import Reader
from attune.execution.worker import Runner
from attune.model.timestamps import iso
from attune.simulator import Simulator, TimedRunner

SHOW_EVERY = 0.1
"""Seconds between two views at least."""
SHARE = 10
"""At most one part in so many of the time goes into making views: they grow with the execution."""


Asked = dict[str, Any]
"""An inquiry: ``{id, task, prompt, schema, assignees}``."""
Answerer = Callable[[Asked], Any]
"""Answers an inquiry, or gives :data:`UNANSWERED`."""
UNANSWERED: Any = object()


def nobody(asked: Asked) -> Any:  # noqa: ARG001
    """Answers nothing."""
    return UNANSWERED


class Simulation:
    """One execution in a world of its own; ``show`` is given views of it while it runs.

    ``answerer`` is asked once for each inquiry, when there is nothing else to do at that moment of virtual time.
    """

    def __init__(
        self,
        catalog: MemoryCatalog,
        runner: Runner,
        answerer: Answerer = nobody,
        *,
        values: Mapping[str, Any] | None = None,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._answerer, self._asked = answerer, set[str]()
        self._clock = VirtualClock(time.time())
        self._lock = threading.Lock()
        self._runner = _Interruptible(TimedRunner(runner, self._clock), self._clock, self._lock)
        self._simulator = Simulator(
            catalog, self._runner, clock=self._clock, observer=self._observe, values=values, secrets=secrets
        )
        self._reader = Reader(self._simulator.store, self._simulator.directory, catalog)
        self._open: set[str] = set()
        self._times = _Times()
        self._root = ""
        self._gone: SystemExit | None = None

    def now(self) -> float:
        """The virtual time, which passes as real time does while an action runs."""
        return self._runner.now()

    def start(self, ref: str, parameters: dict[str, Any]) -> str:
        """Start it; raises NotFound and InvalidParameters."""
        self._root = self._simulator.start(ref, parameters)
        self._open.add(self._root)
        return self._root

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C has ended it."""
        return self._runner.stopped

    def run(self, show: Show) -> View:
        """Let it happen to its end; Ctrl-C cancels it. Returns how it stands then."""
        with self._shown(show):
            try:
                self._play()
            except KeyboardInterrupt:
                self._runner.stopped = True
                self._simulator.cancel(self._root, "interrupted")
                self._play()
        if self._gone is not None:
            raise self._gone
        view = self.view()
        show(view)
        return view

    def view(self) -> View:
        """How it stands."""
        return self._view(self._root)

    def _play(self) -> None:
        more = True
        while self._open and more:
            with self._lock:
                more = self._simulator.cloud.step(until=self._clock.now())
            if more or self._answered():
                more = True
                continue
            with self._lock:
                more = self._simulator.cloud.step()

    def unanswered(self) -> list[Asked]:
        """The inquiries that are open."""
        return [_asked(*row) for row in self._simulator.inquiries()]

    def _answered(self) -> bool:
        """Ask for the answer of an inquiry that nobody has been asked for; False if there is none."""
        if self.interrupted:
            return False
        for execution, attempt, terms in self._simulator.inquiries():
            asked = _asked(execution, attempt, terms)
            if asked["id"] in self._asked:
                continue
            self._asked.add(asked["id"])
            response = self._answerer(asked)
            if response is not UNANSWERED:
                self._simulator.post(execution, Answer(attempt, response, "you"))
                return True
        return False

    @contextmanager
    def _shown(self, show: Show) -> Iterator[None]:
        """Show views from a thread of its own, which looks when no step is half done: steps take as long as actions."""
        over = threading.Event()
        thread = threading.Thread(target=self._keep_showing, args=(show, over), daemon=True)
        if show is not nothing:
            thread.start()
        try:
            yield
        finally:
            over.set()
            if thread.is_alive():
                thread.join()

    def _keep_showing(self, show: Show, over: threading.Event) -> None:
        pause = 0.0
        while not over.wait(pause):
            begun = time.monotonic()
            with self._lock:
                view = self.view()
            pause = max(SHOW_EVERY, SHARE * (time.monotonic() - begun))
            try:
                show(view)
            except OSError:  # nobody reads any more; the last view, shown by the main thread, will say so
                return
            except SystemExit as gone:  # rich's word for the same, after which it prints into the void
                self._gone = gone
                return

    def _observe(self, state: State, messages: Sequence[Message], steps: Sequence[Step]) -> None:  # noqa: ARG002
        (self._open.discard if state.status.ended else self._open.add)(state.execution)
        self._times.note(state, self._clock.now())

    def _view(self, execution: str) -> View:
        nodes = self._reader.graph(execution).nodes
        names = [node.name for node in nodes]
        rows = self._reader.tasks(execution, 0, "").items
        attempts = tuple(self._times.fill(execution, names, row) for row in rows)
        children = {row.child for row in rows if row.child and self._simulator.store.load_start(row.child)}
        return View(
            to_json(self._reader.execution(execution)),
            to_json(nodes),
            to_json(attempts),
            {child: self._view(child) for child in sorted(children)},
        )


class _Interruptible:
    """Runs with another runner, lets go of the lock meanwhile, and runs nothing any more once it is ``stopped``."""

    def __init__(self, runner: Runner, clock: VirtualClock, lock: threading.Lock) -> None:
        self._runner, self._clock, self._lock = runner, clock, lock
        self._since: tuple[float, float] | None = None
        self.stopped = False

    def now(self) -> float:
        """The virtual time; within a run, as far as it has come by now."""
        since = self._since
        return self._clock.now() if since is None else since[0] + time.monotonic() - since[1]

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:
        """See :class:`attune.execution.worker.Runner`."""
        if self.stopped:
            error = task_error("cancelled", "interrupted", retryable=False)
            yield from ((number, Outcome(OutcomeStatus.FAILED, error=error)) for number, _ in enumerate(attempts))
            return
        self._since = (self._clock.now(), time.monotonic())
        try:
            outcomes = iter(self._runner.run(attempts, deadline=deadline))
            while (ended := self._unlocked(outcomes)) is not None:
                yield ended
        except KeyboardInterrupt:
            self._clock.set(self.now())
            raise
        finally:
            self._since = None

    def _unlocked(self, outcomes: Iterator[tuple[int, Outcome]]) -> tuple[int, Outcome] | None:
        """The next outcome, the lock free while it is waited for."""
        self._lock.release()
        try:
            return next(outcomes, None)
        finally:
            self._lock.acquire()


def _asked(execution: str, attempt: AttemptId, terms: dict[str, Any]) -> Asked:
    return {"id": wait_id(execution, attempt), "task": attempt.task, **terms}


class _Times:
    """When visits began and ended, for those that no worker keeps a record of: sleeps, and what costs nothing."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int, int], tuple[float, float | None]] = {}
        self._active: dict[str, set[tuple[int, int]]] = {}

    def note(self, state: State, now: float) -> None:
        """What a fold has begun and ended."""
        before, after = self._active.get(state.execution, set()), set(state.active)
        for visit in before - after:
            start, _ = self._seen[state.execution, *visit]
            self._seen[state.execution, *visit] = start, now
        for visit in after - before:
            self._seen[state.execution, *visit] = now, None
        self._active[state.execution] = after

    def fill(self, execution: str, names: list[str], row: AttemptRow) -> AttemptRow:
        """The row with the times that it lacks."""
        found = self._seen.get((execution, names.index(row.task), row.visit))
        if found is None or row.started_at or row.child:
            return row
        start, end = found
        length = None if end is None else round(end - start, 3)
        return replace(row, started_at=iso(start), ended_at=iso(end), duration=length)
