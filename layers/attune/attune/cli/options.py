"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_JSON = "attune.json"


def _remember(context: typer.Context, value: bool) -> bool:
    context.meta[_JSON] = value
    return value


def wants_json(context: typer.Context) -> bool:
    """Whether ``--json`` was given: errors are a document then, too."""
    return bool(context.meta.get(_JSON))


Json = Annotated[bool, typer.Option("--json", help="Print one JSON document, and nothing else.", callback=_remember)]
Param = Annotated[
    list[str] | None,
    typer.Option("--param", "-p", metavar="KEY=VALUE", help="A parameter; KEY may be a path: [b]-p a.b=1[/b]."),
]
ParamsFile = Annotated[
    Path | None, typer.Option("--params", metavar="FILE", help="Parameters from a JSON or YAML file; -p goes over it.")
]
Packs = Annotated[
    list[Path] | None,
    typer.Option(
        "--packs",
        metavar="DIR",
        envvar="ATTUNE__PACKS_BASE_DIR",
        help="Where the packs are [dim](default: ./packs, or the packs folder above the file)[/dim].",
    ),
]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="ATTUNE_URL", help="The stack's API [dim](default: .attune/connection.json)[/dim]."),
]
Token = Annotated[str | None, typer.Option("--token", envvar="ATTUNE_TOKEN", help="A bearer token for it.")]
