"""What goes to the terminal: one JSON document, or text for people."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any

import typer

from attune.exceptions import AttuneError, InvalidDefinition, InvalidParameters

if TYPE_CHECKING:
    from rich.console import Console


def forgive() -> None:
    """Let a terminal whose encoding lacks a character show a question mark for it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def emit(document: Any) -> None:
    """Write one JSON document to standard output."""
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))


def say(document: Any, text: str, as_json: bool) -> None:
    """Write what was done: as JSON, or in words."""
    emit(document) if as_json else typer.echo(text)


WIDE = 160
"""Columns of what is no terminal: wide enough for tables to keep their words whole."""


def console(*, stderr: bool = False) -> Console:
    """Where text goes; colour only where it is a terminal.

    It holds on to the stream that there is now: while an action's module is imported, ``sys.stdout`` is another one.
    """
    from rich.console import Console

    out = Console(file=sys.stderr if stderr else sys.stdout, highlight=False)
    if not out.is_terminal:
        out.width = WIDE
    return out


def page(found: Mapping[str, Any], draw: Callable[[Any], Any], as_json: bool) -> None:
    """Write a page of a listing: as JSON, or its rows as ``draw`` gives them and how to go on."""
    if as_json:
        emit(found)
        return
    console().print(draw(found["items"]))
    if found["cursor"]:
        console(stderr=True).print(f"more: --cursor {found['cursor']}", style="dim", soft_wrap=True)


def complain(error: AttuneError) -> None:
    """Write an error to standard error: a sentence, what belongs to it, and the hint."""
    from rich.text import Text

    out = console(stderr=True)
    if isinstance(error, InvalidDefinition):
        for problem in error.problems:
            out.print(Text(str(problem)), soft_wrap=True)
        return
    out.print(Text.assemble(("error: ", "bold red"), error.message), soft_wrap=True)
    if isinstance(error, InvalidParameters) and len(error.errors) > 1:
        for mismatch in error.errors:
            out.print(Text(f"  {mismatch.get('path')}: {mismatch.get('message')}"), soft_wrap=True)
    if error.hint:
        out.print(Text.assemble(("hint: ", "bold cyan"), error.hint), soft_wrap=True)
