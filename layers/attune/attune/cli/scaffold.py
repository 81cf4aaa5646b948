"""New packs, workflows, actions and rules from templates; nothing that is there is ever overwritten."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from attune.cli import file_templates
from attune.exceptions import Conflict, InvalidRequest, NotFound
from attune.expressions.values import nearest
from attune.language.refs import PACK
from attune.model.action import ActionSpec
from attune.packs.loader import load_pack, load_packs
from attune.packs.pack import Pack

SCHEMAS = Path(".attune") / "schemas"
"""Where ``attune schema -o`` is told to write, beside the folder of packs; the first line of each file points there."""
_GREET, _ECHO = "greet", "core.echo"
"""The actions of new workflows: that of a new pack, so that it needs no other, else the core pack's."""
_MODELINE = "# yaml-language-server: $schema={}\n"


@dataclass(frozen=True, slots=True)
class Draft:
    """A file to be: its path, and its text."""

    path: Path
    text: str


def new_pack(base: Path, name: str) -> list[Draft]:
    """A pack with an action, a workflow that uses it, a rule and tests; raises Conflict if it is there."""
    _check_name(name)
    home = base / name
    if home.exists():
        raise Conflict(f"{home} is there already")
    values = _values(name, name)
    return [
        _yaml(base, home / "pack.yaml", "pack", file_templates.PACK, values),
        *_action(base, name, _GREET),
        *_workflow(base, name, "hello", f"{name}.{_GREET}"),
        _rule(base, name, "nightly", f"{name}.hello", ()),
    ]


def new_action(base: Path, pack: str, name: str) -> list[Draft]:
    """An action with its code and a test."""
    _check_name(name)
    return _action(base, _existing(base, pack).ref, name)


def new_workflow(base: Path, pack: str, name: str) -> list[Draft]:
    """A workflow and a test; it greets with the pack's own action, if that is there."""
    _check_name(name)
    found = _existing(base, pack)
    own = f"{found.ref}.{_GREET}"
    return _workflow(base, found.ref, name, own if own in found.actions else _ECHO)


def new_rule(base: Path, pack: str, name: str, workflow: str | None) -> list[Draft]:
    """A rule, not enabled, that starts a workflow: the one named, else the pack's first."""
    _check_name(name)
    found = _existing(base, pack)
    known: dict[str, ActionSpec] = {}
    for other in [found, *load_packs(base)]:
        known |= {ref: spec for ref, spec in other.interfaces.items() if ref not in known}
    ref = workflow or next(iter(found.interfaces), None)
    if ref is None:
        raise InvalidRequest(f"the pack {pack!r} has no workflow to start", hint="name one: --workflow pack.name")
    if ref not in known:
        raise NotFound(f"there is no workflow {ref!r}", hint=nearest(ref, known))
    return [_rule(base, found.ref, name, ref, known[ref].parameters.get("required") or ())]


def write(drafts: Sequence[Draft]) -> list[Path]:
    """Write the files; raises Conflict, and writes none, if one is there."""
    there = [draft.path for draft in drafts if draft.path.exists()]
    if there:
        raise Conflict(f"{there[0]} is there already", hint="choose another name")
    for draft in drafts:
        draft.path.parent.mkdir(parents=True, exist_ok=True)
        with draft.path.open("x", encoding="utf-8") as file:
            file.write(draft.text)
    return [draft.path for draft in drafts]


def only_pack(base: Path) -> str:
    """The pack in this folder, if it is the only one; raises InvalidRequest."""
    names = [folder.name for folder in sorted(base.iterdir()) if (folder / "pack.yaml").is_file()]
    if len(names) == 1:
        return names[0]
    hint = f"there are {', '.join(names)}" if names else "`attune new pack NAME` makes one"
    raise InvalidRequest("which pack? Name it: --pack NAME", hint=hint)


def _existing(base: Path, pack: str) -> Pack:
    if not PACK.fullmatch(pack) or not (base / pack / "pack.yaml").is_file():
        raise NotFound(f"there is no pack {pack!r} in {base}", hint=f"`attune new pack {pack}` makes it")
    return load_pack(base / pack)


def _check_name(name: str) -> None:
    if not PACK.fullmatch(name):
        hint = "letters, digits, _ and -, and no digit first; the pack is not part of it"
        raise InvalidRequest(f"{name!r} cannot be a name", hint=hint)


def _values(pack: str, name: str) -> dict[str, str]:
    return {"pack": pack, "name": name, "title": name.replace("_", " ").replace("-", " ").capitalize()}


def _yaml(base: Path, path: Path, kind: str, template: Template, values: Mapping[str, str]) -> Draft:
    """A file with the line that tells an editor of its schema."""
    schema = os.path.relpath(base.parent / SCHEMAS / f"{kind}.json", path.parent)
    return Draft(path, _MODELINE.format(Path(schema).as_posix()) + template.substitute(values))


def _action(base: Path, pack: str, name: str) -> list[Draft]:
    home, values = base / pack, _values(pack, name)
    return [
        _yaml(base, home / "actions" / f"{name}.yaml", "action", file_templates.ACTION, values),
        Draft(home / "actions" / f"{name}.py", file_templates.ACTION_CODE.substitute(values)),
        _yaml(base, home / "tests" / f"{name}.yaml", "test", file_templates.ACTION_TEST, values),
    ]


def _workflow(base: Path, pack: str, name: str, action: str) -> list[Draft]:
    given = "message" if action == _ECHO else "who"
    home, values = base / pack, {**_values(pack, name), "action": action, "input": given}
    return [
        _yaml(base, home / "workflows" / f"{name}.yaml", "workflow", file_templates.WORKFLOW, values),
        _yaml(base, home / "tests" / f"{name}.yaml", "test", file_templates.WORKFLOW_TEST, values),
    ]


def _rule(base: Path, pack: str, name: str, workflow: str, required: Sequence[str]) -> Draft:
    lines = [f'  {parameter}: "{{{{ event.detail.{parameter} }}}}"\n' for parameter in required]
    given = "".join(["parameters:\n", *lines]) if lines else "parameters: {}\n"
    values = {**_values(pack, name), "workflow": workflow, "parameters": given}
    return _yaml(base, base / pack / "rules" / f"{name}.yaml", "rule", file_templates.RULE, values)
