"""Answers to what a workflow asks in ``attune run``: those given with ``--answer``, then whoever sits there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from attune.adapters.memory.catalog import MemoryCatalog
from attune.cli import asking
from attune.cli.follow import Show, held, nothing
from attune.cli.simulation import UNANSWERED, Asked
from attune.exceptions import InvalidRequest
from attune.expressions.values import nearest


class Answering:
    """Answers a task's inquiries with its texts, one after the other; the last text answers all further ones.

    Raises InvalidRequest for a text that is not ``task=answer``, and for a task that no workflow has.
    """

    def __init__(self, pairs: Sequence[str], catalog: MemoryCatalog) -> None:
        self.show: Show = nothing
        self._given: dict[str, list[str]] = {}
        tasks = {task.name for version in catalog.workflows() for task in version.graph.tasks}
        for pair in pairs:
            task, equals, text = pair.partition("=")
            if not equals:
                raise InvalidRequest(f"'{pair}' is no answer", hint="write --answer task=JSON")
            if task not in tasks:
                raise InvalidRequest(f"there is no task '{task}' to answer", hint=nearest(task, sorted(tasks)))
            self._given.setdefault(task, []).append(text)

    def __call__(self, asked: Asked) -> Any:
        """The answer, or UNANSWERED; raises InvalidParameters if the one given does not fit."""
        texts = self._given.get(asked["task"])
        if texts:
            return asking.of_text(texts[0] if len(texts) == 1 else texts.pop(0), asked["schema"])
        return self._from_terminal(asked) if asking.at_terminal() else UNANSWERED

    def _from_terminal(self, asked: Asked) -> Any:
        with held(self.show):
            asking.say(asking.question(asked))
            try:
                return asking.ask(asked["schema"])
            except typer.Abort:
                raise KeyboardInterrupt from None
