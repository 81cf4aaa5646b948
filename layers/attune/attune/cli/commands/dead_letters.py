"""``attune dlq``: dead letters of a deployed stack."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output

if TYPE_CHECKING:
    from attune.cli.client import Client

app = typer.Typer(help="Dead letters: messages that nobody could handle.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The dead letter's id.")]


@app.command()
def ls(
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the last page ended.")] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List dead letters, newest first."""
    from attune.cli.render.doctor import dead_letters

    with _client(url, token) as client:
        page = client.dead_letters(limit=limit, cursor=cursor)
    if as_json:
        output.emit(page)
        return
    output.console().print(dead_letters(page["items"]))
    if page["cursor"]:
        output.console(stderr=True).print(f"more: --cursor {page['cursor']}", style="dim", soft_wrap=True)


@app.command()
def show(letter: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Show a dead letter, with what lay on the queue."""
    from attune.cli.render.doctor import dead_letter

    with _client(url, token) as client:
        found = client.dead_letter(letter)
    output.emit(found) if as_json else output.console().print(dead_letter(found))


@app.command()
def redrive(letter: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Send a dead letter again, to where it was going."""
    with _client(url, token) as client:
        sent = client.redrive(letter)
    output.emit(sent) if as_json else typer.echo(f"sent again: {letter}")


@app.command()
def drop(letter: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Forget a dead letter. The log keeps who did it."""
    with _client(url, token) as client:
        dropped = client.drop(letter)
    output.emit(dropped) if as_json else typer.echo(f"dropped: {letter}")


def _client(url: str | None, token: str | None) -> Client:
    from attune.cli.client import Client
    from attune.cli.connection import connection

    return Client(connection(url, token, Path.cwd()))
