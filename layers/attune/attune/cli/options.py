"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attune.exceptions import InvalidRequest

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
Values = Annotated[
    list[str] | None,
    typer.Option("--kv", metavar="KEY=VALUE", help="A value of the key-value store; JSON, or else text."),
]
Secrets = Annotated[
    list[str] | None,
    typer.Option("--secret", metavar="NAME=VALUE", help="A secret; [b]NAME=@FILE[/b] reads it from a file."),
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


def text_of(file: Path) -> str:
    """What is in a file, without the end of its last line; raises InvalidRequest."""
    try:
        return file.read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidRequest(f"cannot read {file}: {reason}") from None


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """``NAME=VALUE`` of an option that may come several times; raises InvalidRequest."""
    found: dict[str, str] = {}
    for pair in given or ():
        name, equals, value = pair.partition("=")
        if not equals or not name:  # what was written may be a secret: it is not repeated
            raise InvalidRequest(f"{option} needs a name and a value", hint=f"write {option} name=value")
        found[name] = value
    return found


def secrets(given: list[str] | None) -> dict[str, str]:
    """Secrets by name, ``@FILE`` read; raises InvalidRequest."""
    found = pairs(given, "--secret")
    return {name: text_of(Path(text[1:])) if text.startswith("@") else text for name, text in found.items()}
