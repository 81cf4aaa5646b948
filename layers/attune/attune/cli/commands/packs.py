"""``attune pack``: packs on a deployed stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.cli.connect import connect
from attune.exceptions import InvalidRequest

if TYPE_CHECKING:
    pass

app = typer.Typer(help="Packs on a deployed stack.", no_args_is_help=True)

Pack = Annotated[str, typer.Argument(metavar="PACK", help="The pack's ref.")]


@app.command()
def ls(url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """List the packs that are registered."""
    from attune.cli.render.tables import packs

    with connect(url, token) as client:
        found = client.packs()
    output.emit(found) if as_json else output.console().print(packs(found))


@app.command()
def sync(
    pack: Annotated[str | None, typer.Argument(metavar="PACK", help="The pack's ref.")] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every pack on the server's disk.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Register what is in a pack on the server's disk. Exit status 1 if something in it is wrong."""
    from attune.cli.render.tables import synced

    if (pack is None) != everything:
        raise InvalidRequest("name one pack, or give --all")
    with connect(url, token) as client:
        results = [client.sync(pack)] if pack else client.sync_all()
    output.emit(results) if as_json else output.console().print(synced(results))
    raise typer.Exit(1 if any(result["errors"] for result in results) else 0)


@app.command()
def validate(pack: Pack, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Check a pack on the server's disk without registering it. Exit status 1 if it has errors."""
    from attune.cli.render.tables import validated

    with connect(url, token) as client:
        result = client.validate(pack)
    output.emit(result) if as_json else output.console().print(validated(result))
    raise typer.Exit(1 if result["error_count"] else 0)
