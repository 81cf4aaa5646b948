"""Executions that did not complete, and how they are asked to go on."""

from __future__ import annotations

from typing import Any

from attune.model.status import ExecutionStatus

COMPLETED, FAILED = ExecutionStatus.COMPLETED, ExecutionStatus.FAILED


def broken(world: Any, text: str, fail: Any, *names: str, takes: Any = None, **script: Any) -> Any:
    """A world in which these tasks fail."""
    return world(text, script=dict.fromkeys(names, fail()) | script, takes=takes)


def mend(w: Any) -> None:
    """From now on nothing fails, and what has run so far is forgotten."""
    w.runner.script.clear()
    w.runner.ran.clear()


def ran(w: Any) -> list[tuple[str, int, int | None, int]]:
    """The attempts that ran: task, visit, item, number."""
    return [(a.task, a.visit, a.index, a.number) for a in w.runner.ran]


def run_for(w: Any, seconds: float) -> None:
    """Run for so long; a simulated worker has moved the clock to the end of what it does."""
    until = w.clock.now() + seconds
    w.run(until=until)
    w.clock.set(until)


def again(w: Any, execution: str, *names: str, **more: Any) -> Any:
    """Mend, retry, run to the end."""
    mend(w)
    w.retry(execution, *names, **more)
    w.run()
    return w.ended(execution)


CHAIN = """
tasks:
  - {name: a, action: t.do, on_success: b}
  - {name: b, action: t.do, on_success: c}
  - {name: c, action: t.do}
"""
