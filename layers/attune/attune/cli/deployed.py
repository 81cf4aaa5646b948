"""An execution on a deployed stack: looked at again and again until it is over."""

from __future__ import annotations

import time
from collections.abc import Callable

from attune.cli.client import Client
from attune.cli.follow import Show
from attune.cli.view import View

SHORTEST, LONGEST = 0.3, 5.0
"""Seconds between two looks: as long as a twentieth of the time that has gone by, within these bounds."""

MOST_LOOKS = 200
"""Looks for a retry that was asked for: a minute's worth."""


class Watcher:
    """Makes views of executions; sub-workflows that have ended are read once."""

    def __init__(self, client: Client, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client, self._sleep = client, sleep
        self._ended: dict[str, View] = {}

    def view(self, execution: str) -> View:
        """How it stands, sub-workflows included; raises NotFound."""
        shown = self._client.execution(execution)
        nodes = self._client.graph(execution)["nodes"]
        attempts = list(self._client.attempts(execution))
        children = sorted({row["child"] for row in attempts if row["child"]})
        return View(shown, nodes, attempts, {child: self._child(child) for child in children})

    def watch(self, execution: str, show: Show) -> View:
        """Show it until it has ended; the last view."""
        begun = time.monotonic()
        while not (view := self.view(execution)).status.ended:
            show(view)
            self._sleep(min(max(SHORTEST, (time.monotonic() - begun) / 20), LONGEST))
        show(view)
        return view

    def await_retry(self, execution: str, number: int) -> None:
        """Wait until the retry with this number, from 1, has begun."""
        for _ in range(MOST_LOOKS):
            if len(self._client.execution(execution)["retries"]) >= number:
                return
            self._sleep(SHORTEST)

    def _child(self, execution: str) -> View:
        if execution in self._ended:
            return self._ended[execution]
        view = self.view(execution)
        if view.status.ended:
            self._ended[execution] = view
        return view
