"""The working memory of one fold: the state being changed, and what it asks for."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, field
from typing import Any

from attune.engine.context import Context
from attune.engine.effects import (
    Effect,
    Write,
    WriteItems,
    WriteOutput,
    WriteRecord,
    WriteRetry,
    WriteScope,
    WriteVars,
    WriteVerdict,
    WriteWait,
)
from attune.engine.facts import Fact, Facts, VarsFact
from attune.engine.ids import AttemptId
from attune.engine.state import State
from attune.exceptions import TemplateError, task_error
from attune.expressions.templates import check_size
from attune.model.built_ins import WaitKind
from attune.model.graph import Graph, Task, TaskIndex, Transition
from attune.model.status import TaskStatus


@dataclass(frozen=True, slots=True)
class Step:
    """What a fold did, for those who watch (never stored): a visit began (``status`` None) or ended and fired these."""

    task: TaskIndex
    visit: int
    status: TaskStatus | None = None
    fired: tuple[Transition, ...] = ()


@dataclass(slots=True)
class Turn:
    """Passed through the fold's functions; ``state`` is a private copy."""

    graph: Graph
    state: State
    facts: Facts
    now: float
    _: KW_ONLY
    effects: list[Effect] = field(default_factory=list)
    writes: dict[Fact, Write] = field(default_factory=dict)
    """What to write before the save, by the fact that it makes; what is written again takes the place of the first."""
    published: VarsFact | None = None
    """The variables that this fold published last, unless a list in chunks keeps them: the next ones replace them."""
    ready: deque[AttemptId] = field(default_factory=deque)
    """Attempts to start before the fold is over."""
    steps: list[Step] = field(default_factory=list)

    @property
    def context(self) -> Context:
        """Templates see the state as it is at this point of the fold."""
        return Context(self.graph, self.state, self.facts, self.now)

    def ask(self, effect: Effect) -> None:
        """Have this sent after the save."""
        self.effects.append(effect)

    def write_vars(self, values: Mapping[str, Any]) -> None:
        """Publish variables under a new number; of several in one fold, only the last is written.

        The number is the time in milliseconds. So an invocation that lost its race writes under another number than
        the one in the winner's state. Raises TemplateError for variables of more than 50 MB together.
        """
        check_size(values, "the variables: ")
        self.state.vars_number = max(self.state.vars_number + 1, int(self.now * 1000))
        if self.published is not None:
            del self.writes[self.published]
        write = WriteVars(self.state.vars_number, values)
        self.published = write.fact
        self._write(write, values)

    def write_list(self, task: Task, visit: int, values: Sequence[Any], chunk: int | None = None) -> None:
        """What a visit goes over, or one chunk of it does."""
        self._write(WriteItems(task.name, visit, values, chunk), values)

    def write_scope(self, scope: WriteScope) -> None:
        """What the chunks of a visit have in common; the variables as they are now are kept for them, too."""
        self.writes[scope.fact] = scope
        self.published = None

    def write_verdict(self, task: Task, visit: int, error: Mapping[str, Any]) -> None:
        """The fold itself found that this visit failed."""
        self.state.verdicts |= 1 << task.index
        self._write(WriteVerdict(task.name, visit, error), error)

    def write_output(self, output: Any, error: Mapping[str, Any] | None) -> None:
        """What the execution ends with."""
        self._write(WriteOutput(output, error, len(self.state.retried)), {"output": output, "error": error})

    def write_retry(self, write: WriteRetry) -> None:
        """The execution goes on after its end."""
        self._write(write, asdict(write))

    def write_record(
        self, attempt: AttemptId, status: TaskStatus, result: Any = None, error: Mapping[str, Any] | None = None
    ) -> None:
        """How an attempt ended that no worker ran."""
        record = {"status": str(status), "result": result, "error": error}
        self._write(WriteRecord(attempt, status, result, error), record)

    def open_wait(self, wait: WriteWait) -> None:
        """Something is awaited from outside."""
        self.writes[wait.fact] = wait

    def close_wait(self, attempt: AttemptId, kind: WaitKind, reason: str) -> None:
        """Nobody waits for it any more, or it is there."""
        wait = WriteWait(attempt, kind, closed=reason)
        self.writes[wait.fact] = wait

    def _write(self, write: Write, value: Any) -> None:
        """Have this written before the save; this fold knows it from now on."""
        self.writes[write.fact] = write
        self.facts.put(write.fact, value)


def template_failure(error: TemplateError) -> dict[str, Any]:
    """A template's failure as a task's error; trying again would not mend it."""
    return task_error("template_error", error.message, retryable=False, details=error.to_dict()["details"])
