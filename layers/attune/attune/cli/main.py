"""The ``attune`` command: its groups, and the one place where errors become sentences and exit statuses.

0: it worked; 1: the workflow failed, or what was checked is wrong; 2: wrong usage or any other error; 130: Ctrl-C.
"""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from attune import __version__
from attune.cli import options, output
from attune.cli.commands import (
    cost,
    dead_letters,
    doctor,
    executions,
    graph,
    inquiries,
    kv,
    local,
    new,
    packs,
    run,
    schema,
    test,
    tokens,
    validate,
)
from attune.exceptions import AttuneError, InvalidDefinition

WRONG, FAILED = 1, 2


class Boundary(TyperGroup):
    """Lets no error of ours, and no bug either, reach the user as a stack trace."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; raises Exit with the status that its error stands for."""
        output.forgive()
        try:
            return super().invoke(ctx)
        except AttuneError as error:
            _report(error, options.wants_json(ctx))
            raise typer.Exit(WRONG if isinstance(error, InvalidDefinition) else FAILED) from None
        except Exception as error:
            usage = hasattr(error, "exit_code")  # of typer's own errors, which it knows how to show
            if usage or isinstance(error, typer.Abort | BrokenPipeError) or ctx.params.get("debug"):
                raise
            hint = "this is a bug in attune; `attune --debug …` shows where"
            _report(AttuneError(f"{type(error).__name__}: {error}", hint=hint), options.wants_json(ctx))
            raise typer.Exit(FAILED) from None


def _report(error: AttuneError, as_json: bool) -> None:
    output.complain(error)
    if as_json:
        output.emit(error.to_dict())


app = typer.Typer(
    name="attune",
    cls=Boundary,
    help="Workflows in YAML: try them here, run them on AWS.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"attune {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where a bug in attune happens.")] = False,
) -> None:
    """Options that stand before the command; ``debug`` is read by :class:`Boundary`."""


app.command("run")(run.run)
app.command("validate")(validate.validate)
app.command("test")(test.test)
app.command("graph")(graph.graph)
app.command("cost")(cost.cost)
app.command("schema")(schema.schema)
app.command("doctor")(doctor.doctor)
app.add_typer(new.app, name="new")
app.add_typer(executions.app, name="exec")
app.add_typer(inquiries.app, name="inquiry")
app.add_typer(dead_letters.app, name="dlq")
app.add_typer(packs.app, name="pack")
app.add_typer(kv.app, name="kv")
app.add_typer(tokens.app, name="token")
app.add_typer(local.app, name="local")
