"""``attune new``: files to begin with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from attune.cli import options

if TYPE_CHECKING:
    from attune.cli.scaffold import Draft

app = typer.Typer(help="Write files to begin with.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name, without the pack.")]
InPack = Annotated[
    str | None, typer.Option("--pack", metavar="PACK", help="The pack [dim](default: the only one there is)[/dim].")
]


@app.command()
def pack(name: Name, packs: options.Packs = None) -> None:
    """A pack with an action, a workflow, a rule (not enabled) and tests."""
    from attune.cli import scaffold

    _write(scaffold.new_pack(_base(packs), name))
    typer.echo(f"try: attune test {_base(packs) / name}   attune run {name}.hello -p who=you")


@app.command()
def workflow(name: Name, pack_name: InPack = None, packs: options.Packs = None) -> None:
    """A workflow and a test of it."""
    from attune.cli import scaffold

    base = _existing(packs)
    _write(scaffold.new_workflow(base, pack_name or scaffold.only_pack(base), name))


@app.command()
def action(name: Name, pack_name: InPack = None, packs: options.Packs = None) -> None:
    """An action in Python and a test of it."""
    from attune.cli import scaffold

    base = _existing(packs)
    _write(scaffold.new_action(base, pack_name or scaffold.only_pack(base), name))


@app.command()
def rule(
    name: Name,
    pack_name: InPack = None,
    start: Annotated[
        str | None,
        typer.Option("--workflow", metavar="REF", help="What it starts [dim](default: the pack's first)[/dim]."),
    ] = None,
    packs: options.Packs = None,
) -> None:
    """A rule, not enabled, that starts a workflow every night."""
    from attune.cli import scaffold

    base = _existing(packs)
    _write(scaffold.new_rule(base, pack_name or scaffold.only_pack(base), name, start))


def _base(packs: Sequence[Path] | None) -> Path:
    """The folder of packs, which may still have to be made."""
    return packs[0] if packs else Path("packs")


def _existing(packs: Sequence[Path] | None) -> Path:
    from attune.exceptions import InvalidRequest

    base = _base(packs)
    if not base.is_dir():
        raise InvalidRequest(
            f"there is no folder {base}", hint="`attune new pack NAME` makes it, or name it: --packs DIR"
        )
    return base


def _write(drafts: Sequence[Draft]) -> None:
    from attune.cli import scaffold

    for path in scaffold.write(drafts):
        typer.echo(str(path))
