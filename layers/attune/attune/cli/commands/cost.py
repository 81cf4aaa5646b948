"""``attune cost``: what an execution has cost on AWS, or what a workflow will."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.exceptions import InvalidRequest

if TYPE_CHECKING:
    from attune.cli.view import View

Execution = Annotated[
    str | None, typer.Argument(metavar="EXECUTION", help="The id of an execution on a deployed stack.")
]
Estimate = Annotated[
    str | None,
    typer.Option(
        "--estimate",
        metavar="FILE|REF",
        help="Simulate this workflow instead; no action runs, each succeeds with a result of its declared form.",
    ),
]
Run = Annotated[
    bool, typer.Option("--run", help="With --estimate: really run the actions, here, with all that they do.")
]


def cost(
    execution: Execution = None,
    estimate: Estimate = None,
    run: Run = False,
    param: options.Param = None,
    params: options.ParamsFile = None,
    packs: options.Packs = None,
    url: options.Url = None,
    token: options.Token = None,
    as_json: options.Json = False,
) -> None:
    """Say what an execution has cost, or with --estimate what one of a workflow will cost.

    An estimate by list prices, from the execution's attempts and saves. With --estimate no action runs, unless --run
    is given: each succeeds with an empty result, or one of the form that its output schema asks for.
    """
    if (execution is None) == (estimate is None):
        raise InvalidRequest("give either an execution or --estimate", hint="attune cost --estimate FILE -p name=value")
    view = _simulated(estimate, param, params, packs, run=run) if estimate else _deployed(str(execution), url, token)
    _show(view, as_json)


def _simulated(
    target: str, param: options.Param, params: options.ParamsFile, packs: options.Packs, *, run: bool
) -> View:
    from attune.actions.runner import ActionRunner
    from attune.cli import parameters
    from attune.cli.follow import nothing
    from attune.cli.project import actions_home, prepare
    from attune.cli.simulation import Simulation
    from attune.testing.blank import BlankRunner

    prepared = prepare(target, packs)
    base = parameters.read_file(params) if params else None
    given = parameters.parse(param or (), prepared.graph.parameters, base)
    with actions_home(prepared.packs) as home:
        simulation = Simulation(prepared.catalog, ActionRunner(home) if run else BlankRunner())
        simulation.start(prepared.ref, given)
        return simulation.run(nothing)


def _deployed(execution: str, url: str | None, token: str | None) -> View:
    from attune.cli.client import Client
    from attune.cli.connection import connection
    from attune.cli.deployed import Watcher

    with Client(connection(url, token, Path.cwd())) as client:
        return Watcher(client).view(execution)


def _show(view: View, as_json: bool) -> None:
    from attune.cli.render.cost import document, table
    from attune.cli.shape import shape_of
    from attune.cost.estimate import estimate

    shape = shape_of(view)
    usage = estimate(shape)
    if as_json:
        output.emit({"execution": view.execution["id"], **document(usage, shape)})
        return
    output.console().print(table(usage, shape))
