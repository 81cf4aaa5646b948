"""Runs attempts side by side, each in a forked child of its own, and says how each ended.

Why fork: an action may print, exit, crash, hang or change global state, and the worker must outlive all of it.
``multiprocessing`` would need semaphores, which Lambda doesn't have (no /dev/shm); a new interpreter would cost a
hundred times a fork. Start-up matters too: this module imports the standard library only.
"""

from __future__ import annotations

import logging
import selectors
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.actions.child import HANDLERS, handler
from attune.actions.errors import ActionError, error_of
from attune.actions.loading import actions_folder, preload
from attune.actions.output import OutputLog, RecordLogger
from attune.actions.process import Process
from attune.actions.validation import prepare
from attune.exceptions import task_error
from attune.model.action import Runner

MARGIN = 0.1
"""Attempts are killed this many seconds before the deadline, so that all outcomes are reported in time."""

TICK = 0.1
"""Seconds between looks at children that gave no sign: finds one that crashed while its own child holds the pipe."""

TICK_HUNG_UP = 0.002
"""The same when a child has closed its pipe: it is about to end."""


class ActionRunner:
    """Runs python, http and lambda actions from ``packs_dir``.

    ``default_timeout`` (seconds) is for actions and attempts without one. What actions print goes to ``logger``,
    one record per line with execution, task, index and attempt.
    """

    def __init__(self, packs_dir: Path, *, default_timeout: float = 300, logger: RecordLogger | None = None) -> None:
        self._packs_dir = packs_dir
        self._default_timeout = default_timeout
        self._logger = logger or logging.getLogger("attune.actions")

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:
        """Run all attempts at once; yield ``(position in attempts, outcome)`` as each ends, each exactly once.

        ``deadline`` is the ``time.monotonic()`` value by which every outcome is yielded (given a caller that
        doesn't stop in between): what still runs then is killed. Never raises for what an action does. Nothing
        starts before the first ``next()``; closing the iterator kills what runs.
        """
        running: list[Process] = []
        with selectors.DefaultSelector() as selector:
            try:
                refused = self._start(attempts, deadline - MARGIN, running, selector)
                yield from refused
                while running:
                    yield from _ended(running, selector)
            finally:
                for process in running:
                    process.close(selector)

    def _start(
        self, attempts: Sequence[Attempt], latest: float, running: list[Process], selector: selectors.BaseSelector
    ) -> list[tuple[int, Outcome]]:
        """Fork a child per attempt into ``running``; the outcomes of those that can't even start."""
        refused = []
        for position, attempt in enumerate(attempts):
            try:
                self._preload(attempt, latest)
                process = self._process(position, attempt, latest)
                process.start(self._packs_dir, selector)
            except ActionError as exc:
                home = actions_folder(self._packs_dir, attempt.action)
                refused.append((position, Outcome(OutcomeStatus.FAILED, error=error_of(exc, home))))
            except OSError as exc:
                message = f"the worker could not start a process: {exc.strerror}"
                refused.append((position, Outcome(OutcomeStatus.FAILED, error=task_error("not_started", message))))
            else:
                running.append(process)
        return refused

    def _process(self, position: int, attempt: Attempt, latest: float) -> Process:
        timeout = attempt.timeout or attempt.action.timeout or self._default_timeout
        now = time.monotonic()
        expires, overdue = now + timeout, f"the attempt was stopped after its timeout of {timeout:g} s"
        if latest < expires:
            expires = latest
            overdue = f"the worker's time limit was reached after {max(latest - now, 0):.1f} s (timeout: {timeout:g} s)"
        return Process(position, attempt, expires=expires, overdue=overdue, output=self._output(attempt))

    def _output(self, attempt: Attempt) -> OutputLog:
        fields = {
            "execution_id": attempt.execution_id,
            "task": attempt.task,
            "index": attempt.index,
            "attempt": attempt.number,
            "action": attempt.action.ref,
        }
        return OutputLog(self._logger, fields, attempt.mask)

    def _preload(self, attempt: Attempt, latest: float) -> None:
        """Do once, here, what every fork would do again: import the action's code, compile its schemas."""
        runner = attempt.action.runner
        if runner not in HANDLERS:
            message = f"{attempt.action.ref} is run by {runner}, not by a worker"
            raise ActionError(message, type="action_not_found", retryable=False)
        handler(runner)
        prepare(attempt.action)
        if runner is Runner.PYTHON:
            preload(self._packs_dir, attempt.action, latest - time.monotonic())


def _ended(running: list[Process], selector: selectors.BaseSelector) -> Iterable[tuple[int, Outcome]]:
    """Wait a little; then remove and bury the processes that have ended."""
    for key, _ in selector.select(_patience(running)):
        key.data.on_readable(key.fd, selector)
    now = time.monotonic()
    ended = []
    for process in list(running):
        if outcome := process.outcome(now, selector):
            process.close(selector)
            running.remove(process)
            ended.append((process.position, outcome))
    return ended


def _patience(running: list[Process]) -> float:
    if any(process.hung_up for process in running):
        return TICK_HUNG_UP
    soonest = min(process.expires for process in running)
    return min(max(soonest - time.monotonic(), 0), TICK)
