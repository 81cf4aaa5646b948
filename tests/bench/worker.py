"""``run_task`` in a process of its own, as large as it is on Lambda: what a fork costs depends on the forker's size.

Reads ``{"event", "shift"}`` a line and answers a line: the handler's ``answer``, its ``cpu`` seconds, the ``usage`` of
what is billed and the ``sent`` batches. :class:`Remote` is the other end.
"""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from typing import Any

from tests.bench.books import Books, ShiftedClock

NAME = "run_task"


class Remote:
    """The process; it sees the environment that this one has now."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.bench.worker"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __call__(self, event: dict[str, Any], shift: float) -> dict[str, Any]:
        """Have it handle an event."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps({"event": event, "shift": shift}) + "\n")
        self._process.stdin.flush()
        return dict(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        """End it."""
        self._process.communicate()


def main() -> None:
    """Serve until the input ends."""
    from attune.execution import worker
    from attune.wiring import process
    from tests.integration.stack import Context, function

    answers, sys.stdout = sys.stdout, sys.stderr
    clock, books, sent = ShiftedClock(), Books(), list[Any]()
    process.clock.now = clock.now  # type: ignore[method-assign]
    worker.REPORT_EVERY = 60.0  # a busy machine must not look like slow actions, whose ends are reported one by one
    app = function(NAME)
    logging.getLogger().setLevel(logging.INFO)  # as Lambda does, by template.yaml's ApplicationLogLevel
    books.attach()
    process.client("sqs").meta.events.register(
        "provide-client-params.sqs.SendMessageBatch", lambda params, **_: sent.append(params)
    )
    for number, line in enumerate(sys.stdin):
        asked = json.loads(line)
        clock.shift = asked["shift"]
        with books.running(NAME):
            answer = app.handler(asked["event"], Context(number))
        ((taken,),) = books.times.values()
        row = {"answer": answer, "cpu": taken, "usage": books.units.usage, "sent": sent}
        answers.write(json.dumps(row) + "\n")
        answers.flush()
        books.reset()
        sent.clear()


if __name__ == "__main__":
    main()
