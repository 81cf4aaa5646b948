"""Every template of a workflow: its syntax, and whether what it names can be there when it is rendered."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from attune.exceptions import TemplateError
from attune.expressions import templates
from attune.expressions.templates import Reference, is_template
from attune.expressions.values import nearest
from attune.language.checks import secrets_check
from attune.language.checks.order import Order
from attune.language.dialects.native.models import TaskModel
from attune.language.draft import Draft
from attune.language.findings import Findings
from attune.language.source import Path
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
    task: int | None = None
    before: bool = False
    condition: bool = False
    kept: bool = False
    given: bool = False


def check(draft: Draft) -> None:
    """Look at every template of the workflow."""
    _Checker(draft).check()


def check_place(findings: Findings, place: Place) -> Iterator[tuple[Reference, Path]]:
    """Check syntax and root names; yields the references whose root is right, with the place of their value."""
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
            if reference.root in place.roots:
                yield reference, path
            else:
                message, hint = _unknown_root(reference.root, place.roots)
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


def _unknown_root(root: str, roots: frozenset[str]) -> tuple[str, str | None]:
    if root in ITEM:
        return f"{root!r} is there only in the input of a task with 'with_items'", None
    if root in ENDED:
        return f"{root!r} is there only when the task has ended", "use it in publish, next, decision or retry.on_error"
    if root in COMMON:
        return f"{root!r} is not there in this place", None
    return f"there is no {root!r} in templates", nearest(root, roots) or f"there are {', '.join(sorted(roots))}"


class _Checker:
    """Checks of one draft, with what it needs to know about it worked out once."""

    def __init__(self, draft: Draft) -> None:
        self.draft, self.findings = draft, draft.findings
        self._vars_above: frozenset[str] | None = None
        self._order = Order(draft)
        self._secrets = Secrets(draft.parameters)
        self._by_root: Mapping[str, Callable[[Place, Path, tuple[str | int, ...]], None]] = {
            "task": self._check_task,
            "vars": self._check_var,
            "parameters": self._check_parameter,
            "system": lambda _, path, below: self._check_member("system", SYSTEM, path, below),
            "pack": self._check_pack,
            "kv": lambda _, path, below: self._check_member("kv", KV, path, below),
        }

    def check(self) -> None:
        """Variables first: each sees those above it only."""
        above: list[str] = []
        for name, value in self.draft.workflow.vars.items():
            self._vars_above = frozenset(above)
            self._check_place(Place(value, ("vars", name), COMMON - {"task"}, kept=True))
            above.append(name)
        self._vars_above = None
        for number, task in enumerate(self.draft.tasks):
            for place in self._places(number, task):
                self._check_place(place)
            secrets_check.check_bare(self.draft, number)
        self._check_place(Place(self.draft.workflow.output_map, ("output_map",), kept=True))

    def _places(self, number: int, task: TaskModel) -> Iterator[Place]:
        path = self.draft.path(number)
        inside = COMMON | ITEM if task.with_items is not None or self.draft.writes(number, "with_items") else COMMON
        after = COMMON | ENDED
        yield Place(task.when, (*path, "when"), COMMON, number, before=True, condition=True)
        yield Place(task.while_, (*path, "while"), COMMON, number, condition=True)
        yield Place(task.until, (*path, "until"), COMMON, number, condition=True)
        yield Place(task.with_items, (*path, "with_items"), COMMON, number, before=True)
        yield Place(task.action, (*path, "action"), inside, number, before=True)
        yield Place(task.workflow, (*path, "workflow"), inside, number, before=True)
        yield Place(task.input, (*path, "input"), inside, number, before=True, given=True)
        if task.retry is not None:
            yield Place(task.retry.on_error, (*path, "retry", "on_error"), after, number, condition=True)
        for entry in self.draft.published(number):
            yield Place(entry.value, entry.path, after, number, kept=True)
        for arrow in self.draft.arrows[number]:
            yield Place(arrow.when, arrow.when_path, after, number, condition=True)

    def _check_place(self, place: Place) -> None:
        for reference, path in check_place(self.findings, place):
            checker = self._by_root.get(reference.root)
            if checker is not None and reference.path:
                checker(place, path, reference.path)
            if secret := self._secrets.in_reference(reference):
                self._check_secret(place, path, secret)

    def _check_secret(self, place: Place, path: Path, secret: str) -> None:
        if place.given and place.task is not None:
            secrets_check.check_input(self.draft, place.task, path, secret)
        elif place.kept:
            secrets_check.check_kept(self.draft, path, secret)
        else:
            secrets_check.check_early(self.draft, path, secret)

    @cached_property
    def _vars(self) -> frozenset[str]:
        names = {entry.name for number in range(len(self.draft.tasks)) for entry in self.draft.published(number)}
        return frozenset(names | set(self.draft.workflow.vars))

    @cached_property
    def _dashed(self) -> dict[str, str]:
        """Names of tasks with a dash, by what stands before the first one: ``task.a-b`` is a subtraction."""
        return {name.partition("-")[0]: name for name in self.draft.index if "-" in name}

    def _check_task(self, place: Place, path: Path, below: tuple[str | int, ...]) -> None:
        name = str(below[0])
        number = self.draft.index.get(name)
        if number is None:
            dashed = self._dashed.get(name)
            hint = f"write task['{dashed}']" if dashed else nearest(name, self.draft.index)
            self.findings.error("unknown-task", path, f"there is no task {name!r}", hint)
            return
        if len(below) > 1:
            self._check_task_member(number, path, str(below[1]))
        if len(below) > 2 and below[1] == "result" and self.draft.tasks[number].is_group:
            self._check_group_result(number, path, str(below[2]))
        why = None if place.task is None else self._order.why_not(number, place.task, place.before)
        texts = (text for text, where in _leaves(place.value, place.path) if where == path)
        if why is not None and not any(map(_FORGIVES.search, texts)):
            self.findings.warning("not-yet-run", path, why)

    def _check_task_member(self, number: int, path: Path, member: str) -> None:
        task = self.draft.tasks[number]
        known = _OF_TASK | _OF_ITEMS if self.draft.writes(number, "with_items") else _OF_TASK
        if member in known:
            return
        if member in _OF_ITEMS:
            hint = "only tasks with 'with_items' have it"
        else:
            hint = nearest(member, known) or f"there are {', '.join(sorted(known))}"
        self.findings.error("unknown-name", path, f"'task.{task.name}' has no {member!r}", hint)

    def _check_group_result(self, number: int, path: Path, member: str) -> None:
        """A parallel group's result has its children's names, a loop's the number of rounds."""
        task = self.draft.tasks[number]
        members = self.draft.names(self.draft.levels.get(number, 0))
        known = members if task.type == "parallel" else ["iterations"]
        if member not in known and (known or task.type == "loop"):
            hint = nearest(member, known) or f"there are {', '.join(known)}"
            self.findings.error("unknown-name", path, f"'task.{task.name}.result' has no {member!r}", hint)

    def _check_var(self, _: Place, path: Path, below: tuple[str | int, ...]) -> None:
        name, source = str(below[0]), self.findings.source.data
        if not isinstance(source.get("vars") or {}, dict):
            return
        if self._vars_above is not None and name in self._vars and name not in self._vars_above:
            self.findings.error("unknown-var", path, f"the variable {name!r} is not set above this one")
        elif name not in self._vars:
            hint = nearest(name, self._vars) or "declare it under 'vars', or publish it"
            self.findings.error("unknown-var", path, f"there is no variable {name!r}", hint)

    def _check_parameter(self, _: Place, path: Path, below: tuple[str | int, ...]) -> None:
        schema, name = self.draft.parameters, str(below[0])
        closed = schema.get("additionalProperties") is False
        if closed and name not in (known := schema.get("properties") or {}):
            self.findings.error("unknown-parameter", path, f"there is no parameter {name!r}", nearest(name, known))

    def _check_pack(self, _: Place, path: Path, below: tuple[str | int, ...]) -> None:
        self._check_member("pack", _PACK, path, below)
        known = self.draft.pack_config
        if len(below) > 1 and below[0] == "config" and below[1] not in known:
            message = f"the pack has no setting {str(below[1])!r} now"
            self.findings.warning("unknown-setting", path, message, nearest(below[1], known))

    def _check_member(self, root: str, known: frozenset[str], path: Path, below: tuple[str | int, ...]) -> None:
        if below[0] not in known:
            hint = nearest(below[0], known) or f"there are {', '.join(sorted(known))}"
            self.findings.error("unknown-name", path, f"{root!r} has no {str(below[0])!r}", hint)
