"""``attune dlq``: dead letters of a deployed stack."""

from __future__ import annotations

from typing import Annotated

import typer

from attune.cli import options, output
from attune.cli.connect import connect

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

    with connect(url, token) as client:
        page = client.dead_letters(limit=limit, cursor=cursor)
    output.page(page, dead_letters, as_json)


@app.command()
def show(dead_letter: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Show a dead letter, with what lay on the queue."""
    from attune.cli.render.doctor import dead_letter as rendered

    with connect(url, token) as client:
        found = client.dead_letter(dead_letter)
    output.emit(found) if as_json else output.console().print(rendered(found))


@app.command()
def redrive(
    dead_letter: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False
) -> None:
    """Send a dead letter again, to where it was going."""
    with connect(url, token) as client:
        sent = client.redrive(dead_letter)
    output.say(sent, f"sent again: {dead_letter}", as_json)


@app.command()
def drop(dead_letter: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Forget a dead letter. The log keeps who did it."""
    with connect(url, token) as client:
        dropped = client.drop(dead_letter)
    output.say(dropped, f"dropped: {dead_letter}", as_json)
