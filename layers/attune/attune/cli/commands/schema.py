"""``attune schema``: JSON Schemas of our files, for editors."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from attune.cli import options, output

if TYPE_CHECKING:
    from attune.model.action import ActionSpec


class Kind(StrEnum):
    """Kinds of files."""

    WORKFLOW = "workflow"
    ACTION = "action"
    PACK = "pack"
    RULE = "rule"
    SENSOR = "sensor"
    TEST = "test"


Folder = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="DIR", help="Write <kind>.json files into a folder.")
]
Workspace = Annotated[bool, typer.Option("--workspace", help="Know the actions of the packs, and what each is given.")]


def schema(
    kind: Annotated[Kind | None, typer.Argument(help="Only this kind of file.")] = None,
    packs: options.Packs = None,
    folder: Folder = None,
    workspace: Workspace = False,
) -> None:
    """Print the JSON Schemas of workflows, actions, packs, rules, sensors and tests, or write them where editors look.

    [b]attune schema --workspace -o .attune/schemas[/b] is where the files of [b]attune new[/b] look.
    """
    kinds = [kind] if kind else list(Kind)
    schemas = _schemas(kinds, packs, workspace)
    if folder is None:
        output.emit(schemas[kind] if kind else schemas)
        return
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in schemas.items():
        path = folder / f"{name}.json"
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        typer.echo(str(path))


def _schemas(kinds: list[Kind], packs: list[Path] | None, workspace: bool) -> dict[str, dict[str, Any]]:
    from attune.language.files.json_schemas import json_schema

    actions = _actions(packs) if workspace else None
    return {str(kind): json_schema(kind, actions) for kind in kinds}


def _actions(packs: list[Path] | None) -> list[ActionSpec]:
    from attune.cli.project import load_all, packs_dirs
    from attune.packs.pack import catalogue

    return list(catalogue(load_all(packs_dirs(packs))).values())
