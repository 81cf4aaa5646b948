"""``attune inquiry``: what workflows on a deployed stack ask people."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from attune.cli import options, output
from attune.cli.connect import connect
from attune.exceptions import InvalidRequest

if TYPE_CHECKING:
    from attune.cli.client import Client

app = typer.Typer(help="What workflows on a deployed stack ask people.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The inquiry's id.")]


@app.command()
def ls(
    assignee: Annotated[str | None, typer.Option(metavar="NAME", help="Only those that ask them by name.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the last page ended.")] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List open inquiries, those of the newest executions first."""
    from attune.cli.render.tables import inquiries

    with connect(url, token) as client:
        page = client.inquiries(assignee=assignee, limit=limit, cursor=cursor)
    output.page(page, inquiries, as_json)


@app.command()
def show(inquiry: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Show one inquiry, open or closed."""
    from attune.cli.render.tables import inquiry_details

    with connect(url, token) as client:
        found = client.inquiry(inquiry)
    output.emit(found) if as_json else output.console().print(inquiry_details(found))


@app.command()
def answer(
    inquiry: Id,
    response: Annotated[str | None, typer.Option("--response", metavar="JSON", help="The whole answer.")] = None,
    value: Annotated[
        list[str] | None, typer.Option("-r", metavar="NAME=VALUE", help="A value of the answer; a path: -r a.b=1.")
    ] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Answer an inquiry. In a terminal, without an answer, it is asked for."""
    with connect(url, token) as client:
        given = _response(client, inquiry, response, value or [])
        done = client.answer(inquiry, given)
    output.say(done, f"answered: {inquiry}", as_json)


def _response(client: Client, inquiry: str, response: str | None, pairs: list[str]) -> Any:
    """What is given, or what somebody says; what the stack can judge as well is left to it."""
    from attune.cli import asking, parameters

    if response is not None and pairs:
        raise InvalidRequest("give --response or -r, not both")
    if response is not None:
        return asking.of_json(response)
    if not pairs and not asking.at_terminal():
        raise InvalidRequest("there is no answer", hint="give --response JSON, or -r name=value")
    found = client.inquiry(inquiry)
    asking.check_open(found)
    if pairs:
        return parameters.parse(pairs, found["schema"] or {})
    asking.say(asking.question(found))
    return asking.ask(found["schema"])
