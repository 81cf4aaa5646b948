"""``attune graph``: a workflow as a picture."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.exceptions import InvalidRequest

if TYPE_CHECKING:
    from attune.cli.render.graph import Drawing


class Format(StrEnum):
    """How a graph is drawn."""

    TEXT = "text"
    MERMAID = "mermaid"
    SVG = "svg"


Target = Annotated[
    str | None,
    typer.Argument(metavar="FILE|REF", help="A workflow's file, or pack.workflow; not needed with --execution."),
]
Execution = Annotated[
    str | None, typer.Option("--execution", "-e", metavar="ID", help="Show where this execution stands.")
]
File = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write it to a file.")]


def graph(
    target: Target = None,
    format_: Annotated[Format | None, typer.Option("--format", "-f", help="Default: by the file's name.")] = None,
    execution: Execution = None,
    file: File = None,
    packs: options.Packs = None,
    url: options.Url = None,
    token: options.Token = None,
) -> None:
    """Draw a workflow, or where an execution of it stands: in the terminal, as Mermaid or as SVG."""
    if (target is None) == (execution is None):
        raise InvalidRequest("name a workflow, or an execution with --execution")
    drawing = _of_execution(execution, url, token) if execution else _of_workflow(target or "", packs)
    chosen = format_ or _BY_SUFFIX.get(file.suffix if file else "", Format.TEXT)
    if chosen is Format.TEXT and file is None:
        from attune.cli.render.graph import text

        output.console().print(text(drawing), soft_wrap=True)
        return
    document = _WRITERS[chosen](drawing)
    if file is None:
        typer.echo(document, nl=False)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(document, encoding="utf-8")


def _of_workflow(target: str, packs: list[Path] | None) -> Drawing:
    from attune.cli.project import prepare
    from attune.cli.render.graph import Drawing
    from attune.execution.answers import to_json
    from attune.execution.graph_view import nodes_and_edges

    prepared = prepare(target, packs)
    return Drawing(prepared.ref, **to_json(nodes_and_edges(prepared.graph)))


def _of_execution(execution: str, url: str | None, token: str | None) -> Drawing:
    from attune.cli.client import Client
    from attune.cli.connection import connection
    from attune.cli.render.graph import Drawing
    from attune.cli.render.words import words

    with Client(connection(url, token, Path.cwd())) as client:
        found, drawn = client.execution(execution), client.graph(execution)
    title = f"{found['workflow']} · {words(found['status'])} · {execution}"
    return Drawing(title, drawn["nodes"], drawn["edges"], shows_status=True)


def _plain(drawing: Drawing) -> str:
    from rich.console import Console

    from attune.cli.render.graph import text

    console = Console(width=output.WIDE, no_color=True, highlight=False)
    with console.capture() as capture:
        console.print(text(drawing), soft_wrap=True)
    return capture.get()


def _mermaid(drawing: Drawing) -> str:
    from attune.cli.render.graph import mermaid

    return mermaid(drawing)


def _svg(drawing: Drawing) -> str:
    from attune.cli.render.graph_svg import svg

    return svg(drawing)


_WRITERS: dict[Format, Callable[[Drawing], str]] = {Format.TEXT: _plain, Format.MERMAID: _mermaid, Format.SVG: _svg}
_BY_SUFFIX = {".svg": Format.SVG, ".mmd": Format.MERMAID, ".mermaid": Format.MERMAID}
