"""``attune kv``: values and secrets of a deployed stack."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attune.cli import options, output
from attune.cli.connect import connect
from attune.exceptions import InvalidRequest

if TYPE_CHECKING:
    pass

app = typer.Typer(help="Configuration values and secrets of a deployed stack.", no_args_is_help=True)

Key = Annotated[str, typer.Argument(metavar="KEY", help="Its name, such as pack.setting.")]
IsSecret = Annotated[bool, typer.Option("--secret", help="A secret: it can be set and removed, never read.")]


@app.command(name="get")
def get(key: Key, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Print a value: text as it is, all else as JSON."""
    with connect(url, token) as client:
        found = client.value(key)
    value = found["value"]
    if as_json:
        output.emit(found)
    else:
        typer.echo(value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False))


@app.command(name="set")
def set_(
    key: Key,
    value: Annotated[str | None, typer.Argument(metavar="VALUE", help="JSON, or else text; without it: stdin.")] = None,
    file: Annotated[Path | None, typer.Option("--file", "-f", metavar="FILE", help="Read it from a file.")] = None,
    as_text: Annotated[bool, typer.Option("--text", help="Take it as text, also if it is JSON.")] = False,
    secret: IsSecret = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Set a value, or with --secret a secret, from the argument, a file or standard input.

    A secret is text. Give it by a file or by standard input: arguments end up in the shell's history.
    """
    text = _given(value, file, is_secret=secret)
    with connect(url, token) as client:
        answer = client.put_secret(key, text) if secret else client.put_value(key, text if as_text else _parsed(text))
    output.say(
        answer, f"{'secret' if secret else 'value'} {'created' if answer['created'] else 'changed'}: {key}", as_json
    )


@app.command()
def ls(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="Only keys that begin so.")] = "",
    secret: IsSecret = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List the keys, or with --secret the names of the secrets."""
    with connect(url, token) as client:
        found = sorted(name for name in client.names("secrets" if secret else "kv", prefix) if name.startswith(prefix))
    if as_json:
        output.emit(found)
    else:
        for name in found:
            typer.echo(name)


@app.command()
def rm(
    key: Key,
    secret: IsSecret = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Remove a value, or with --secret a secret, for good."""
    with connect(url, token) as client:
        answer = client.remove("secrets" if secret else "kv", key)
    output.say(answer, f"removed: {key}", as_json)


def _given(value: str | None, file: Path | None, *, is_secret: bool) -> str:
    if value is not None and file is not None:
        raise InvalidRequest("give either a value or --file, not both")
    if file is not None:
        return options.text_of(file)
    if value is not None and value != "-":
        return value
    if sys.stdin.isatty():
        return str(typer.prompt("Value", hide_input=is_secret, err=True))
    return sys.stdin.read().removesuffix("\n")


def _parsed(text: str) -> Any:
    from attune.cli import parameters

    return parameters.value(text, {})
