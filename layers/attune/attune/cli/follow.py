"""Showing an execution while it runs: a live tree in a terminal, lines elsewhere, nothing with ``--json``."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from attune.cli.output import console
from attune.cli.view import View

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

Show = Callable[[View], None]
Now = Callable[[], float]
"""The time in which the execution lives, epoch seconds: real, or virtual."""

FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
FRAMES_PER_SECOND = 8


def nothing(view: View) -> None:
    """Show nothing."""


@contextmanager
def following(now: Now, *, quiet: bool = False) -> Iterator[Show]:
    """Yields what to call with every new view of the execution."""
    out = console()
    if quiet:
        yield nothing
    elif out.is_terminal:
        with _live(out, now) as show:
            yield show
    else:
        yield _Lines(out, now)


def held(show: Show) -> AbstractContextManager[None]:
    """While it lasts, nothing is drawn: somebody is asked something."""
    return show.held() if isinstance(show, _Live) else nullcontext()


def print_result(view: View, now: float) -> None:
    """Print how it ended: status, errors, output and timeline."""
    from attune.cli.render.result import result

    out = console()
    out.print(result(view, now, out.width), soft_wrap=True)


@contextmanager
def _live(out: Console, now: Now) -> Iterator[Show]:
    from rich.live import Live
    from rich.text import Text

    from attune.cli.render.tree import tree

    shown: list[View] = []

    def draw() -> RenderableType:
        frame = FRAMES[int(time.monotonic() * FRAMES_PER_SECOND) % len(FRAMES)]
        return tree(shown[-1], now(), frame) if shown else Text("")

    with Live(get_renderable=draw, console=out, refresh_per_second=FRAMES_PER_SECOND) as live:
        yield _Live(live, shown)


class _Live:
    """Draws the latest view, but while it is held."""

    def __init__(self, live: Live, shown: list[View]) -> None:
        self._live, self._shown = live, shown

    def __call__(self, view: View) -> None:
        self._shown[:] = [view]

    @contextmanager
    def held(self) -> Iterator[None]:
        self._live.stop()
        try:
            yield
        finally:
            self._live.start(refresh=True)


class _Lines:
    """A line per task that has ended, each once."""

    def __init__(self, out: Console, now: Now) -> None:
        self._out, self._now = out, now
        self._said: set[tuple[str, str, int]] = set()

    def __call__(self, view: View) -> None:
        from attune.cli.render.lines import ended_lines

        for key, line in ended_lines(view, self._now()):
            if key not in self._said:
                self._said.add(key)
                self._out.print(line, markup=False, soft_wrap=True)
