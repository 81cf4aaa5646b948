"""``attune run``: a workflow in the simulator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options, output
from attune.exceptions import AttuneError, InvalidRequest
from attune.model.status import ExecutionStatus

if TYPE_CHECKING:
    from attune.cli.simulation import Simulation

Target = Annotated[str, typer.Argument(metavar="FILE|REF", help="A workflow's file, or pack.workflow.")]
Answers = Annotated[
    list[str] | None,
    typer.Option(
        "--answer", metavar="TASK=JSON", help="The answer to what a task asks; of several, one after the other."
    ),
]


def run(
    target: Target,
    param: options.Param = None,
    params: options.ParamsFile = None,
    answer: Answers = None,
    kv: options.Values = None,
    secret: options.Secrets = None,
    packs: options.Packs = None,
    as_json: options.Json = False,
) -> None:
    """Run a workflow here, in the simulator.

    Actions really run; waiting doesn't take time: a retry delay or a sleep of hours passes at once. What the workflow
    asks people, --answer or, in a terminal, you answer. Exit status 0 if the workflow completed, else 1; Ctrl-C
    cancels it.
    """
    from attune.actions.runner import ActionRunner
    from attune.cli import parameters
    from attune.cli.answering import Answering
    from attune.cli.follow import following, print_result
    from attune.cli.project import actions_home, prepare
    from attune.cli.simulation import Simulation

    prepared = prepare(target, packs)
    base = parameters.read_file(params) if params else None
    given = parameters.parse(param or (), prepared.graph.parameters, base)
    answering = Answering(answer or (), prepared.catalog)
    values = {key: parameters.value(text, {}) for key, text in options.pairs(kv, "--kv").items()}
    secrets = options.secrets(secret)
    with actions_home(prepared.packs) as home:
        simulation = Simulation(prepared.catalog, ActionRunner(home), answering, values=values, secrets=secrets)
        simulation.start(prepared.ref, given)
        with following(simulation.now, quiet=as_json) as show:
            answering.show = show
            view = simulation.run(show)
    output.emit(view.document()) if as_json else print_result(view, simulation.now())
    if not view.status.ended:
        raise _stuck(simulation)
    raise typer.Exit(130 if simulation.interrupted else int(view.status is not ExecutionStatus.COMPLETED))


def _stuck(simulation: Simulation) -> AttuneError:
    """Why nothing happens any more although the execution has not ended."""
    asked = simulation.unanswered()
    if not asked:
        hint = "give the task a timeout, or write a test: `attune test` gives events"
        return AttuneError("the execution waits for an event from outside that does not come here", hint=hint)
    tasks = ", ".join(f"task '{row['task']}' asks: {row['prompt']}" for row in asked)
    hint = f"answer it: --answer {asked[0]['task']}=JSON, or run in a terminal; or give the task a timeout"
    return InvalidRequest(f"the execution waits for an answer: {tasks}", hint=hint)
