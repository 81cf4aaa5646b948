"""Progress in the terminal: which step is running and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as Bar
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

Update = Callable[[str], None]


class Progress:
    """One line per step: a spinner with the seconds while it runs, then a tick and how long it took.

    Without a terminal each step is said when it starts and when it has ended.
    """

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(stderr=True, highlight=False)

    @contextmanager
    def step(self, title: str) -> Iterator[Update]:
        """Run a step; call what it yields to say what is being done within it."""
        started = time.monotonic()
        mark = "[red]✗[/red]"
        try:
            with self._running(title) as update:
                yield update
            mark = "[green]✓[/green]"
        finally:
            self.console.print(f"{mark} {title} [dim]({time.monotonic() - started:.1f} s)[/dim]")

    @contextmanager
    def _running(self, title: str) -> Iterator[Update]:
        if not self.console.is_terminal:
            self.console.print(f"  {title} …")
            yield lambda _detail: None
            return
        columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
        with Bar(*columns, console=self.console, transient=True) as bar:
            task = bar.add_task(title)
            yield lambda detail: bar.update(task, description=f"{title} [dim]{detail}[/dim]")
