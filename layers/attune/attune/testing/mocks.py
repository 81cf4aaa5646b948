"""The runner of tests: it answers for actions as the case says, and lets virtual time pass meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from attune.actions.attempt import Attempt, Outcome, OutcomeStatus
from attune.actions.errors import ActionError, error_of
from attune.actions.result import encode_result
from attune.actions.validation import check_output, complete_input
from attune.adapters.memory.clock import VirtualClock
from attune.exceptions import task_error
from attune.execution.worker import Runner
from attune.language.files.suite_file import AnswerModel, MockModel

DEFAULT_TIMEOUT: Final = 300.0
"""Seconds that an attempt may take if neither task nor action sets a timeout; the worker's default, too."""
LONGEST: Final = 900.0
"""Seconds that any attempt may take: a Lambda function's limit."""

_Computed = Callable[[Mapping[str, Any]], Outcome]
_COMPLETED, _FAILED = OutcomeStatus.COMPLETED, OutcomeStatus.FAILED


def _fail(given: Mapping[str, Any]) -> Outcome:
    return Outcome(_FAILED, error=task_error(given["type"], given["message"], retryable=given["retryable"]))


COMPUTED: Final[Mapping[str, _Computed]] = MappingProxyType(
    {
        "core.echo": lambda given: Outcome(_COMPLETED, {"message": given["message"]}),
        "core.set": lambda given: Outcome(_COMPLETED, given["values"]),
        "core.fail": _fail,
    }
)
"""Actions of the core pack that need no mock: what they do is done here, without a process."""


@dataclass(slots=True)
class MockRunner:
    """Implements :class:`attune.execution.worker.Runner` for one case.

    ``workflow`` is the ref of the workflow under test, whose tasks ``mocks`` and ``real`` may name. What can't be
    answered fails its attempt and is noted in ``problems``.
    """

    clock: VirtualClock
    workflow: str
    _: KW_ONLY
    mocks: Mapping[str, MockModel]
    real: bool | Sequence[str]
    real_runner: Runner
    problems: list[str] = field(default_factory=list)
    _asked: Counter[tuple[str, str, int | None]] = field(default_factory=Counter)

    def run(self, attempts: Sequence[Attempt], *, deadline: float) -> Iterator[tuple[int, Outcome]]:
        """Each attempt ends after its own virtual time; one that runs for real takes none."""
        begun = self.clock.now()
        ended = [(position, *self._answer(attempt, deadline)) for position, attempt in enumerate(attempts)]
        for position, outcome, takes in sorted(ended, key=lambda row: row[2]):
            self.clock.set(begun + takes)
            yield position, outcome

    def _answer(self, attempt: Attempt, deadline: float) -> tuple[Outcome, float]:
        mock = self._mock(attempt)
        if mock is None and self._is_real(attempt):
            ((_, outcome),) = self.real_runner.run([attempt], deadline=deadline)
            return outcome, 0.0
        try:
            given = complete_input(attempt.action, attempt.input)
        except ActionError as error:
            return Outcome(_FAILED, error=error_of(error, Path())), 0.0
        if mock is not None:
            return self._mocked(attempt, mock)
        if attempt.action.ref in COMPUTED:
            return COMPUTED[attempt.action.ref](given), 0.0
        return self._unknown(attempt), 0.0

    def _mock(self, attempt: Attempt) -> MockModel | None:
        own = self.mocks.get(attempt.task) if attempt.workflow == self.workflow else None
        return own or self.mocks.get(attempt.action.ref)

    def _is_real(self, attempt: Attempt) -> bool:
        if isinstance(self.real, bool):
            return self.real
        own = attempt.workflow == self.workflow and attempt.task in self.real
        return own or attempt.action.ref in self.real

    def _mocked(self, attempt: Attempt, mock: MockModel) -> tuple[Outcome, float]:
        key = (attempt.execution_id, attempt.task, attempt.index)
        answer = mock.of_item(attempt.index).answer(self._asked[key])
        self._asked[key] += 1
        limit = min(attempt.timeout or attempt.action.timeout or DEFAULT_TIMEOUT, LONGEST)
        if answer.takes > limit:
            message = f"the attempt was stopped after its timeout of {limit:g} s"
            return Outcome(OutcomeStatus.TIMED_OUT, error=task_error("timeout", message)), limit
        return self._outcome(attempt, answer), answer.takes

    def _outcome(self, attempt: Attempt, answer: AnswerModel) -> Outcome:
        if answer.error is not None:
            return Outcome(_FAILED, error=answer.error.model_dump())
        try:
            check_output(attempt.action, encode_result(answer.result))
        except ActionError as error:
            self.problems.append(f"the mock of task '{attempt.task}' is wrong: {error.message}")
            return Outcome(_FAILED, error=error_of(error, Path()))
        return Outcome(_COMPLETED, answer.result)

    def _unknown(self, attempt: Attempt) -> Outcome:
        ref, task = attempt.action.ref, attempt.task
        message = f"task '{task}' calls {ref}, which is neither mocked nor real"
        self.problems.append(f"{message}: write 'mocks: {{{task}: {{result: …}}}}' or 'real: [{ref}]'")
        return Outcome(_FAILED, error=task_error("no_mock", message, retryable=False))
