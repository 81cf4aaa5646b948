"""``attune local``: the local cloud, and the first run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.model.status import ExecutionStatus

if TYPE_CHECKING:
    from attune.cli.local import LocalCloud, Progress

app = typer.Typer(help="The local cloud: AWS on this machine, with the stack deployed to it.", no_args_is_help=True)

Port = Annotated[int, typer.Option(envvar="ATTUNE_LOCAL_PORT", help="The local cloud's port.", min=1, max=65535)]
PORT = 4577


@app.command()
def run(
    port: Port = PORT,
    workflow: Annotated[str, typer.Option(metavar="REF", help="The workflow to run.")] = "examples.import_orders",
    params: options.ParamsFile = None,
    as_json: options.Json = False,
) -> None:
    """Start the local cloud, deploy the stack, and run a workflow on it.

    Exit status 0 if the workflow completed. The cloud stays up; a second run uses it as it is.
    """
    from attune.cli import first_run, parameters
    from attune.cli.client import Client
    from attune.cli.commands.executions import watched
    from attune.cli.local import Progress

    given = parameters.read_file(params) if params else {}
    progress = Progress()
    cloud = _cloud(port, progress)
    outputs, made = first_run.bring_up(cloud, progress)
    with first_run.sample_input(cloud, outputs, workflow) as sample, Client(made) as client:
        started = client.start(workflow, {**sample, **given})
        view = watched(client, started["id"], as_json)
    if not as_json:
        out = output.console()
        out.print()
        out.rule("[bold]where to go next[/bold]", align="left")
        out.print(first_run.where_next(made, cloud.project_dir), soft_wrap=True)
    raise typer.Exit(0 if view.status is ExecutionStatus.COMPLETED else 1)


@app.command()
def stop(port: Port = PORT, as_json: options.Json = False) -> None:
    """Stop the local cloud, gently: it saves its state first."""
    stopped = _cloud(port).stop()
    text = "the local cloud has stopped; what is in it is kept" if stopped else "the local cloud was not running"
    output.emit({"stopped": stopped}) if as_json else typer.echo(text)


@app.command()
def status(port: Port = PORT, as_json: options.Json = False) -> None:
    """Say whether the local cloud runs, and what is deployed to it. Exit status 1 if it doesn't run."""
    from attune.cli.local.errors import CloudNotRunning

    cloud = _cloud(port)
    now = cloud.status()
    try:
        outputs = cloud.outputs().to_dict()
    except CloudNotRunning:
        outputs = {}
    shown = {"running": now.running, "pid": now.pid, "endpoint": now.endpoint, "log": str(now.log), "outputs": outputs}
    if as_json:
        output.emit(shown)
    elif now.running:
        typer.echo(f"running on {now.endpoint} (process {now.pid}); its log is {now.log}")
        typer.echo(f"the stack's API: {outputs['api_url']}/api/v1" if outputs else "nothing is deployed to it")
    else:
        typer.echo("not running")
    raise typer.Exit(0 if now.running else 1)


@app.command()
def logs(
    port: Port = PORT,
    lines: Annotated[int, typer.Option("--lines", "-n", min=1, help="How many of the last.")] = 50,
    cloud: Annotated[bool, typer.Option("--cloud", help="The log of the local cloud itself.")] = False,
    as_json: options.Json = False,
) -> None:
    """Show what the stack's functions have logged in the last day, actions' output included."""
    from attune.cli.logs import cloud_lines, function_lines

    found = (cloud_lines if cloud else function_lines)(_cloud(port), lines)
    if as_json:
        output.emit(found)
    else:
        typer.echo("\n".join(found) or "nothing has been logged")


def _cloud(port: int, progress: Progress | None = None) -> LocalCloud:
    from attune.cli.first_run import project_dir
    from attune.cli.local import LocalCloud

    return LocalCloud(project_dir(Path.cwd()), port=port, progress=progress)
