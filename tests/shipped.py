"""The packs of this repository."""

from __future__ import annotations

from pathlib import Path

from attune.language.files.action_file import compile_action
from attune.language.source import load
from attune.model.action import ActionSpec

PACKS = Path(__file__).parents[1] / "packs"


def pack_action(ref: str) -> ActionSpec:
    """The action as its YAML describes it."""
    pack, name = ref.split(".")
    path = PACKS / pack / "actions" / f"{name}.yaml"
    action = compile_action(load(path.read_bytes(), str(path)), pack=pack)
    assert action is not None, "a shipped action is right"
    return action
