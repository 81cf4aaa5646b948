"""Every template of a workflow: its syntax, and whether what it names can be there when it is rendered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from functools import cached_property
from typing import Any, Final

from attune.exceptions import TemplateError
from attune.expressions import templates
from attune.expressions.templates import Reference, is_template
from attune.expressions.values import nearest
from attune.language.checks import secrets_check
from attune.language.checks.order import Order
from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.source import Path
from attune.language.task_draft import Aspect, TaskDraft, TaskKind
from attune.model.scope_names import NATIVE, ScopeNames
from attune.model.secrets import Secrets

COMMON: Final = frozenset({"task", "vars", "parameters", "pack", "system", "kv"})
"""Scopes that are there wherever a workflow has templates."""
ITEM: Final = frozenset({"item", "index"})
"""What only the input of a task with ``with_items`` sees."""
ENDED: Final = frozenset({"result", "error", "succeeded", "failed", "timed_out", "completed"})
"""What is there when a task has ended: in its transitions, ``publish`` and ``retry.on_error``."""
SYSTEM: Final = frozenset(
    {
        "execution_id",
        "workflow",
        "workflow_version",
        "timestamp",
        "created_at",
        "identity",
        "trigger",
        "task",
        "attempt",
    }
)
"""What ``system`` has."""

KV: Final = frozenset({"get", "get_secret"})
"""What ``kv`` has."""

_FORGIVES: Final = re.compile(r"\|\s*default\b|\bis\s+(not\s+)?defined\b")
"""What a template says that reckons with names that are not there."""
_OF_TASK: Final = frozenset({"status", "result", "error", "visit"})
_OF_ITEMS: Final = frozenset({"items", "total_count", "failed_count", "succeeded_count"})
_PACK: Final = frozenset({"config"})


@dataclass(frozen=True, slots=True)
class Place:
    """A value that may hold templates: where it is written, what it may name, and whose it is.

    ``task`` is None for values of the workflow; ``before``: it is rendered before the task runs; ``kept``: what it
    gives is stored where everybody who may see the execution can read it; ``given``: it goes to the task's action.
    """

    value: Any
    path: Path
    roots: frozenset[str] = COMMON
    _: KW_ONLY
    task: int | None = None
    before: bool = False
    condition: bool = False
    kept: bool = False
    given: bool = False


def check(draft: Draft) -> None:
    """Look at every template of the workflow."""
    _Checker(draft).check()


@dataclass(frozen=True, slots=True)
class Named:
    """A name in a template: as written, in our words, and the path of the value that contains the template."""

    written: Reference
    ours: Reference
    path: Path


def check_place(findings: Findings, place: Place, names: ScopeNames = NATIVE) -> Iterator[Named]:
    """Check syntax and root names; yields the references whose root is right."""
    allowed = names.all_of(place.roots)
    for value, path in _leaves(place.value, place.path):
        if place.condition and not is_template(value) and value.strip().lower() not in ("true", "false"):
            message = f"the condition {value[:100]!r} is no template, so it would always be true"
            findings.error("bad-condition", path, message, f'write "{{{{ {value[:100]} }}}}"')
            continue
        try:
            templates.check(value)
            found = templates.references(value)
        except TemplateError as error:
            findings.error("template-syntax", path, error.message, error.hint)
            continue
        for reference in sorted(found, key=str):
            if reference.root in allowed:
                yield Named(reference, names.ours(reference), path)
            else:
                message, hint = _unknown_root(reference.root, allowed, names)
                findings.error("unknown-name", path, message, hint)


def _leaves(value: Any, path: Path) -> Iterator[tuple[str, Path]]:
    """All texts in a value, keys of mappings included."""
    if isinstance(value, str):
        yield value, path
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(key, (*path, key)) if is_template(key) else ()
            yield from _leaves(part, (*path, key))
    elif isinstance(value, list):
        for number, part in enumerate(value):
            yield from _leaves(part, (*path, number))


def _unknown_root(root: str, allowed: frozenset[str], names: ScopeNames) -> tuple[str, str | None]:
    if root in names.all_of(ITEM):
        return f"{root!r} is there only in the input of a task with 'with_items'", None
    if root in names.all_of(ENDED):
        return f"{root!r} is there only when the task has ended", "use it in publish, next, decision or retry.on_error"
    if root in names.all_of(COMMON):
        return f"{root!r} is not there in this place", None
    return f"there is no {root!r} in templates", nearest(root, allowed) or f"there are {', '.join(sorted(allowed))}"


class _Checker:
    """Checks of one draft, with what it needs to know about it worked out once."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.findings = draft, draft.findings
        self._vars_above: frozenset[str] | None = None
        self._order = Order(draft)
        self._names, self._secrets = draft.names_in_templates, Secrets(draft.workflow.parameters)
        self._by_root: Mapping[str, Callable[[Place, Named], None]] = {
            "task": self._check_task,
            "vars": self._check_var,
            "parameters": self._check_parameter,
            "system": lambda _, named: self._check_member(SYSTEM, named),
            "pack": self._check_pack,
            "kv": lambda _, named: self._check_member(KV, named),
        }

    def check(self) -> None:
        """Variables first: each sees those above it only."""
        above, head = list[str](), self.draft.workflow
        for name, value in head.vars.items():
            self._vars_above = frozenset(above)
            self._check_place(Place(value, (*head.place(Aspect.VARS), name), COMMON - {"task"}, kept=True))
            above.append(name)
        self._vars_above = None
        for number, task in enumerate(self.draft.tasks):
            for place in self._places(number, task):
                self._check_place(place)
            secrets_check.check_bare(self.draft, number)
        self._check_place(Place(head.output_map, head.place(Aspect.OUTPUT_MAP), kept=True))

    def _places(self, number: int, task: TaskDraft) -> Iterator[Place]:
        has_items = task.with_items is not None or self.draft.writes(number, Aspect.WITH_ITEMS)
        inside, after = COMMON | ITEM if has_items else COMMON, COMMON | ENDED
        at = task.place
        yield Place(task.when, at(Aspect.WHEN), COMMON, task=number, before=True, condition=True)
        if task.loop is not None and self.draft.writes(number, Aspect.LOOP_CONDITION):
            yield Place(task.loop.condition, at(Aspect.LOOP_CONDITION), COMMON, task=number, condition=True)
        yield Place(task.with_items, at(Aspect.WITH_ITEMS), COMMON, task=number, before=True)
        yield Place(task.call, at(Aspect.CALL), inside, task=number, before=True)
        yield Place(task.input, at(Aspect.INPUT), inside, task=number, before=True, given=True)
        if task.retry is not None:
            yield Place(task.retry.on_error, at(Aspect.RETRY_CONDITION), after, task=number, condition=True)
        for entry in task.published():
            yield Place(entry.value, entry.path, after, task=number, kept=True)
        for arrow in task.arrows:
            yield Place(arrow.when, arrow.when_path, after, task=number, condition=True)

    def _check_place(self, place: Place) -> None:
        for named in check_place(self.findings, place, self._names):
            checker = self._by_root.get(named.ours.root)
            if checker is not None and named.ours.path:
                checker(place, named)
            if secret := self._secrets.in_reference(named.ours):
                self._check_secret(place, named.path, secret)

    def _check_secret(self, place: Place, path: Path, secret: str) -> None:
        if place.given and place.task is not None:
            secrets_check.check_input(self.draft, place.task, path, secret)
        elif place.kept:
            secrets_check.check_kept(self.draft, path, secret)
        else:
            secrets_check.check_early(self.draft, path, secret)

    @cached_property
    def _vars(self) -> frozenset[str]:
        names = {entry.name for task in self.draft.tasks for entry in task.published()}
        return frozenset(names | set(self.draft.workflow.vars))

    @cached_property
    def _dashed(self) -> dict[str, str]:
        """Names of tasks with a dash, by what stands before the first one: ``task.a-b`` is a subtraction."""
        return {name.partition("-")[0]: name for name in self.draft.index if "-" in name}

    def _check_task(self, place: Place, named: Named) -> None:
        below, path = named.ours.path, named.path
        name = str(below[0])
        number = self.draft.index.get(name)
        if number is None:
            self._report_task(name, named)
            return
        if len(below) > 1:
            self._check_task_member(number, named)
        if len(below) > 2 and below[1] == "result" and self.draft.tasks[number].is_group:
            self._check_group_result(number, named)
        why = None if place.task is None else self._order.why_not(number, place.task, place.before)
        texts = (text for text, where in _leaves(place.value, place.path) if where == path)
        if why is not None and not any(map(_FORGIVES.search, texts)):
            self.findings.warning("not-yet-run", path, why)

    def _report_task(self, name: str, named: Named) -> None:
        dashed = self._dashed.get(name)
        hint = f"write {named.written.root}['{dashed}']" if dashed else nearest(name, self.draft.index)
        self.findings.error("unknown-task", named.path, f"there is no task {name!r}", hint)

    def _check_task_member(self, number: int, named: Named) -> None:
        """Judged by the name that is written: one of ours that the dialect gives another name is not there."""
        task, (root, member) = self.draft.tasks[number], (named.written.root, str(named.written.path[1]))
        known, of_items = (self._members(names) for names in (_OF_TASK, _OF_ITEMS))
        if self.draft.writes(number, Aspect.WITH_ITEMS):
            known |= of_items
        if member in known:
            return
        if member in of_items:
            hint = "only tasks with 'with_items' have it"
        else:
            hint = nearest(member, known) or f"there are {', '.join(sorted(known))}"
        self.findings.error("unknown-name", named.path, f"'{root}.{task.name}' has no {member!r}", hint)

    def _members(self, ours: frozenset[str]) -> frozenset[str]:
        return frozenset(self._names.renamed(dict.fromkeys(ours), "."))

    def _check_group_result(self, number: int, named: Named) -> None:
        """A parallel group's result has its children's names, a loop's the number of rounds."""
        task, member = self.draft.tasks[number], str(named.ours.path[2])
        members = self.draft.names(self.draft.levels.get(number, 0))
        known = members if task.kind is TaskKind.PARALLEL else ["iterations"]
        if member not in known and (known or task.kind is TaskKind.LOOP):
            hint = nearest(member, known) or f"there are {', '.join(known)}"
            whole = f"{named.written.root}.{task.name}.{named.written.path[1]}"
            self.findings.error("unknown-name", named.path, f"'{whole}' has no {member!r}", hint)

    def _check_var(self, _: Place, named: Named) -> None:
        name, path = str(named.ours.path[0]), named.path
        if Aspect.VARS in self.draft.workflow.unreadable:
            return
        if self._vars_above is not None and name in self._vars and name not in self._vars_above:
            self.findings.error("unknown-var", path, f"the variable {name!r} is not set above this one")
        elif name not in self._vars:
            hint = nearest(name, self._vars) or "declare it under 'vars', or publish it"
            self.findings.error("unknown-var", path, f"there is no variable {name!r}", hint)

    def _check_parameter(self, _: Place, named: Named) -> None:
        schema, name = self.draft.workflow.parameters, str(named.ours.path[0])
        closed = schema.get("additionalProperties") is False
        if closed and name not in (known := schema.get("properties") or {}):
            message = f"there is no parameter {name!r}"
            self.findings.error("unknown-parameter", named.path, message, nearest(name, known))

    def _check_pack(self, _: Place, named: Named) -> None:
        self._check_member(_PACK, named)
        below, known = named.ours.path, self.draft.pack_config
        if len(below) > 1 and below[0] == "config" and below[1] not in known:
            message = f"the pack has no setting {str(below[1])!r} now"
            self.findings.warning("unknown-setting", named.path, message, nearest(below[1], known))

    def _check_member(self, known: frozenset[str], named: Named) -> None:
        member = named.ours.path[0]
        if member not in known:
            hint = nearest(member, known) or f"there are {', '.join(sorted(known))}"
            message = f"{named.written.root!r} has no {str(member)!r}"
            self.findings.error("unknown-name", named.path, message, hint)
