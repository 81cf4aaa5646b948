"""The state of an execution between two folds: what its fields mean, how it is copied and stored."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import attune.engine
from attune.engine import codec
from attune.engine.ids import AttemptId
from attune.engine.messages import Parent
from attune.engine.state import State
from attune.engine.visits import Active, Chunk, Chunks, Items, Visit
from attune.exceptions import task_error
from attune.model.built_ins import WaitKind
from attune.model.status import ExecutionStatus, TaskStatus

ENGINE = Path(attune.engine.__file__).parent
ACTIVE = Active(TaskStatus.WAITING, 3, due=5.5, child="01CHILD", limit=9.5, wait=WaitKind.EVENT)
ITEMS = Items(9, 18, next=4, active={3: ACTIVE, 2: Active(TaskStatus.SCHEDULED, 7)}, failed={1}, again=[0])
CHUNKS = Chunks(900, 1800, 9, next=4, running={2: 10, 3: 0}, failed=2, indexes=[7, 5], whole=True)
VISIT = Visit(1, 2, single=ACTIVE, items=ITEMS, chunks=CHUNKS, round=3, attempt_base=6, last=8)
"""With a value in every field, which no visit has."""
BESIDE = ("execution", "workflow", "workflow_version", "created_at", "status", "version", "absorbed", "updated_at")
"""What a store keeps beside the encoded state."""


def whole_state() -> State:
    """A state with a value in every field, which no execution has."""
    state = State(
        execution="01EXEC",
        workflow="t.w",
        workflow_version=3,
        created_at=1.5,
        size=3,
        parent=Parent("01PARENT", AttemptId("call", 2, 7, 3), 2),
        chunk=Chunk(task=1, visit=2, number=4, first=400, window=10, attempt_base=6),
        version=8,
        absorbed="42",
        updated_at=2.5,
        outbox=[["r", 1, 1, 1]],
        resend_id="again",
        status=ExecutionStatus.PAUSED,
        deadline=100.5,
        ended_at=3.5,
        vars_number=1500,
        codes=["c", "f", "."],
        begun=0b11,
        visits={1: 2},
        last_attempt={1: 5},
        item_counts={1: (10, 2)},
        rounds={0: 4},
        verdicts=0b10,
        held=0b100,
        fired={2: {0: 1, 1: 2}},
        join_runs={2: 1},
        now_unhandled=0b1,
        ever_unhandled=0b11,
        led_to_fail=0b10,
        is_failing=True,
        stopping=True,
        error=task_error("Oops", "it broke"),
        paused=True,
        pause_note={"by": "me", "reason": "", "at": 2.5},
        seen_controls=["ab"],
        delivered_events={"cd": 1},
        resumable={(1, 1): 5, (0, 1): 0},
        dropped={2: {1: 1}},
        retried=["1"],
        given=1,
    )
    state.open(Visit(1, 2, items=ITEMS.copy(), attempt_base=6, last=8))
    state.open(Visit(2, 1, single=ACTIVE, round=3))
    state.open(Visit(0, 1, chunks=CHUNKS.copy()))
    return state


def default_of(field: Field[Any]) -> Any:
    """What a field is if nobody says."""
    return field.default_factory() if field.default_factory is not MISSING else field.default


def test_the_example_has_a_value_in_every_field() -> None:
    state = whole_state()
    assert [field.name for field in fields(State) if getattr(state, field.name) == default_of(field)] == []


def test_a_state_is_read_as_it_was_written_whatever_it_says() -> None:
    state = whole_state()
    stored = json.loads(json.dumps(codec.encode(state)))
    again = codec.decode(stored, **{name: getattr(state, name) for name in BESIDE})
    assert again == state
    assert again.running == state.running


def test_a_state_that_says_nothing_takes_no_room() -> None:
    blank = State(execution="01EXEC", workflow="t.w", workflow_version=1, created_at=0.0, size=3)
    assert codec.encode(blank) == {"c": "..."}


def test_the_stored_names_are_those_of_the_states_that_lie_in_tables() -> None:
    plain = "b u fl h vd x st pz pn hd tl e vn dl ea sa fa rt g o"
    assert set(codec.encode(whole_state())) == {
        *plain.split(),
        *["c", "v", "l", "j", "r", "ic", "f", "dr", "lo", "a", "k", "p"],
    }


@pytest.mark.parametrize("given", [ITEMS, CHUNKS, VISIT], ids=lambda given: type(given).__name__)
def test_a_copy_of_a_visit_says_the_same_and_shares_nothing_that_can_change(given: Any) -> None:
    copy = given.copy()
    for field in fields(given):
        mine, its = getattr(given, field.name), getattr(copy, field.name)
        assert mine, f"the example has nothing in {field.name}"
        assert mine == its
        assert mine is not its or isinstance(mine, int | Active), field.name


def test_a_copy_of_a_state_shares_only_what_is_never_changed() -> None:
    state = whole_state()
    copy = state.copy()
    assert copy == state
    assert (copy.running, copy.private) == (state.running, set())
    mutable = {field.name for field in fields(State) if isinstance(getattr(state, field.name), dict | list | set)}
    shared = {name for name in mutable if getattr(copy, name) is getattr(state, name)}
    assert shared == {name for name in mutable if "Replaced." in docs()[name]}
    assert all(copy.fired[task] is not arrivals for task, arrivals in state.fired.items())


def docs() -> dict[str, str]:
    """What stands below each field of the state."""
    tree = ast.parse((ENGINE / "state.py").read_text(encoding="utf-8"))
    (body,) = (node.body for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "State")
    found = {}
    for statement, following in pairwise(body):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            said = following.value if isinstance(following, ast.Expr) else None
            text = said.value if isinstance(said, ast.Constant) else ""
            found[statement.target.id] = " ".join(str(text).split())
    return found


def test_every_field_is_described_and_says_who_writes_it() -> None:
    assert set(docs()) == {field.name for field in fields(State)}
    for name, text in docs().items():
        assert re.search(r"\. (Replaced\. )?(From its start|By ``)|never stored\. By ``", text), name


WRITING_METHODS = {"pop", "clear", "setdefault", "update", "append", "add", "remove", "extend"}


def writers() -> Iterator[tuple[str, str]]:
    """``(field, module)`` wherever a module of the engine changes ``state.<field>`` (``remap`` does so by name)."""
    for path in ENGINE.glob("*.py"):
        if path.stem in ("state", "codec", "remap"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for target in written_by(node):
                base = target.value if isinstance(target, ast.Subscript) else target
                owner = base.value if isinstance(base, ast.Attribute) else None
                name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
                if isinstance(base, ast.Attribute) and name == "state" and base.attr in docs():
                    yield base.attr, path.stem


def written_by(node: ast.AST) -> list[ast.expr]:
    """What a statement or a call changes."""
    if isinstance(node, ast.Assign):
        return [part for target in node.targets for part in getattr(target, "elts", [target])]
    if isinstance(node, ast.AugAssign):
        return [node.target]
    if isinstance(node, ast.Delete):
        return node.targets
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in WRITING_METHODS:
        return [node.func.value]
    return []


def test_whoever_writes_a_field_is_named_with_it() -> None:
    found = set(writers())
    assert len(found) > 50, "the search finds nothing any more"
    assert {(field, module) for field, module in found if f"``{module}``" not in docs()[field]} == set()


def test_who_is_named_with_a_field_writes_it() -> None:
    modules = {path.stem for path in ENGINE.glob("*.py")} - {"remap"}
    named = {
        (field, name)
        for field, text in docs().items()
        for name in re.findall(r"``(\w+)``", text.rpartition("By ")[2])
        if name in modules and "By " in text
    }
    assert named - set(writers()) == set()
