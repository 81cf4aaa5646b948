"""``attune doctor``: why an execution is where it is, and whether the stack is well."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.cli.connect import connect
from attune.exceptions import InvalidRequest

if TYPE_CHECKING:
    from attune.cli.client import Client


def doctor(
    execution: Annotated[
        str | None, typer.Argument(metavar="EXECUTION", help="Its id; without one, the stack is looked at.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Send again what was lost.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Say in a sentence why an execution is where it is; or whether the stack is well.

    Exit status 1 if something was lost and is not mended, or if the stack is not well.
    """
    if execution is None and fix:
        raise InvalidRequest("--fix needs an execution", hint="sweep mends all of them every few minutes")
    with connect(url, token) as client:
        ill = _checkup(client, as_json) if execution is None else _look(client, execution, fix, as_json)
    raise typer.Exit(1 if ill else 0)


def _look(client: Client, execution: str, fix: bool, as_json: bool) -> bool:
    from attune.cli.render.doctor import diagnosis

    found = client.repair(execution) if fix else client.diagnosis(execution)
    output.emit(found) if as_json else output.console().print(diagnosis(found))
    return not fix and any(finding["repairable"] for finding in found["findings"])


def _checkup(client: Client, as_json: bool) -> bool:
    from attune.cli.render.doctor import checkup

    found = client.checkup()
    output.emit(found) if as_json else output.console().print(checkup(found))
    return not found["ok"]
