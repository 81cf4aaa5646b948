"""``attune exec``: executions on a deployed stack."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.cli.connect import connect
from attune.model.status import ExecutionStatus

if TYPE_CHECKING:
    from attune.cli.client import Client
    from attune.cli.view import View

app = typer.Typer(help="Executions on a deployed stack.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The execution's id.")]
Ref = Annotated[str, typer.Argument(metavar="REF", help="A workflow: pack.name.")]
Reason = Annotated[str | None, typer.Option("--reason", help="Goes into the execution's record.")]


@app.command()
def start(
    ref: Ref,
    param: options.Param = None,
    params: options.ParamsFile = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key starts the same execution once.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it to its end.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Start a workflow. With --watch the exit status says how it ended."""
    from attune.cli import parameters

    base = parameters.read_file(params) if params else None
    with connect(url, token) as client:
        schema = client.workflow(ref)["parameters"] if param else None
        given = parameters.parse(param or (), schema, base)
        started = client.start(ref, given, idempotency_key)
        if watch:
            _watch(client, started["id"], as_json)
    word = "had been started" if started["existing"] else "started"
    output.say(started, f"{word}: {started['id']}", as_json)


@app.command()
def ls(
    status: Annotated[ExecutionStatus | None, typer.Option(help="Only these.")] = None,
    workflow: Annotated[str | None, typer.Option(metavar="REF", help="Only this workflow's.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many.")] = 20,
    cursor: Annotated[str | None, typer.Option(help="Where the last page ended.")] = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """List executions, newest first."""
    from attune.cli.render.tables import executions

    with connect(url, token) as client:
        page = client.executions(status=status, workflow=workflow, limit=limit, cursor=cursor)
    output.page(page, lambda rows: executions(rows, output.console().width), as_json)


@app.command()
def get(
    execution: Id,
    tasks: Annotated[bool, typer.Option("--tasks", help="Its tasks, too.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Show one execution."""
    from attune.cli.deployed import Watcher
    from attune.cli.follow import print_result
    from attune.cli.render.tables import details
    from attune.cli.render.tree import tree

    with connect(url, token) as client:
        if not tasks:
            found = client.execution(execution)
            output.emit(found) if as_json else output.console().print(details(found))
            return
        view = Watcher(client).view(execution)
    if as_json:
        output.emit(view.document())
    else:
        out = output.console()
        out.print(tree(view, time.time()))
        print_result(view, time.time())


@app.command()
def watch(execution: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Follow an execution to its end. Exit status 0 if it completed, else 1."""
    with connect(url, token) as client:
        _watch(client, execution, as_json)


@app.command()
def cancel(
    execution: Id,
    reason: Reason = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Stop an execution at once."""
    _control("cancel", execution, reason, url, token, as_json)


@app.command()
def pause(
    execution: Id,
    reason: Reason = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Start nothing new in an execution; what runs may finish."""
    _control("pause", execution, reason, url, token, as_json)


@app.command()
def resume(execution: Id, url: options.Url = None, token: options.Token = None, as_json: options.Json = False) -> None:
    """Let a paused execution go on."""
    _control("resume", execution, None, url, token, as_json)


@app.command()
def retry(
    execution: Id,
    from_: Annotated[
        list[str] | None, typer.Option("--from", metavar="TASK", help="Go on from this task; may be repeated.")
    ] = None,
    version: Annotated[
        str | None, typer.Option(metavar="N|latest", help="Go on in this version of the workflow.")
    ] = None,
    param: options.Param = None,
    params: options.ParamsFile = None,
    idempotency_key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The same key retries the execution once.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Follow it to its end.")] = False,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Let an execution that did not complete go on from what failed. With --watch the exit status says how it ended."""
    from attune.cli import parameters
    from attune.cli.deployed import Watcher

    base, wanted = parameters.read_file(params) if params else None, _version(version)
    with connect(url, token) as client:
        schema = client.workflow(client.execution(execution)["workflow"])["parameters"] if param else None
        given = parameters.parse(param or (), schema, base)
        more = {"workflow_version": wanted, "parameters": given, "idempotency_key": idempotency_key}
        answer = client.retry(execution, **{"from": from_}, **more)
        if watch:
            Watcher(client).await_retry(execution, answer["retry"])
            _watch(client, execution, as_json)
    output.say(answer, f"retry requested: {execution}", as_json)


def _version(text: str | None) -> int | str | None:
    if text is None or text == "latest":
        return text
    if not text.isdecimal() or int(text) < 1:
        raise typer.BadParameter(f"'{text}' is neither a number nor 'latest'", param_hint="--version")
    return int(text)


def _control(what: str, execution: str, reason: str | None, url: str | None, token: str | None, as_json: bool) -> None:
    with connect(url, token) as client:
        answer = client.control(execution, what, reason)
    output.say(answer, f"{what} requested: {execution}", as_json)


def _watch(client: Client, execution: str, as_json: bool) -> None:
    """Follow it, print how it ended, and exit with the status that says so."""
    raise typer.Exit(0 if watched(client, execution, as_json).status is ExecutionStatus.COMPLETED else 1)


def watched(client: Client, execution: str, as_json: bool) -> View:
    """Follow an execution in the terminal, print how it ended; Ctrl-C ends the watching only."""
    from attune.cli.deployed import Watcher
    from attune.cli.follow import following, print_result

    try:
        with following(time.time, quiet=as_json) as show:
            view = Watcher(client).watch(execution, show)
    except KeyboardInterrupt:
        output.console(stderr=True).print(f"it goes on: attune exec watch {execution}", soft_wrap=True)
        raise typer.Exit(130) from None
    if as_json:
        output.emit(view.document())
    else:
        print_result(view, time.time())
    return view
