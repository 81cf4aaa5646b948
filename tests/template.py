"""template.yaml, read: with CloudFormation's short forms written out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PROJECT = Path(__file__).parents[1]


class _Loader(yaml.SafeLoader):
    """``!Ref x`` is ``{"Ref": x}``, ``!GetAtt a.b`` is ``{"Fn::GetAtt": "a.b"}``."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix == "Ref" else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    return {name: loader.construct_sequence(node, deep=True)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _short_form)  # type: ignore[no-untyped-call]
TEXT = (PROJECT / "template.yaml").read_text(encoding="utf-8")
TEMPLATE: dict[str, Any] = yaml.load(TEXT, _Loader)  # noqa: S506 (a SafeLoader)
RESOURCES: dict[str, Any] = TEMPLATE["Resources"]


def properties(function: str) -> Any:
    """Of the function in this folder of ``functions/``: ``run_task`` is called RunTask."""
    return RESOURCES["".join(word.capitalize() for word in function.split("_"))]["Properties"]


def default(value: Any) -> Any:
    """A property's value, of a parameter its default."""
    return TEMPLATE["Parameters"][value["Ref"]]["Default"] if isinstance(value, dict) else value
