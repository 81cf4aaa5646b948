"""Finding packs on disk, and making one workflow of them ready for the simulator."""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from attune.adapters.memory.catalog import MemoryCatalog
from attune.exceptions import InvalidDefinition, InvalidRequest, NotFound, Problem
from attune.execution.ports.catalog import PackRecord, WorkflowVersion
from attune.language.compiler import Compiled, compile_workflow, interface
from attune.language.refs import PACK
from attune.language.source import Source
from attune.model.action import ActionSpec, Runner
from attune.model.graph import Graph
from attune.packs.loader import load_packs, read
from attune.packs.pack import Pack, catalogue

FOLDER = "packs"
LONE_PACK = "local"
"""The pack of a workflow file that neither says one nor lies in one."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A workflow and what it calls, registered in a catalog of its own."""

    ref: str
    graph: Graph
    catalog: MemoryCatalog
    packs: Sequence[Pack]


def packs_dirs(given: Sequence[Path] | None, file: Path | None = None, *, required: bool = True) -> list[Path]:
    """Folders of packs: those given, else ``./packs`` and what lies above the file; its own pack's in any case.

    Raises InvalidRequest for a folder that isn't there, or if there is none at all and one is ``required``.
    """
    missing = [folder for folder in given or () if not folder.is_dir()]
    if missing:
        raise InvalidRequest(f"there is no folder {missing[0]}", hint="--packs names a folder that holds packs")
    found = [*_own(file), *(given or (*_above(file), Path(FOLDER)))]
    folders = list({folder.resolve(): folder for folder in found if folder.is_dir()}.values())
    if required and not folders:
        raise InvalidRequest("there are no packs here", hint="name their folder: --packs DIR")
    return folders


def prepare(target: str, packs: Sequence[Path] | None) -> Prepared:
    """A workflow by its file or its ref; raises NotFound, InvalidRequest, and InvalidDefinition with all problems."""
    file = Path(target) if _is_file(target) else None
    if file is not None and not file.is_file():
        raise NotFound(f"there is no file {target}", hint="a workflow in a pack is named pack.workflow")
    known = load_all(packs_dirs(packs, file, required=file is None))
    ref = target
    if file is not None:
        ref, known = _with_file(file, known)
    return _compile(ref, known)


def load_all(folders: Iterable[Path]) -> list[Pack]:
    """All packs in these folders; of two with one name the first."""
    found: dict[str, Pack] = {}
    for folder in folders:
        for pack in load_packs(folder):
            found.setdefault(pack.ref, pack)
    return list(found.values())


@contextmanager
def actions_home(packs: Sequence[Pack]) -> Iterator[Path]:
    """A folder in which all these packs lie, wherever they are."""
    homes = {pack.directory.parent for pack in packs}
    if len(homes) == 1:
        yield homes.pop()
        return
    with tempfile.TemporaryDirectory(prefix="attune-packs-") as folder:
        for pack in packs:
            (Path(folder) / pack.ref).symlink_to(pack.directory.resolve())
        yield Path(folder)


def _is_file(target: str) -> bool:
    return target.endswith((".yaml", ".yml")) or "/" in target or Path(target).is_file()


def _own(file: Path | None) -> list[Path]:
    """The folder in which the file's own pack lies, if it is in one."""
    folders = file.resolve().parents if file else ()
    return [folder.parent for folder in folders if (folder / "pack.yaml").is_file()][:1]


def _above(file: Path | None) -> list[Path]:
    folders = file.resolve().parents if file else ()
    near = (folder if folder.name == FOLDER else folder / FOLDER for folder in folders)
    return [folder for folder in near if folder.is_dir()][:1]


def _with_file(file: Path, packs: list[Pack]) -> tuple[str, list[Pack]]:
    """The ref of the file's workflow, and the packs with it; it takes the place of one of the same ref."""
    source = read(file)
    name = _pack_of(file, source)
    pack = next((pack for pack in packs if pack.ref == name), None) or Pack(name, name, "", directory=file.parent)
    spec = interface(source, name)
    workflows, interfaces = {**pack.workflows, spec.ref: source}, {**pack.interfaces, spec.ref: spec}
    others = [other for other in packs if other.ref != name]
    return spec.ref, [*others, replace(pack, workflows=workflows, interfaces=interfaces)]


def _pack_of(file: Path, source: Source) -> str:
    """The pack whose folder the file is in, else what its ref begins with."""
    owners = [folder.name for folder in file.resolve().parents if (folder / "pack.yaml").is_file()]
    written = str(source.data.get("ref") or "")
    guesses = (*owners[:1], written.partition(".")[0] if "." in written else "")
    return next((name for name in guesses if PACK.fullmatch(name)), LONE_PACK)


def _compile(target: str, packs: list[Pack]) -> Prepared:
    """Compile the workflow and all that it calls, directly or not."""
    owners = {ref: pack for pack in packs for ref in pack.workflows}
    if target not in owners:
        near = difflib.get_close_matches(target, owners, n=1)
        hint = f"did you mean {near[0]}?" if near else "give a file, or pack.workflow and --packs"
        raise NotFound(f"there is no workflow '{target}'", hint=hint)
    actions, catalog = catalogue(packs), MemoryCatalog()
    problems: list[Problem] = []
    todo, done = [target], set[str]()
    while todo:
        ref = todo.pop()
        if ref in done or ref not in owners:
            continue
        done.add(ref)
        try:
            compiled = _compiled(ref, owners[ref], actions)
        except InvalidDefinition as error:
            problems += error.problems
            continue
        catalog.add_version(WorkflowVersion(ref, 1, compiled.graph))
        todo += [task.action for task in compiled.graph.tasks if task.spec and task.spec.runner is Runner.WORKFLOW]
    if problems:
        raise InvalidDefinition([*owners[target].problems, *problems])
    if _names_are_templates(catalog):
        _add_others(catalog, owners, actions, done)
    for pack in packs:
        catalog.put_pack(
            PackRecord(pack.ref, pack.label, pack.version, description=pack.description, config=pack.config)
        )
        catalog.put_actions(pack.ref, pack.actions.values())
    return Prepared(target, catalog.workflow(target).graph, catalog, packs)


def _names_are_templates(catalog: MemoryCatalog) -> bool:
    """True when only the run shows which actions are called."""
    tasks = (task for version in catalog.workflows() for task in version.graph.tasks)
    return any(task.spec is None and not task.members for task in tasks)


def _add_others(
    catalog: MemoryCatalog, owners: Mapping[str, Pack], actions: Mapping[str, ActionSpec], done: set[str]
) -> None:
    """Every other workflow that compiles: any of them may be called."""
    for ref in owners.keys() - done:
        try:
            catalog.add_version(WorkflowVersion(ref, 1, _compiled(ref, owners[ref], actions).graph))
        except InvalidDefinition:
            continue


def _compiled(ref: str, pack: Pack, actions: Mapping[str, ActionSpec]) -> Compiled:
    return compile_workflow(pack.workflows[ref], pack=pack.ref, actions=actions, pack_config=pack.config)
