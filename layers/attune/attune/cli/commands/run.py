"""``attune run``: a workflow in the simulator."""

from __future__ import annotations

from typing import Annotated

import typer

from attune.cli import options, output
from attune.exceptions import AttuneError
from attune.language.status import ExecutionStatus

Target = Annotated[str, typer.Argument(metavar="FILE|REF", help="A workflow's file, or pack.workflow.")]


def run(
    target: Target,
    param: options.Param = None,
    params: options.ParamsFile = None,
    packs: options.Packs = None,
    as_json: options.Json = False,
) -> None:
    """Run a workflow here, in the simulator.

    Actions really run; waiting doesn't take time: a retry delay or a sleep of hours passes at once. Exit status 0 if
    the workflow completed, else 1; Ctrl-C cancels it.
    """
    from attune.actions.runner import ActionRunner
    from attune.cli import parameters
    from attune.cli.follow import following, print_result
    from attune.cli.project import actions_home, prepare
    from attune.cli.simulation import Simulation

    prepared = prepare(target, packs)
    base = parameters.read_file(params) if params else None
    given = parameters.parse(param or (), prepared.graph.parameters, base)
    with actions_home(prepared.packs) as home:
        simulation = Simulation(prepared.catalog, ActionRunner(home))
        simulation.start(prepared.ref, given)
        with following(simulation.now, quiet=as_json) as show:
            view = simulation.run(show)
    output.emit(view.document()) if as_json else print_result(view, simulation.now())
    if not view.status.ended:
        raise AttuneError(
            "the execution waits for something from outside that does not come here: an answer or an event",
            hint="give the task a timeout, or write a test: `attune test` gives answers and events",
        )
    if simulation.interrupted:
        raise typer.Exit(130)
    raise typer.Exit(0 if view.status is ExecutionStatus.COMPLETED else 1)
